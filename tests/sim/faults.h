/* faults: what goes wrong on request. */
#ifndef SIM_FAULTS_H
#define SIM_FAULTS_H

#include <stdbool.h>
#include <stdint.h>

struct call;
struct buf;
struct cJSON;

enum fault_kind {
	FAULT_NONE,
	FAULT_STATUS,
	FAULT_DELAY,
	FAULT_DELAY_AFTER,
	FAULT_RESET_BEFORE,
	FAULT_RESET_AFTER,
	FAULT_HANG_BEFORE,
	FAULT_HANG_AFTER,
	FAULT_TRUNCATE,
	FAULT_TRUNCATE_JSON,
	FAULT_HTML,
	FAULT_HTML_STATUS,
	FAULT_EMPTY_BODY,
	FAULT_GRAPHQL_ERRORS,
	FAULT_GRAPHQL_ERRORS_AFTER,
	FAULT_EMPTY_LIST,
	FAULT_MISSING_PAGE,
	FAULT_DROP_ITEMS,
	FAULT_NO_NEXT_CURSOR,
	FAULT_SAME_CURSOR,
	FAULT_FINISHED_ROWS,
	FAULT_RATE_LIMIT,
	FAULT_AUTH,
	FAULT_FORBIDDEN,
	FAULT_NOT_FOUND,
	FAULT_STATE_REFUSED,
	FAULT_GONE_410,
	FAULT_INVALID_UTF8,
	FAULT_SYNC_ERROR,
	FAULT_SUCCESS_FALSE,
	FAULT_WRONG_TYPE,
	FAULT_UNKNOWN_STATE_TYPE,
	FAULT_STALE,
	FAULT_ODD_ITEM,
	FAULT_FOREIGN,
	FAULT_KINDS,
};

/* Plain data: a request keeps a copy of the one that hit it. */
struct fault {
	int64_t id;
	enum fault_kind kind;
	/* What it matches; -1, "" and 0 match anything. */
	int prov, write;
	char op[24], account[200], item[200];
	int page;
	/* How often. */
	int64_t times; /* -1: until deleted */
	int64_t skip;  /* matches let through first */
	double probability;
	int64_t hits;
	/* What it does. */
	int status;          /* 0: the kind's own */
	int64_t delay_ms;    /* before anything else */
	int64_t age_ms;      /* of what a stale answer shows; 0: as it was when
				the fault was made */
	int64_t made_ms;     /* the fault */
	int64_t retry_after; /* seconds */
	int drop;
	int applied; /* -1: as the kind says */
	char message[256];
};

struct faults;
struct faults *faults_new(void);
void faults_free(struct faults *f);
void faults_clear(struct faults *f);
bool faults_remove(struct faults *f, int64_t id);
void faults_json(const struct faults *f, struct buf *out);

/* The new fault's id, or 0 with a sentence in why. */
int64_t faults_add(
    struct faults *f, const struct cJSON *json, char *why, int max);

const char *fault_name(enum fault_kind kind);

/* Copy the first fault that hits this call into c->fault. */
void faults_match(struct faults *f, struct call *c);

/* Whether the provider still does what it was asked. */
bool fault_lets_serve(const struct fault *fault);

/* After serving, or instead of it: spoil the answer. */
void fault_spoil(struct call *c);

#endif
