/* Runs: polls of one connection, claimed, judged and finished under a
 * generation that a later claim makes void. */
#ifndef CORE_STORE_RUN_H
#define CORE_STORE_RUN_H

#include "core/store/store.h"

struct run {
	struct connection connection;
	int64_t t0;   /* the database's clock before any request, epoch us */
	bool is_told; /* clients know what is known of the connection */
	int64_t approved; /* so many tasks may pass a guard; -1: none */
	/* absence_digest() of the list that gave the run before nothing to do;
	 * empty: it did something */
	char quiet_list[CRYPTO_SHA256_HEX];
	char tasks_seen[24]; /* by run_diff(): which tasks it judged; empty:
				not all could be, or one may be adopted */
};
void run_done(struct run *run);

/* Which connections; NULL: any. */
struct run_wanted {
	const char *connection_id; /* only this one, due or not */
	const char *type;
};
/* Claim at most limit due connections. *list is an array of *count, each freed
 * with run_done(), then itself. */
enum err run_claim(const struct store *store, int limit, int64_t lease_ms,
    const struct run_wanted *wanted, struct run **list,
    size_t *count) MUST_CHECK;

/* The next due connection after the one with this id (NULL: the first), not
 * claimed: what is found out may be told, never written down. ERR_NOTFOUND:
 * there is none. */
enum err run_look(const struct store *store, const char *after,
    const char *connection_id, struct run *out) MUST_CHECK;

/* Take note of what no trigger noticed among the tasks of run's user and
 * source: wishes that are found late. Before run_diff(). */
enum err run_reconcile(
    const struct store *store, const struct run *run) MUST_CHECK;

/* The same of the next tasks of all users, at most limit of them, a thousand in
 * a transaction: their rows are locked as long as it lasts. */
enum err reconcile_some(const struct store *store, int limit) MUST_CHECK;

/* Which tasks does a whole list speak of? Sets run->tasks_seen, too. */
struct run_question {
	const struct items *items;
	const char *account_id;   /* whose list it is; NULL: not known */
	int64_t absence_least_ms; /* lists closer to each other are one */
	int64_t replica_lag_ms;   /* a list may be older than a write of ours
				     that is younger than this */
};
enum err run_diff(const struct store *store, struct run *run,
    const struct run_question *question, struct candidates *out) MUST_CHECK;

struct run_result {
	const struct items *items;
	const struct candidates *candidates;
	const char *digest;         /* of items */
	const char *account_id;     /* whose list it is; NULL: not known */
	const char *metadata_patch; /* NULL: none */
	int64_t next_poll_ms, idle_poll_ms;
	enum guard_kind guard;
	int64_t held;     /* tasks without evidence */
	int64_t limit_ms; /* reading by id was limited for so long; 0: not */
	int pages, still_open, unconfirmed;
	size_t repeated, odd;
	/* out */
	int64_t inbox_added, inbox_removed, completed, reopened;
};
/* ERR_NOTFOUND: another poller has it now, or it is gone. Nothing changed, as
 * with any other error. */
enum err run_finish(const struct store *store, const struct run *run,
    struct run_result *result) MUST_CHECK;

/* End a run that saw the same list as the one before, which had nothing to do,
 * if that still goes for the tasks: in a commit shared with others that end at
 * this moment. False: there may be something to do, or the database did not
 * say; then it is to be found out the long way. Of result the candidates, the
 * guard and the counts are not asked. */
bool run_end_quietly(const struct store *store, const struct run *run,
    const struct run_result *result) MUST_CHECK;

/* Let this process's quiet runs share commits. */
enum err run_share(struct store *store) MUST_CHECK;
void run_unshare(struct store *store);

struct run_failure {
	const char *error;
	int pages;
	bool auth_failed;
	int64_t limit_ms;             /* rate limited for so long; 0: not */
	int64_t wait_ms;              /* until the next one */
	const char *other_account_id; /* the key is this one's now; NULL: not */
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
