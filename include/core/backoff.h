/* clang-format off */
/* How long to wait before trying again: nobody else has such a number. All of these
 * double with each try, but for two of the last three.
 *
 *	what for             first          longest            jitter   who waits
 *	BACKOFF_LOCKED_ROW   4 ms           64 ms              half     a call, for a task's row or its wish
 *	BACKOFF_SETTLE       40 ms          2.56 s             half     an owner whose settle may be lost
 *	BACKOFF_REQUEST      100 ms         1.6 s              half     a delivery, between two requests
 *	BACKOFF_WRITEBACK    1 s            5 min              half     an open writeback, for its next owner
 *	BACKOFF_CIRCUIT      2 s            1 min              none     everybody, for a provider in trouble
 *	backoff_poll_ms()    poll_interval  poll_longest_wait  half     a connection whose polls fail
 *	backoff_spread_ms()  as given       as given           a tenth  polls that succeed, sweepers
 *	backoff_asked_ms()   as asked       1 h                none     whoever a provider asks to
 *	backoff_ask_ms()     poll_interval  1 day              none     an item that was asked for by id and stays
 *
 * gateway.poll_wait_ms (SQL) says how long a connection rests in whose polls nothing is
 * new: it is asked of thousands in one statement. */
/* clang-format on */
#ifndef CORE_BACKOFF_H
#define CORE_BACKOFF_H

#include <stdint.h>

enum backoff {
	BACKOFF_LOCKED_ROW,
	BACKOFF_SETTLE,
	BACKOFF_REQUEST,
	BACKOFF_WRITEBACK,
	BACKOFF_CIRCUIT,
	BACKOFF_COUNT,
};

/* The wait after so many tries (1 and less: the first). random: any number;
 * jitter of a half is each way, so that those who failed together do not come
 * back together. */
int64_t backoff_ms(enum backoff what, int tries, uint64_t random);

/* The same of a connection's failed polls, with the times of the settings (ms,
 * > 0). */
int64_t backoff_poll_ms(
    int64_t interval_ms, int64_t longest_ms, int failures, uint64_t random);

/* ms, give or take a tenth: a thousand that begin at once come apart. */
int64_t backoff_spread_ms(int64_t ms, uint64_t random);

/* An item that is not listed was asked for by id so many times before, and
 * again, and its task stays as it is: the first two times the next run asks
 * again, then ever more seldom. */
int64_t backoff_ask_ms(int64_t interval_ms, int asks);

/* What "too many requests" means, given its Retry-After (ms; below 0: none
 * came): at least 1 ms, at most an hour, a minute if nothing was said. */
int64_t backoff_asked_ms(int64_t retry_after_ms);

#endif
