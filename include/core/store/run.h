/* Runs: polls of one connection. Each is claimed, judged and finished under a
 * generation, which the next claim raises: a run whose generation is old can
 * change nothing. */
#ifndef CORE_STORE_RUN_H
#define CORE_STORE_RUN_H

#include "core/store/store.h"

struct run {
	struct connection connection;
	int64_t t0;   /* the database's clock before the first request, epoch
			 microseconds */
	bool is_told; /* Flowpin's row has the metadata that we know of */
	int64_t approved; /* an operator let this many tasks pass a guard; -1:
			     none */
	/* absence_digest() of the list that gave the last run nothing to do;
	 * empty: there was something to do */
	char quiet_list[CRYPTO_SHA256_HEX];
	char tasks_seen[24]; /* set by run_diff(): a fingerprint of the tasks
				that it judged; empty: not all could be judged,
				or one may be adopted */
};
void run_done(struct run *run);

/* Which connections. */
struct run_wanted {
	const char *connection_id; /* only this one, due or not; NULL: any that
				      is due */
	const char *type;
};
/* Claim at most limit connections. The caller ends each of the *count elements
 * of *list with run_done(), then frees *list. */
enum err run_claim(const struct store *store, int limit, int64_t lease_ms,
    const struct run_wanted *wanted, struct run **list,
    size_t *count) MUST_CHECK;

/* The next due connection after the one with the id after (NULL: the first),
 * without claiming it: a run for display, which writes nothing. connection_id:
 * only this one, due or not; or NULL. ERR_NOTFOUND: there is none. The caller
 * ends out with run_done(). */
enum err run_look(const struct store *store, const char *after,
    const char *connection_id, struct run *out) MUST_CHECK;

/* Take note of changes that no trigger noticed among the tasks of run's user
 * and source: a wish made so is found late. To be called before run_diff(). */
enum err run_reconcile(
    const struct store *store, const struct run *run) MUST_CHECK;

/* The same for the next tasks of all users, at most limit of them (rounded up
 * to a thousand). Each thousand is a transaction, because their rows are locked
 * as long as it lasts. */
enum err reconcile_some(const struct store *store, int limit) MUST_CHECK;

/* What run_diff() needs to know of a whole list. */
struct run_question {
	const struct items *items;
	const char *account_id;   /* whose list it is; NULL: not known */
	int64_t absence_least_ms; /* two lists closer in time count as one */
	int64_t replica_lag_ms;   /* a list may be from before a write of ours
				     that is younger than this */
};
/* Which tasks does a whole list contradict? Sets run->tasks_seen, too. The
 * caller ends out with candidates_done(). */
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
	int64_t limit_ms; /* the provider limited reading by id for this long;
			     0: it did not */
	int pages, still_open, unconfirmed;
	size_t repeated, odd;
	/* out */
	int64_t inbox_added, inbox_removed, completed, reopened;
};
/* Mark the tasks, renew the inbox, raise or release the guard and end the run,
 * in one transaction. ERR_NOTFOUND: another poller has the connection now, or
 * it is gone. After any error nothing has changed, except that after ERR_DB it
 * is not known. */
enum err run_finish(const struct store *store, const struct run *run,
    struct run_result *result) MUST_CHECK;

/* End a run that saw the same list as the last one, which had nothing to do, if
 * tasks and inbox are as they were too and no guard holds. It shares a commit
 * with other runs that end at this moment; run_share() must have been called.
 * Of result, the candidates, the guard and the counts of marks are not used.
 * False: there may be something to do, or the database did not say, so the run
 * must be judged and finished. */
bool run_end_quietly(const struct store *store, const struct run *run,
    const struct run_result *result) MUST_CHECK;

/* Let the runs of this process that end with run_end_quietly() share
 * commits. */
enum err run_share(struct store *store) MUST_CHECK;
void run_unshare(struct store *store);

struct run_failure {
	const char *error;
	int pages;
	bool auth_failed;
	int64_t limit_ms;             /* rate limited for this long; 0: not */
	int64_t wait_ms;              /* until the next run, at least */
	const char *other_account_id; /* the account that the key belongs to
					 now; NULL: no other */
};
/* End a run that did not see the whole list, without marking anything.
 * ERR_NOTFOUND: another poller has the connection now, or it is gone. */
enum err run_fail(const struct store *store, const struct run *run,
    const struct run_failure *failure) MUST_CHECK;

/* Delete, of each table that grows, at most limit rows that are older than its
 * days. */
struct retention {
	int writebacks_days, runs_days, events_days, idempotency_days;
	int limit;
};
enum err retention_trim(
    const struct store *store, const struct retention *retention) MUST_CHECK;

#endif
