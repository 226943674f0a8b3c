/* Time as data: milliseconds since 1970 for what is stored or compared with
 * other machines, monotonic milliseconds for deadlines. Code that decides
 * something (core/sync, backoff, circuit) never reads a clock: it gets the time
 * as an argument. */
#ifndef CORE_CLOCK_H
#define CORE_CLOCK_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

int64_t clock_wall_ms(void);
int64_t clock_mono_ms(void);
/* Returns early when a signal was handled, for loops that have a stop flag. */
void clock_sleep_ms(int64_t ms);

/* A condition that is waited for by the monotonic clock. */
void clock_cond_init(pthread_cond_t *cond);
/* Until cond is signalled, perhaps for nothing, or until_ms (clock_mono_ms()).
 * False: it is later than that. */
bool clock_wait(pthread_cond_t *cond, pthread_mutex_t *lock, int64_t until_ms);

/* RFC 3339, with any number of fraction digits (what is finer than a
 * millisecond is cut off), and "Z" or an offset. A bare date is midnight UTC.
 * False if text is NULL or none of these. */
bool clock_parse(const char *text, int64_t *wall_ms);

/* "2026-11-23T10:00:00.000Z", always UTC. Years outside 0 to 9999 become the
 * nearest moment inside. */
#define CLOCK_TEXT 25
void clock_format(int64_t wall_ms, char out[CLOCK_TEXT]);

#endif
