/* Tasks, the inbox and events, as their owner reads and changes them. Every
 * statement is limited to that user. JSON is passed on as the database made
 * it. */
#ifndef CORE_STORE_TASK_H
#define CORE_STORE_TASK_H

#include "core/store/store.h"

struct task_filter {
	const char *status, *source; /* task_list() only; NULL: all */
	const char *connection_id;   /* inbox_list() only; NULL: all */
	const char *cursor;          /* as a listing gave it; NULL: the start */
	int limit;
};

/* The caller ends out with listing_done(). ERR_INPUT: not a cursor. */
enum err task_list(const struct store *store, const char *user_id,
    const struct task_filter *filter, struct listing *out) MUST_CHECK;
enum err inbox_list(const struct store *store, const char *user_id,
    const struct task_filter *filter, struct listing *out) MUST_CHECK;
/* Events after filter's cursor, at most its limit; the rest of filter is
 * ignored. The caller frees *list, which has *count elements. next_cursor is
 * where to go on later, and never empty. ERR_INPUT: not a cursor. */
enum err event_list(const struct store *store, const char *user_id,
    const struct task_filter *filter, struct event **list, size_t *count,
    char next_cursor[48]) MUST_CHECK;

/* ERR_NOTFOUND: this user has no such task. The caller frees *json. */
enum err task_read(const struct store *store, const char *user_id,
    const char *task_id, char **json) MUST_CHECK;
enum err task_rename(const struct store *store, const char *user_id,
    const char *task_id, const char *title, char **json) MUST_CHECK;
enum err task_archive(const struct store *store, const char *user_id,
    const char *task_id, char **json) MUST_CHECK;
enum err task_delete(const struct store *store, const char *user_id,
    const char *task_id) MUST_CHECK;

/* source: "manual"; or a provider's name for a task that names an item but no
 * connection, as older clients import. */
struct task_new {
	const char *title, *source, *source_id, *source_url;
};
/* Make a task; if the user has one with this id already, that is what *json is.
 * ERR_CONFLICT: there is a task of the item. ERR_UNPROCESSABLE: a rule of
 * Flowpin's table does not allow it. */
enum err task_create(const struct store *store, const char *user_id,
    const char *task_id, const struct task_new *task, char **json) MUST_CHECK;

/* Where an imported task is put. NULL: the connection's default. */
struct import_to {
	const char *bucket_id, *section;
};
/* Make the item a task: a new one with the id task_id, or the item's archived
 * or completed task again. ERR_CONFLICT: the item is an active task already.
 * ERR_INPUT: no such bucket. ERR_NOTFOUND: no such item in the inbox.
 * ERR_UNPROCESSABLE: a rule of Flowpin's table does not allow it. */
enum err inbox_import(const struct store *store, const char *user_id,
    const char *inbox_item_id, const char *task_id, const struct import_to *to,
    char **json) MUST_CHECK;

#endif
