/* Send and settle: bring one claimed writeback to its end. Used by whoever owns
 * it: the call that made it, a sweeper, a poller. */
#ifndef CORE_DELIVERY_OUTBOUND_H
#define CORE_DELIVERY_OUTBOUND_H

#include "core/courier/courier.h"
#include "core/store/store.h"

struct outbound {
	struct verdict verdict;
	bool is_owned;    /* false: the lease was lost; another owner decides */
	bool is_restored; /* rolled back, and the task is as it was */
	char *task;       /* JSON as it now is; NULL: deleted, or not ours */
	char sentence[400]; /* for the user; "" if there is nothing to say */
};
void outbound_done(struct outbound *out);

/* Deliver w by deadline_ms (clock_mono_ms()), then write down what came of it.
 * is_patient: nobody waits for the answer, so the user is told by an event. An
 * error means that it could not be written down: the lease will end, and
 * another owner takes over. The caller calls outbound_done() either way. */
enum err outbound_send(const struct store *store, const struct courier *courier,
    struct writeback *w, int64_t deadline_ms, bool is_patient,
    struct outbound *out) MUST_CHECK;

/* A writeback that was taken up. */
struct due {
	struct writeback w;
	/* counted from before the claim, as its lease is: who stood still in
	 * between must not send what is another's by now */
	int64_t deadline_ms;
};

/* Take up one writeback that is due, but none of these connections and users
 * (ids). *found false: there is none. One at a time, because a lease must not
 * run out in a queue. */
enum err outbound_claim(const struct store *store,
    const struct courier *courier, const struct array *but_connections,
    const struct array *but_users, struct due *out, bool *found) MUST_CHECK;

/* Bring it to its end; due is used up. out is the caller's to be done with. */
enum err outbound_finish(const struct store *store,
    const struct courier *courier, struct due *due,
    struct outbound *out) MUST_CHECK;

#endif
