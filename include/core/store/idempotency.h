/* Answers kept under the caller's Idempotency-Key. */
#ifndef CORE_STORE_IDEMPOTENCY_H
#define CORE_STORE_IDEMPOTENCY_H

#include "core/store/store.h"

enum idempotency {
	IDEMPOTENCY_OURS,    /* run it, then call idempotency_end() */
	IDEMPOTENCY_RUNNING, /* the first one has not ended */
	IDEMPOTENCY_OTHER,   /* the key was used for another request */
	IDEMPOTENCY_ANSWERED /* here is the first answer */
};

struct kept_answer {
	int status;
	char *content_type, *headers, *body;
};
void kept_answer_done(struct kept_answer *answer);

/* Whose call, under which key. */
struct idempotent_call {
	const char *user_id, *key;
	const char *fingerprint; /* of the request */
	char owner[CRYPTO_UUID]; /* of this call: new for each */
	/* What the request makes has this id: the owner's, or that of a call
	 * which died, and may have made it. Filled in by idempotency_begin().
	 */
	char call_id[CRYPTO_UUID];
};

/* Past lock_ms the call counts as dead, and the next one takes the key over. */
enum err idempotency_begin(const struct store *store,
    struct idempotent_call *call, int64_t lock_ms, enum idempotency *out,
    struct kept_answer *answer) MUST_CHECK;

/* The call that was to make call_id found made_id there, which does instead:
 * repetitions under the key are about that one. */
enum err idempotency_point(const struct store *store, const char *user_id,
    const char *key, const char *call_id, const char *made_id) MUST_CHECK;

/* answer NULL: a repetition tries again, and finds what this call may have
 * made; or nothing was made: forget the key. Nothing happens if another call
 * has taken the key over. */
enum err idempotency_end(const struct store *store,
    const struct idempotent_call *call, const struct kept_answer *answer,
    bool forget) MUST_CHECK;

#endif
