/* Runs: polls of one connection, claimed, judged and finished under a
 * generation that a later claim makes void. */
#ifndef CORE_STORE_RUN_H
#define CORE_STORE_RUN_H

#include "core/store/store.h"

struct run {
	struct connection connection;
	char t0[48]; /* the database's clock before any request */
};
void run_done(struct run *run);

/* Claim at most limit due connections, or only connection_id (due or not).
 * *list is an array of *count, each freed with run_done(), then itself. */
enum err run_claim(const struct store *store, int limit, int64_t lease_ms,
    const char *connection_id, struct run **list, size_t *count) MUST_CHECK;

enum err run_diff(const struct store *store, const struct run *run,
    const struct items *items, struct candidates *out) MUST_CHECK;

struct run_result {
	const struct items *items;
	const struct candidates *candidates;
	const char *account_id;     /* NULL: not learnt */
	const char *metadata_patch; /* NULL: none */
	int64_t next_poll_ms;
	int pages, still_open, unconfirmed;
	/* out */
	int64_t inbox_added, inbox_removed, completed, reopened;
};
/* ERR_CONFLICT: another poller has it now, or it is gone; nothing changed. */
enum err run_finish(const struct store *store, const struct run *run,
    struct run_result *result) MUST_CHECK;

struct run_failure {
	const char *error;
	int pages;
	bool auth_failed;
	int64_t limit_ms; /* rate limited for so long; 0: not */
	int64_t first_wait_ms, longest_wait_ms;
};
enum err run_fail(const struct store *store, const struct run *run,
    const struct run_failure *failure) MUST_CHECK;

/* Delete at most limit rows of each table that grows, past its days. */
struct retention {
	int writebacks_days, runs_days, events_days, idempotency_days;
	int limit;
};
enum err retention_trim(
    const struct store *store, const struct retention *retention) MUST_CHECK;

#endif
