/* Answers kept under the caller's Idempotency-Key. */
#ifndef CORE_STORE_IDEMPOTENCY_H
#define CORE_STORE_IDEMPOTENCY_H

#include "core/store/store.h"

enum idempotency {
	IDEMPOTENCY_OURS,    /* run the request, then call idempotency_end() */
	IDEMPOTENCY_RUNNING, /* the first request has not ended */
	IDEMPOTENCY_OTHER,   /* the key was used for another request */
	IDEMPOTENCY_ANSWERED /* the first request's answer is here */
};

struct kept_answer {
	int status;
	char *content_type, *headers, *body;
};
void kept_answer_done(struct kept_answer *answer);

/* A call under an Idempotency-Key. */
struct idempotent_call {
	const char *user_id, *key;
	const char *fingerprint; /* of the request */
	char owner[CRYPTO_UUID]; /* this call's own id, new for each */
	/* The id for what the request makes. It is owner's, or that of an
	 * earlier call that died and may have made it already. Filled in by
	 * idempotency_begin() with IDEMPOTENCY_OURS. */
	char call_id[CRYPTO_UUID];
};

/* Take the key for call, or learn what became of the first request under it.
 * After lock_ms a call that has not ended counts as dead, and the next one
 * takes the key over. *answer is filled in with IDEMPOTENCY_ANSWERED only; the
 * caller calls kept_answer_done(). */
enum err idempotency_begin(const struct store *store,
    struct idempotent_call *call, int64_t lock_ms, enum idempotency *out,
    struct kept_answer *answer) MUST_CHECK;

/* A call that was to make something with the id call_id found that it exists
 * already as made_id. Repetitions under the key are about that one from now
 * on. */
enum err idempotency_point(const struct store *store, const char *user_id,
    const char *key, const char *call_id, const char *made_id) MUST_CHECK;

/* End a call that idempotency_begin() gave the key to. answer: what repetitions
 * get. NULL: a repetition runs the request again, with the same call_id, so
 * that it finds what this call may have made (with a new one if that was a
 * writeback that is rolled back by then). forget: nothing was made, so forget
 * the key. Nothing happens if another call has taken the key over. */
enum err idempotency_end(const struct store *store,
    const struct idempotent_call *call, const struct kept_answer *answer,
    bool forget) MUST_CHECK;

#endif
