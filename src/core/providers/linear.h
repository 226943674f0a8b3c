/* What the two halves of Linear share: linear.c reads, linear_write.c
 * writes. */
#ifndef CORE_PROVIDERS_LINEAR_H
#define CORE_PROVIDERS_LINEAR_H

#include "shared.h"

/* The most that one page may be asked for. */
#define LINEAR_FIRST 250

/* An issue as it was sent; borrows from the JSON. */
struct linear_issue {
	const char *id, *identifier, *team_id, *state_id, *state_type;
	const char *assignee_id; /* NULL: nobody, or not asked for */
	bool is_trashed, is_archived;
};

/* What is wrong with the node, or NULL. */
const char *linear_issue_read(const cJSON *node, struct linear_issue *issue);

/* A workflow state; team_id is NULL where it was not asked for. */
struct linear_state {
	const char *id, *type, *team_id;
	double position;
};
const char *linear_state_read(const cJSON *node, struct linear_state *state);

/* Does a come before b in its team's list? Ids make it the same every time
 * when positions are equal. */
bool linear_state_precedes(
    const struct linear_state *a, const struct linear_state *b);

/* completed, canceled or duplicate? A type that is invented later is active:
 * wrongly open is seen and mended, wrongly done is not. */
bool linear_is_closed(const char *state_type);

/* strcmp() for texts that may be missing: NULL is like nothing. */
bool linear_is_same(const char *a, const char *b);

/* {"query": document, "variables": variables}, which are freed; NULL, or
 * complete false, means that memory ran out. */
enum err linear_request(const struct connection *conn, const char *base_url,
    const char *document, cJSON *variables, bool complete,
    struct http_request *out) MUST_CHECK;

enum err linear_issues_request(const struct connection *conn,
    const char *base_url, const char *const *ids, size_t count,
    struct http_request *out) MUST_CHECK;

/* What every reader begins with. True: *json has an object `data` and no
 * errors. False: answer says why not. Either way *json is the body, which
 * may be NULL, and the caller frees it. */
bool linear_read(
    const struct http_response *res, cJSON **json, struct answer *answer);

/* The nodes of a whole list. What is wrong, or NULL; *next is borrowed, and
 * NULL at the end. */
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
