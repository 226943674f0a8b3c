/* What the parts of Linear share: linear_wire.c wraps requests and errors,
 * linear.c reads, linear_write.c asks and writes. */
#ifndef CORE_PROVIDERS_LINEAR_H
#define CORE_PROVIDERS_LINEAR_H

#include "shared.h"

/* The largest page that may be asked for. */
#define LINEAR_FIRST 250

/* An issue as it was sent. It borrows from the JSON. */
struct linear_issue {
	const char *id, *identifier, *team_id, *state_id, *state_type;
	const char *assignee_id; /* NULL: nobody, or not asked for */
	bool is_trashed, is_archived;
};

/* Read a node into issue. Returns what is wrong with it, or NULL. */
const char *linear_issue_read(const cJSON *node, struct linear_issue *issue);

/* A workflow state; team_id is NULL where it was not asked for. */
struct linear_state {
	const char *id, *type, *team_id;
	double position;
};
const char *linear_state_read(const cJSON *node, struct linear_state *state);

/* Does a come before b in its team's list? If their positions are equal, ids
 * decide, so that the result is always the same. */
bool linear_state_precedes(
    const struct linear_state *a, const struct linear_state *b);

/* Is the type completed, canceled or duplicate? A type that Linear adds later
 * counts as active: a task that is wrongly open is noticed and mended, one that
 * is wrongly done is not. */
bool linear_is_closed(const char *state_type);

/* Are both texts there and the same? */
bool linear_is_same(const char *a, const char *b);

/* Write {"query": document, "variables": variables}; variables are freed.
 * variables NULL, or complete false, means that memory ran out. */
enum err linear_request(const struct connection *conn, const char *base_url,
    const char *document, cJSON *variables, bool complete,
    struct http_request *out) MUST_CHECK;

enum err linear_issues_request(const struct connection *conn,
    const char *base_url, const char *const *ids, size_t count,
    struct http_request *out) MUST_CHECK;

/* What every reader does first. True: *json has an object `data` and no errors.
 * False: answer says why not. Either way *json is the body or NULL, and the
 * caller frees it. */
bool linear_read(
    const struct http_response *res, cJSON **json, struct answer *answer);

/* Read a page's nodes and the cursor of the next page, which is borrowed, and
 * NULL at the end. Returns what is wrong, or NULL. cursor: the one that was
 * sent. */
const char *linear_list_read(const cJSON *list, const char *cursor,
    const cJSON **nodes, const char **next);

/* The members of provider_linear that linear_write.c has. */
enum err linear_ask_request(
    const struct push *push, bool *asks, struct http_request *out);
enum err linear_ask_response(struct push *push, const struct http_response *res,
    bool *decided, struct answer *answer);
enum err linear_write_request(
    const struct push *push, struct http_request *out);
void linear_write_response(const struct push *push,
    const struct http_response *res, struct answer *answer);

#endif
