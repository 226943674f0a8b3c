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

enum err idempotency_begin(const struct store *store, const char *user_id,
    const char *key, const char *fingerprint, int64_t lock_ms,
    enum idempotency *out, struct kept_answer *answer) MUST_CHECK;

/* answer NULL: forget the key, a repetition tries again. */
enum err idempotency_end(const struct store *store, const char *user_id,
    const char *key, const struct kept_answer *answer) MUST_CHECK;

#endif
