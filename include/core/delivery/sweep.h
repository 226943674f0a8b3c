/* Threads that take up the writebacks no call waits for: those whose owner fell
 * silent, whose next attempt is due, or that came by row.
 *
 * * They take turns over users and connections: a connection has
 * SWEEP_CONNECTION of them at most, a user SWEEP_USER, and either one once half
 * of the threads are at work. What is due of others comes before the rest of
 * theirs, however old that is. One thread at a time looks for work, so that an
 * idle service asks the database once in an interval. */
#ifndef CORE_DELIVERY_SWEEP_H
#define CORE_DELIVERY_SWEEP_H

#include "core/delivery/outbound.h"

#define SWEEP_THREADS 32
#define SWEEP_CONNECTION 4
#define SWEEP_USER 8

struct sweep;

struct sweep_options {
	const struct store *store;
	const struct courier *courier;
	/* Between two looks that find nothing, in ms. 0: once nothing is due,
	 * it is over. */
	int64_t interval_ms;
	/* Nothing is taken up after so many ms; 0: until the halt. */
	int64_t limit_ms;
	/* Called for each that ended, in one of the threads. NULL: nobody. */
	void (*ended)(void *context, const struct outbound *out);
	void *context;
};

/* options' texts and context must outlive it. */
enum err sweep_start(
    const struct sweep_options *options, struct sweep **out) MUST_CHECK;
/* Something is due now. */
void sweep_kick(struct sweep *sweep);
/* Nothing more is taken up. Thread-safe, and may be called again. */
void sweep_halt(struct sweep *sweep);
/* Waits until all that was taken up has ended, or until_ms (clock_mono_ms(); 0:
 * as long as it takes), and frees sweep. ERR_TIMEOUT: it may be called again;
 * threads still use it, and what options names. With interval_ms 0 this needs
 * no halt. failures: looks and settles that failed; NULL: nobody asks. */
enum err sweep_join(
    struct sweep *sweep, int64_t until_ms, int *failures) MUST_CHECK;

#endif
