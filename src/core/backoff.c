/* The table of waits, and what they share: one doubling, one jitter. */
#include "core/backoff.h"

#include <stdbool.h>

#define ASKED_DEFAULT_MS 60000
#define ASKED_MOST_MS 3600000
#define ASK_MOST_MS 86400000

static const struct {
	int64_t first_ms, longest_ms;
	bool is_exact;
} waits[BACKOFF_COUNT] = {
	[BACKOFF_LOCKED_ROW] = { 4, 64, false },
	[BACKOFF_SETTLE] = { 40, 2560, false },
	[BACKOFF_REQUEST] = { 100, 1600, false },
	[BACKOFF_WRITEBACK] = { 1000, 300000, false },
	[BACKOFF_CIRCUIT] = { 2000, 60000, true },
};

static int64_t
doubled(int64_t ms, int64_t longest_ms, int times)
{
	for (int i = 0; i < times && ms < longest_ms; i++)
		ms *= 2;
	return ms < longest_ms ? ms : longest_ms;
}

static int64_t
jittered(int64_t ms, uint64_t random)
{
	return ms / 2 + (int64_t)(random % (uint64_t)ms);
}

int64_t
backoff_ms(enum backoff what, int tries, uint64_t random)
{
	int64_t ms = doubled(waits[what].first_ms, waits[what].longest_ms,
	    tries > 1 ? tries - 1 : 0);

	return waits[what].is_exact ? ms : jittered(ms, random);
}

int64_t
backoff_poll_ms(
    int64_t interval_ms, int64_t longest_ms, int failures, uint64_t random)
{
	return jittered(doubled(interval_ms, longest_ms, failures), random);
}

int64_t
backoff_spread_ms(int64_t ms, uint64_t random)
{
	return ms - ms / 10 + (int64_t)(random % (uint64_t)(ms / 5 + 1));
}

int64_t
backoff_ask_ms(int64_t interval_ms, int asks)
{
	return asks < 2 ? 0 : doubled(interval_ms, ASK_MOST_MS, asks - 2);
}

int64_t
backoff_asked_ms(int64_t retry_after_ms)
{
	if (retry_after_ms < 0)
		return ASKED_DEFAULT_MS;
	if (retry_after_ms > ASKED_MOST_MS)
		return ASKED_MOST_MS;
	return retry_after_ms > 0 ? retry_after_ms : 1;
}
