/* clang-format off */
/* How long to wait before trying again: all such numbers are here. Each wait
 * doubles with every try, except backoff_spread_ms() and backoff_asked_ms().
 *
 *	what for             first          longest            jitter   who waits
 *	BACKOFF_LOCKED_ROW   4 ms           64 ms              half     a call that found a task's row locked
 *	BACKOFF_SETTLE       40 ms          2.56 s             half     an owner whose settle failed, before the next try
 *	BACKOFF_REQUEST      100 ms         1.6 s              half     a delivery, between two requests
 *	BACKOFF_WRITEBACK    1 s            5 min              half     an open writeback, for its next owner
 *	BACKOFF_CIRCUIT      2 s            1 min              none     everybody, for a provider in trouble
 *	backoff_poll_ms()    poll_interval  poll_longest_wait  half     a connection whose polls fail
 *	backoff_spread_ms()  as given       as given           a tenth  polls that succeed, sweepers
 *	backoff_asked_ms()   as asked       1 h                none     whoever a provider told to wait
 *	backoff_ask_ms()     poll_interval  1 day              none     an item that was read by id and changed nothing
 *
 * One rule is elsewhere: how long a connection waits whose polls bring nothing new.
 * That is gateway.poll_wait_ms (SQL), because one statement asks it for thousands. */
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

/* The wait after this many tries; 1 and less mean the first. random: any
 * number. A jitter of a half goes both ways, so that callers who failed
 * together do not come back together. */
int64_t backoff_ms(enum backoff what, int tries, uint64_t random);

/* The same for a connection's failed polls, with the times of the settings (ms,
 * > 0). failures: those before this one. */
int64_t backoff_poll_ms(
    int64_t interval_ms, int64_t longest_ms, int failures, uint64_t random);

/* ms, plus or minus up to a tenth, so that a thousand that begin together come
 * apart. */
int64_t backoff_spread_ms(int64_t ms, uint64_t random);

/* How long until an item that is not listed is read by id again, if that left
 * its task as it was. asks: how often that had happened before. The first two
 * times it is 0: the next run reads it again. Then the wait doubles. */
int64_t backoff_ask_ms(int64_t interval_ms, int asks);

/* How long to wait after "too many requests". retry_after_ms: what the answer
 * said, below 0 if nothing. At least 1 ms, at most an hour; a minute if nothing
 * was said. */
int64_t backoff_asked_ms(int64_t retry_after_ms);

#endif
