/* What the parts of Todoist share: todoist.c reads, todoist_gone.c looks for
 * tasks that cannot be read, todoist_write.c writes. */
#ifndef CORE_PROVIDERS_TODOIST_H
#define CORE_PROVIDERS_TODOIST_H

#include "shared.h"

#define TODOIST_TASKS "/api/v1/tasks"

/* A task as it was sent. It borrows from the JSON. */
struct todoist_row {
	const char *id, *title, *responsible;
	const cJSON *due;       /* NULL: none */
	const char *due_date;   /* NULL: none */
	const char *updated_at; /* as Todoist writes it; NULL: not said */
	bool checked, is_deleted, is_recurring;
	bool is_uncompletable; /* its title begins with "* " */
};

extern const struct dialect todoist_dialect;

/* Does text begin with YYYY-MM-DD? NULL does not. */
bool todoist_is_date(const char *text);

/* `GET /tasks/{id}` and its answer. True: *json, which the caller frees, is the
 * task, and row has what it says. False: answer says why not. */
enum err todoist_get_request(const struct connection *conn,
    const char *base_url, const char *id, struct http_request *out) MUST_CHECK;
bool todoist_get_response(const struct http_response *res, const char *id,
    cJSON **json, struct todoist_row *row, struct answer *answer);

/* Read a list's next_cursor into page; cursor is the one that was sent. */
enum err todoist_read_cursor(const cJSON *json, const char *cursor,
    struct page *page, struct answer *failure) MUST_CHECK;

/* The members of provider_todoist that todoist_gone.c has. */
enum err todoist_finished_request(const struct connection *conn,
    const char *base_url, const struct span *span, const char *cursor,
    struct http_request *out);
enum err todoist_finished_response(const struct connection *conn,
    const char *cursor, const struct http_response *res, struct page *out,
    struct answer *failure);
bool todoist_is_old_id(const char *source_id);
enum err todoist_map_request(const struct connection *conn,
    const char *base_url, const char *const *ids, size_t count,
    struct http_request *out);
enum err todoist_map_response(const struct connection *conn,
    const char *const *ids, size_t count, const struct http_response *res,
    struct items *out, struct answer *failure);

/* The members of provider_todoist that todoist_write.c has. */
enum err todoist_ask_request(
    const struct push *push, bool *asks, struct http_request *out);
enum err todoist_ask_response(struct push *push,
    const struct http_response *res, bool *decided, struct answer *answer);
enum err todoist_write_request(
    const struct push *push, struct http_request *out);
void todoist_write_response(const struct push *push,
    const struct http_response *res, struct answer *answer);
enum fulfilment todoist_fulfilment(
    const struct push *push, const struct item *now);

#endif
