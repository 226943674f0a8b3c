/* Writebacks in the database: begin, claim, keep and settle. Every call is one
 * commit. Those that take many elements treat each as if it were alone. */
#ifndef CORE_STORE_WRITEBACK_H
#define CORE_STORE_WRITEBACK_H

#include "core/store/store.h"

enum begun {
	BEGUN_NOT_FOUND = 0, /* no such task of this user */
	BEGUN_BUSY,          /* its row was locked: try again, alone */
	BEGUN_ARCHIVED,
	BEGUN_UNCHANGED, /* it was so already, and there is no item or the
			    provider agrees */
	BEGUN_ENDED,     /* it was so already, by a wish that has ended */
	BEGUN_SKIPPED,   /* changed here; nothing is to be sent, and reason says
			    why */
	BEGUN_SENDING,   /* written down; ours to send until the lease ends */
	BEGUN_QUEUED     /* written down, now or by an earlier call for the same
			    wish: claim it when no other writeback of the task is
			    being sent */
};

struct begin {
	const char *user_id, *task_id; /* in */
	enum wish wish;
	char writeback_id[CRYPTO_UUID]; /* in: a new id; out: the earlier wish's
					   if that was the same */
	int64_t lease_ms; /* 0: nobody waits; queued for the sweepers */
	enum begun begun; /* out */
	enum err err;     /* of this element */
	char *reason;
	char *task;                 /* JSON; NULL if not found */
	struct writeback writeback; /* filled in for SENDING and QUEUED */
};
void begin_done(struct begin *begin);

/* Change tasks here and write down the wish for their providers. No two
 * elements may be of one task. The error is for all of them: nothing was
 * changed, except that after ERR_DB and ERR_NOMEM it is not known. The caller
 * ends each element with begin_done(). */
enum err writeback_begin(
    const struct store *store, struct begin *list, size_t count) MUST_CHECK;

/* One element, in a commit shared with others that begin at the same time.
 * BEGUN_BUSY: try again after a moment. ERR_DATA: a constraint will not allow
 * the change. */
enum err writeback_begin_one(
    const struct store *store, struct begin *begin) MUST_CHECK;

struct claim {
	bool is_claimed; /* the writeback is ours now */
	char state[16];  /* if not: queued, sending, accepted, ... */
};

/* Try to make one's own queued writeback w ours to send. On success these of w
 * are new: generation, attempts, is_unclear, doubt_ms, has_newer, is_agreed,
 * target, due_read, source_metadata and connection. ERR_NOTFOUND: it is
 * gone. */
enum err writeback_claim(const struct store *store, struct writeback *w,
    int64_t lease_ms, struct claim *out) MUST_CHECK;

/* Keep what w's owner read of the item and is about to send, for an owner that
 * takes over. target empty: nothing is sent. ERR_CONFLICT: it has another owner
 * by now. */
enum err writeback_keep(const struct store *store, const struct writeback *w,
    const char *target, const char *due_read) MUST_CHECK;

/* Take up at most limit writebacks that nobody works on any more, but none of
 * these connections and users (ids; empty: of all). *list is an array of
 * *count, each freed with writeback_done(), then itself. */
enum err writeback_claim_due(const struct store *store, int limit,
    int64_t lease_ms, const struct array *but_connections,
    const struct array *but_users, struct writeback **list,
    size_t *count) MUST_CHECK;

struct settle {
	const char *user_id, *writeback_id; /* in */
	int64_t generation;
	struct verdict verdict;
	const char *metadata_patch;
	int64_t key_version;   /* of the key with which all this was learnt */
	bool names_connection; /* if it is accepted, the task gets the
				  connection_id that was missing */
	bool is_told;          /* the user is told by an event */
	bool is_owned;    /* out; false: the lease was lost, nothing done */
	bool is_busy;     /* the task's row was locked: try again, alone */
	enum err err;     /* of this element */
	bool is_restored; /* rolled back, and the task is as it was before the
			     wish */
	char *task;       /* JSON as it now is, the caller's; NULL: deleted */
};

enum err writeback_settle(
    const struct store *store, struct settle *list, size_t count) MUST_CHECK;

/* One element, in a commit shared with others that settle at the same time
 * where that can be. ERR_BUSY: its task's row is locked; try again after a
 * moment. Settling twice is harmless. */
enum err writeback_settle_one(
    const struct store *store, struct settle *settle) MUST_CHECK;

/* Let this process's calls share commits: begins with begins, settles with
 * settles. writers: statements of each kind under way at once, at most. To be
 * called before threads start; store must not be moved afterwards. */
enum err writeback_share(struct store *store, int writers) MUST_CHECK;
void writeback_unshare(struct store *store);

/* How a writeback stands, whoever settled it. */
struct fate {
	char *writeback, *task; /* JSON; task NULL: deleted */
	bool is_open, is_rolled_back;
	bool is_restored; /* the task has the status from before */
	enum reason reason;
	char source[16]; /* the provider */
};
void fate_done(struct fate *fate);

/* ERR_NOTFOUND: this user has no such writeback. The caller calls
 * fate_done(). */
enum err writeback_read(const struct store *store, const char *user_id,
    const char *writeback_id, struct fate *out) MUST_CHECK;

struct open_writebacks {
	int64_t count, oldest_s;
};
enum err writeback_open(
    const struct store *store, struct open_writebacks *out) MUST_CHECK;

#endif
