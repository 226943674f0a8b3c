/* Writebacks in the database: the steps begin, claim and settle. Every call is
 * one commit and takes many elements; what it does to each does not depend on
 * the others. */
#ifndef CORE_STORE_WRITEBACK_H
#define CORE_STORE_WRITEBACK_H

#include "core/store/store.h"

enum begun {
	BEGUN_NOT_FOUND = 0, /* no such task of this user */
	BEGUN_BUSY,          /* its row was locked: again, alone */
	BEGUN_ARCHIVED,
	BEGUN_UNCHANGED, /* it was so already, and the provider agrees */
	BEGUN_ENDED,     /* it was so already by a wish that ended */
	BEGUN_SKIPPED,   /* changed here; nothing to send, reason says why */
	BEGUN_SENDING,   /* changed here; ours to send until the lease ends */
	BEGUN_QUEUED     /* changed here, or before by the same wish: claim it
			    when nobody else has it */
};

struct begin {
	const char *user_id, *task_id; /* in */
	enum wish wish;
	char writeback_id[CRYPTO_UUID]; /* out: of the wish that was joined */
	int64_t lease_ms; /* 0: nobody waits; queued for the sweepers */
	enum begun begun; /* out */
	enum err err;     /* of this element */
	char *reason;
	char *task;                 /* JSON; NULL unless found */
	struct writeback writeback; /* SENDING, QUEUED */
};
void begin_done(struct begin *begin);

/* Elements must be of different tasks. A failure is the whole statement's:
 * nothing was changed, or, with ERR_DB, it is not known. */
enum err writeback_begin(
    const struct store *store, struct begin *list, size_t count) MUST_CHECK;

/* One element, in a commit shared with whoever begins at the same time.
 * BEGUN_BUSY: again, after a moment. */
enum err writeback_begin_one(
    const struct store *store, struct begin *begin) MUST_CHECK;

struct claim {
	bool is_claimed; /* w is ours now */
	char state[16];  /* else: queued, sending, accepted, ... */
};

/* Make one's own queued writeback w ours to send; on success w's generation,
 * attempts, is_unclear, doubt_ms, has_newer, is_agreed and connection are new.
 * ERR_NOTFOUND: it is gone. */
enum err writeback_claim(const struct store *store, struct writeback *w,
    int64_t lease_ms, struct claim *out) MUST_CHECK;

/* What its owner read and is about to send (target; empty: nothing), for who
 * takes over. ERR_CONFLICT: it has another owner by now. */
enum err writeback_keep(const struct store *store, const struct writeback *w,
    const char *target, const char *due_read) MUST_CHECK;

/* Take up at most limit writebacks that nobody works on any more, but none of
 * these connections and users (ids; empty: of all). *list is an array of *count,
 * each freed with writeback_done(), then itself. */
enum err writeback_claim_due(const struct store *store, int limit,
    int64_t lease_ms, const struct array *but_connections,
    const struct array *but_users, struct writeback **list,
    size_t *count) MUST_CHECK;

struct settle {
	const char *user_id, *writeback_id; /* in */
	int64_t generation;
	struct verdict verdict;
	const char *metadata_patch;
	int64_t key_version;   /* that all this was learnt with */
	bool names_connection; /* an acceptance fills connection_id in */
	bool is_told;          /* the user hears of it by an event */
	bool is_owned;    /* out; false: the lease was lost, nothing done */
	bool is_busy;     /* the task's row was locked: again, alone */
	enum err err;     /* of this element */
	bool is_restored; /* rolled back, and the task was still ours */
	char *task;       /* JSON as it now is, the caller's; NULL: deleted */
};

enum err writeback_settle(
    const struct store *store, struct settle *list, size_t count) MUST_CHECK;

/* One element, in a commit shared with whoever settles at the same time.
 * ERR_BUSY: its task's row is locked, again after a moment. */
enum err writeback_settle_one(
    const struct store *store, struct settle *settle) MUST_CHECK;

/* Let this process's calls share commits: begins with begins, settles with
 * settles. Before threads start; store must stay where it is. */
enum err writeback_share(struct store *store, int writers) MUST_CHECK;
void writeback_unshare(struct store *store);

/* What has become of a writeback, whoever settled it. */
struct fate {
	char *writeback, *task; /* JSON; task NULL: deleted */
	bool is_open, is_rolled_back;
	bool is_restored; /* the task has the status from before */
	enum reason reason;
	char source[16]; /* the provider */
};
void fate_done(struct fate *fate);

/* ERR_NOTFOUND. */
enum err writeback_read(const struct store *store, const char *user_id,
    const char *writeback_id, struct fate *out) MUST_CHECK;

struct open_writebacks {
	int64_t count, oldest_s;
};
enum err writeback_open(
    const struct store *store, struct open_writebacks *out) MUST_CHECK;

#endif
