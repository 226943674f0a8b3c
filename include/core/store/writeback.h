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
	BEGUN_UNCHANGED, /* it was so already */
	BEGUN_SKIPPED,   /* changed here; nothing to send, reason says why */
	BEGUN_SENDING,   /* changed here; ours to send until the lease ends */
	BEGUN_QUEUED     /* changed here; claim it when the call before ended */
};

struct begin {
	const char *user_id, *task_id; /* in */
	enum wish wish;
	char writeback_id[CRYPTO_UUID];
	enum begun begun; /* out */
	char *reason;
	char *task;                 /* JSON; NULL unless found */
	struct writeback writeback; /* SENDING, QUEUED */
};
void begin_done(struct begin *begin);

/* ERR_CONFLICT: the item is another active task already. */
enum err writeback_begin(const struct store *store, struct begin *list,
    size_t count, int64_t lease_ms, int64_t give_up_ms) MUST_CHECK;

struct claim {
	bool is_claimed; /* w is ours now */
	char state[16];  /* else: queued, sending, accepted, ... */
};

/* Make one's own queued writeback w ours to send; on success w's generation,
 * attempts and is_agreed are new. ERR_NOTFOUND: it is gone. */
enum err writeback_claim(const struct store *store, struct writeback *w,
    int64_t lease_ms, struct claim *out) MUST_CHECK;

/* Take up at most limit writebacks that nobody works on any more. *list is
 * an array of *count, each freed with writeback_done(), then itself. */
enum err writeback_claim_due(const struct store *store, int limit,
    int64_t lease_ms, struct writeback **list, size_t *count) MUST_CHECK;

struct settle {
	const char *user_id, *writeback_id; /* in */
	int64_t generation;
	enum ending ending;
	enum reason reason;
	const char *detail;
	int64_t due_ms;   /* END_QUEUED: next attempt in so long */
	bool auth_failed; /* mark the connection */
	int64_t limit_ms; /* rate limited so long; 0: not */
	const char *metadata_patch;
	const char *sentence; /* for the user, as an event; NULL: none */
	bool is_held;         /* out; false: the lease was lost, nothing done */
	bool is_restored;     /* rolled back, and the task was still ours */
	char *task; /* JSON as it now is, the caller's; NULL: deleted */
};

enum err writeback_settle(
    const struct store *store, struct settle *list, size_t count) MUST_CHECK;

/* JSON of the writeback and of its task (NULL if deleted), the caller's.
 * ERR_NOTFOUND. */
enum err writeback_read(const struct store *store, const char *user_id,
    const char *writeback_id, char **writeback, char **task) MUST_CHECK;

struct open_writebacks {
	int64_t count, oldest_s;
};
enum err writeback_open(
    const struct store *store, struct open_writebacks *out) MUST_CHECK;

#endif
