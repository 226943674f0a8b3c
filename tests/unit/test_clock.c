/* clock: time as text and back, and which text is no time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <time.h>
#include <cmocka.h>

#include "core/clock.h"

static void
test_texts_that_are_times_are_read(void **state)
{
	static const struct {
		const char *text;
		int64_t ms;
	} rows[] = {
		{ "1970-01-01T00:00:00Z", 0 },
		{ "1970-01-01", 0 },
		{ "2026-11-23T10:00:00Z", 1795428000000 },
		{ "2026-11-23T10:00:00.5Z", 1795428000500 },
		{ "2026-11-23T10:00:00.123456789Z", 1795428000123 },
		{ "2026-11-23T10:00:00.9999Z", 1795428000999 },
		{ "2026-11-23t10:00:00z", 1795428000000 },
		{ "2026-11-23 10:00:00+00:00", 1795428000000 },
		{ "2026-11-23T12:30:00+02:30", 1795428000000 },
		{ "2026-11-23T04:00:00-06:00", 1795428000000 },
		{ "2024-02-29T00:00:00Z", 1709164800000 },
		{ "2000-02-29", 951782400000 },
		{ "1969-12-31T23:59:59.999Z", -1 },
		{ "2016-12-31T23:59:60Z", 1483228800000 },
		{ "0000-01-01", -62167219200000 },
		{ "9999-12-31T23:59:59.999Z", 253402300799999 },
	};
	int64_t ms;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		ms = 42;
		if (!clock_parse(rows[i].text, &ms) || ms != rows[i].ms)
			fail_msg("%s: %lld", rows[i].text, (long long)ms);
	}
}

static void
test_texts_that_are_no_times_are_refused(void **state)
{
	static const char *const rows[] = { "", "now", "2026", "2026-11",
		"2026-11-2", "2026-11-23T", "2026-11-23T10:00Z",
		"2026-11-23T10:00:00", "2026-11-23T10:00:00.Z",
		"2026-11-23T10:00:00,5Z", "2026-11-23T10:00:00Zx",
		"2026-11-23x", " 2026-11-23", "2026-11-23 ", "2026-02-29",
		"2100-02-29", "2026-00-10", "2026-13-10", "2026-04-31",
		"2026-11-00", "2026-11-23T24:00:00Z", "2026-11-23T10:60:00Z",
		"2026-11-23T10:00:61Z", "2026-11-23T10:00:00+24:00",
		"2026-11-23T10:00:00+01:60", "2026-11-23T10:00:00+0100",
		"2026-11-23T10:00:00+01", "-026-11-23", "2026/11/23",
		"+2026-11-23", "2026-11-23T1a:00:00Z", "20261123" };
	int64_t ms = 42;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (clock_parse(rows[i], &ms))
			fail_msg("accepted: %s", rows[i]);
		assert_int_equal(ms, 42);
	}
	assert_false(clock_parse(NULL, &ms));
}

static void
test_formatting_and_parsing_are_inverse(void **state)
{
	char text[CLOCK_TEXT];
	int64_t back;

	(void)state;
	/* A prime step of about 19 days walks through every month, hour and
	 * leap year of the four-digit years. */
	for (int64_t ms = -62167219200000; ms <= 253402300799999;
	     ms += 1640531527) {
		clock_format(ms, text);
		assert_true(clock_parse(text, &back));
		assert_true(back == ms);
	}
}

static void
test_formatting_agrees_with_libc(void **state)
{
	char ours[CLOCK_TEXT], theirs[64];
	struct tm tm;

	(void)state;
	for (int64_t s = -2000000000; s < 8000000000; s += 86413 * 31) {
		time_t t = (time_t)s;
		assert_non_null(gmtime_r(&t, &tm));
		assert_true(strftime(theirs, sizeof(theirs),
				"%Y-%m-%dT%H:%M:%S.000Z", &tm) > 0);
		clock_format(s * 1000, ours);
		assert_string_equal(ours, theirs);
	}
}

static void
test_years_without_four_digits_are_clamped(void **state)
{
	char text[CLOCK_TEXT];

	(void)state;
	clock_format(INT64_MAX, text);
	assert_string_equal(text, "9999-12-31T23:59:59.999Z");
	clock_format(INT64_MIN, text);
	assert_string_equal(text, "0000-01-01T00:00:00.000Z");
}

static void
test_sleeping_takes_at_least_as_long_as_told(void **state)
{
	int64_t before = clock_mono_ms();

	(void)state;
	clock_sleep_ms(-5);
	clock_sleep_ms(0);
	clock_sleep_ms(20);
	assert_true(clock_mono_ms() - before >= 19);
	assert_true(clock_wall_ms() > 1700000000000);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_texts_that_are_times_are_read),
		cmocka_unit_test(test_texts_that_are_no_times_are_refused),
		cmocka_unit_test(test_formatting_and_parsing_are_inverse),
		cmocka_unit_test(test_formatting_agrees_with_libc),
		cmocka_unit_test(test_years_without_four_digits_are_clamped),
		cmocka_unit_test(test_sleeping_takes_at_least_as_long_as_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
