/* Tasks, the inbox and events, as their owner reads and changes them. Every
 * statement carries the user. JSON comes as the database shapes it. */
#ifndef CORE_STORE_TASK_H
#define CORE_STORE_TASK_H

#include "core/store/store.h"

struct task_filter {
	const char *status, *source; /* NULL: all */
	const char *connection_id;   /* inbox only */
	const char *cursor;          /* as a listing gave it; NULL: the start */
	int limit;
};

/* ERR_INPUT: not a cursor. */
enum err task_list(const struct store *store, const char *user_id,
    const struct task_filter *filter, struct listing *out) MUST_CHECK;
enum err inbox_list(const struct store *store, const char *user_id,
    const struct task_filter *filter, struct listing *out) MUST_CHECK;
/* Events after filter's cursor. *list is an array of *count, freed by the
 * caller. next_cursor is never empty: it is where to go on later. */
enum err event_list(const struct store *store, const char *user_id,
    const struct task_filter *filter, struct event **list, size_t *count,
    char next_cursor[48]) MUST_CHECK;

/* ERR_NOTFOUND: no such task of this user. *json is the caller's. */
enum err task_read(const struct store *store, const char *user_id,
    const char *task_id, char **json) MUST_CHECK;
enum err task_rename(const struct store *store, const char *user_id,
    const char *task_id, const char *title, char **json) MUST_CHECK;
enum err task_archive(const struct store *store, const char *user_id,
    const char *task_id, char **json) MUST_CHECK;
enum err task_delete(const struct store *store, const char *user_id,
    const char *task_id) MUST_CHECK;

/* source "manual", or a provider for the legacy import, which names an item
 * but no connection. */
struct task_new {
	const char *title, *source, *source_id, *source_url;
};
/* One of that id that is there already is given. ERR_CONFLICT: there is a task
 * of the item; ERR_UNPROCESSABLE: a rule of Flowpin's table does not allow it.
 */
enum err task_create(const struct store *store, const char *user_id,
    const char *task_id, const struct task_new *task, char **json) MUST_CHECK;

/* Where an imported task is put; NULL: the connection's default. */
struct import_to {
	const char *bucket_id, *section;
};
/* A new row, whose id is task_id, or the item's archived or completed one
 * again. ERR_CONFLICT: the item is an active task already; ERR_INPUT: no such
 * bucket; ERR_NOTFOUND: no such item in the inbox; ERR_UNPROCESSABLE: a rule of
 * Flowpin's table does not allow it. */
enum err inbox_import(const struct store *store, const char *user_id,
    const char *inbox_item_id, const char *task_id, const struct import_to *to,
    char **json) MUST_CHECK;

#endif
