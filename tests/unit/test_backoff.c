/* How long to wait: the table, its bounds, and what a provider may ask for. */
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "core/backoff.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* What the header's table says: the first, the longest, and at which try it is
 * that. */
static const struct {
	enum backoff what;
	int64_t first_ms, longest_ms;
	int longest_at;
	bool is_exact;
} waits[] = {
	{ BACKOFF_LOCKED_ROW, 4, 64, 5, false },
	{ BACKOFF_SETTLE, 40, 2560, 7, false },
	{ BACKOFF_REQUEST, 100, 1600, 5, false },
	{ BACKOFF_WRITEBACK, 1000, 300000, 10, false },
	{ BACKOFF_CIRCUIT, 2000, 60000, 6, true },
};

static void
is_about(int64_t middle_ms, enum backoff what, int tries, bool is_exact)
{
	int64_t least = backoff_ms(what, tries, 0);
	int64_t most = backoff_ms(what, tries, (uint64_t)middle_ms - 1);
	int64_t any = backoff_ms(what, tries, UINT64_MAX);

	assert_true(least == (is_exact ? middle_ms : middle_ms / 2));
	assert_true(
	    most == (is_exact ? middle_ms : middle_ms / 2 + middle_ms - 1));
	assert_true(any >= least && any <= most);
}

static void
test_waits_double_from_the_first_to_the_longest(void **state)
{
	(void)state;
	assert_int_equal(COUNT(waits), BACKOFF_COUNT);
	for (size_t i = 0; i < COUNT(waits); i++) {
		int64_t ms = waits[i].first_ms;

		for (int tries = 1; tries < waits[i].longest_at; tries++) {
			is_about(ms, waits[i].what, tries, waits[i].is_exact);
			ms *= 2;
			assert_true(tries + 1 == waits[i].longest_at ||
				    ms < waits[i].longest_ms);
		}
		is_about(waits[i].longest_ms, waits[i].what,
		    waits[i].longest_at, waits[i].is_exact);
	}
}

static void
test_any_number_of_tries_is_within_bounds(void **state)
{
	static const int few[] = { INT_MIN, -1, 0, 1 };
	static const int many[] = { 64, INT_MAX };

	(void)state;
	for (size_t i = 0; i < COUNT(waits); i++) {
		for (size_t k = 0; k < COUNT(few); k++)
			is_about(waits[i].first_ms, waits[i].what, few[k],
			    waits[i].is_exact);
		for (size_t k = 0; k < COUNT(many); k++)
			is_about(waits[i].longest_ms, waits[i].what, many[k],
			    waits[i].is_exact);
	}
}

static void
test_failed_polls_wait_as_the_settings_say(void **state)
{
	static const struct {
		int failures;
		int64_t middle_ms;
	} table[] = { { -1, 60000 }, { 0, 60000 }, { 1, 120000 }, { 2, 240000 },
		{ 5, 1920000 }, { 6, 3600000 }, { INT_MAX, 3600000 } };

	(void)state;
	for (size_t i = 0; i < COUNT(table); i++) {
		int64_t middle = table[i].middle_ms;

		assert_true(backoff_poll_ms(60000, 3600000, table[i].failures,
				0) == middle / 2);
		assert_true(
		    backoff_poll_ms(60000, 3600000, table[i].failures,
			(uint64_t)middle - 1) == middle / 2 + middle - 1);
	}
	/* the longest may be shorter than the interval, and be one */
	assert_true(backoff_poll_ms(60000, 1000, 0, 0) == 500);
	assert_true(backoff_poll_ms(1, 1, 9, UINT64_MAX) == 0);
}

static void
test_what_comes_again_is_spread_by_a_tenth(void **state)
{
	(void)state;
	assert_true(backoff_spread_ms(60000, 0) == 54000);
	assert_true(backoff_spread_ms(60000, 12000) == 66000);
	assert_true(backoff_spread_ms(60000, 12001) == 54000);
	assert_true(backoff_spread_ms(1, UINT64_MAX) == 1);
	assert_true(backoff_spread_ms(0, UINT64_MAX) == 0);
}

static void
test_the_wait_asked_for_is_kept_within_bounds(void **state)
{
	static const struct {
		int64_t asked_ms, ms;
	} table[] = {
		{ -1, 60000 }, /* not said */
		{ INT64_MIN, 60000 },
		{ 0, 1 },
		{ 1, 1 },
		{ 7000, 7000 },
		{ 3600000, 3600000 },
		{ 3600001, 3600000 },
		{ INT64_MAX, 3600000 },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(table); i++)
		assert_true(backoff_asked_ms(table[i].asked_ms) == table[i].ms);
}

static void
test_what_stays_as_it_is_is_asked_for_ever_more_seldom(void **state)
{
	static const struct {
		int asks;
		int64_t ms;
	} table[] = {
		{ -1, 0 },
		{ 0, 0 },
		{ 1, 0 },
		{ 2, 60000 },
		{ 3, 120000 },
		{ 12, 61440000 },
		{ 13, 86400000 },
		{ INT_MAX, 86400000 },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(table); i++)
		assert_true(
		    backoff_ask_ms(60000, table[i].asks) == table[i].ms);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    test_waits_double_from_the_first_to_the_longest),
		cmocka_unit_test(test_any_number_of_tries_is_within_bounds),
		cmocka_unit_test(test_failed_polls_wait_as_the_settings_say),
		cmocka_unit_test(test_what_comes_again_is_spread_by_a_tenth),
		cmocka_unit_test(test_the_wait_asked_for_is_kept_within_bounds),
		cmocka_unit_test(
		    test_what_stays_as_it_is_is_asked_for_ever_more_seldom),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
