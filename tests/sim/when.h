/* when: points in time as text, and calendar arithmetic for due dates. */
#ifndef SIM_WHEN_H
#define SIM_WHEN_H

#include <stdbool.h>
#include <stdint.h>

struct buf;

int64_t when_now_ms(void);

/* RFC 3339 in UTC with so many fraction digits; 0 is null. */
void when_json(struct buf *b, const char *key, int64_t ms, int digits);

/* RFC 9110 IMF-fixdate, as Attio sends in Retry-After. */
void when_http(char out[40], int64_t ms);

/*
 * Read an RFC 3339 date or date-time, or an ISO 8601 duration counted from
 * now ("-P2W"). False if it is none of these.
 */
bool when_read(const char *s, int64_t now_ms, int64_t *ms);

/* True for YYYY-MM-DD, alone or followed by "T...". */
bool when_is_date(const char *s);

/*
 * The occurrence after date for a phrase like "every day", "every 2 weeks" or
 * "every month"; what is not understood counts as a day. A time of day after
 * the date is kept. out holds 40 bytes. backwards gives the one before.
 */
void when_next(
    const char *date, const char *phrase, bool backwards, char out[40]);

#endif
