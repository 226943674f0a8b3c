/* linear: what its files share. */
#ifndef SIM_LINEAR_H
#define SIM_LINEAR_H

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "gqlexec.h"

struct call;
struct item;
struct wstate;

/* A page of any connection; also what its PageInfo is read from. */
struct linear_page {
	void **rows;
	size_t n;
	bool has_next, has_previous;
	char *start, *end; /* cursors, or NULL if there are no rows */
	char start_text[160], end_text[160];
};

extern const struct gql_type linear_query, linear_mutation;

/* The request behind a running document. */
struct call *linear_call(struct gql_exec *x);
/* Fail as Linear does on what only running can show. */
void linear_not_found(struct gql_exec *x, const char *what);
void linear_bad_argument(struct gql_exec *x, const char *what);

/*
 * Arguments of a connection. False after a failure. states says whose filter
 * it is; args is the caller's to delete either way.
 */
struct linear_args {
	cJSON *json;
	const cJSON *filter;
	int64_t first;
	const char *after;
	bool archived_too, by_update;
};
bool linear_read_args(struct gql_exec *x, const struct gql_sel *sel,
    bool states, struct linear_args *out);

bool linear_state_matches(const cJSON *filter, const struct wstate *s);
bool linear_issue_matches(
    const cJSON *filter, const struct item *it, int64_t now_ms);

/* Find one page of issues; rows are freed by the caller. */
bool linear_find_issues(struct gql_exec *x, const struct linear_args *args,
    bool mine, struct linear_page *page);

/* By UUID or identifier; the caller's own, NULL otherwise. */
struct item *linear_issue(struct call *c, const char *id);

#endif
