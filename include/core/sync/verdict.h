/* How a writeback ends, given what its delivery found out. Decisions only:
 * no clock, no randomness, no I/O. */
#ifndef CORE_SYNC_VERDICT_H
#define CORE_SYNC_VERDICT_H

#include "core/model.h"

struct evidence {
	enum wish wish;
	bool is_guess;   /* the account may never have had the item */
	bool is_patient; /* nobody waits for the answer, so it is rather tried
			    again */
	bool is_too_old; /* it has been tried for long enough */
	bool may_have_happened; /* a write went out whose effect is not known */
	int64_t doubt_ms; /* for this long the provider may still be working on
			     a write */
	int attempts;     /* owners so far, at least 1 */
	uint64_t random;  /* for jitter */
	struct answer answer; /* the last one */
};

/* Decide how the writeback ends. Only what certainly did not happen is rolled
 * back: it was rejected, never sent, or read by id and found not done when the
 * provider could no longer be working on it. What may have happened stays
 * queued until it is known, or is too old and given up. */
void verdict_decide(const struct evidence *evidence, struct verdict *out);

/* A sentence for the user about how it ended; "" if there is nothing to say.
 * provider: its title, as a person writes it. */
void verdict_sentence(const struct verdict *verdict, enum wish wish,
    const char *provider, char *out, size_t size);

/* The same for an event. */
void event_sentence(
    const struct event *event, const char *provider, char *out, size_t size);

#endif
