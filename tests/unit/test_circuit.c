/* The circuit of a provider: time is an argument, so nothing here waits. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <cmocka.h>

#include "core/courier/circuit.h"

/* see core/backoff.h */
#define FIRST_MS 2000
#define LONGEST_MS 60000

static void
fail_times(struct circuit *c, int times, int users, int64_t now_ms)
{
	char id[37];

	for (int i = 0; i < times; i++) {
		assert_true(circuit_enter(c, now_ms));
		snprintf(id, sizeof(id), "user-%d", i % users);
		circuit_report(c, id, false, now_ms);
	}
}

static void
test_it_opens_after_failures_of_several_users(void **state)
{
	struct circuit c;

	(void)state;
	circuit_init(&c);
	fail_times(&c, CIRCUIT_FAILURES - 1, CIRCUIT_DISTINCT, 1000);
	assert_int_equal(circuit_wait_ms(&c, 1000), 0);
	fail_times(&c, 1, 1, 1000);
	assert_int_equal(circuit_wait_ms(&c, 1000), FIRST_MS);
	assert_false(circuit_enter(&c, 1000));
	circuit_done(&c);
}

static void
test_one_users_trouble_is_not_the_providers(void **state)
{
	struct circuit c;

	(void)state;
	circuit_init(&c);
	fail_times(&c, 10 * CIRCUIT_FAILURES, CIRCUIT_DISTINCT - 1, 1000);
	assert_int_equal(circuit_wait_ms(&c, 1000), 0);
	circuit_done(&c);
}

static void
test_a_success_in_between_starts_the_count_anew(void **state)
{
	struct circuit c;

	(void)state;
	circuit_init(&c);
	fail_times(&c, CIRCUIT_FAILURES - 1, CIRCUIT_DISTINCT, 1000);
	circuit_report(&c, "user-9", true, 1000);
	fail_times(&c, CIRCUIT_FAILURES - 1, CIRCUIT_DISTINCT, 1000);
	assert_true(circuit_enter(&c, 1000));
	circuit_done(&c);
}

static void
test_half_open_lets_one_probe_out_and_its_success_closes(void **state)
{
	struct circuit c;
	int64_t later = 1000 + FIRST_MS;

	(void)state;
	circuit_init(&c);
	fail_times(&c, CIRCUIT_FAILURES, CIRCUIT_DISTINCT, 1000);
	assert_true(circuit_enter(&c, later));
	assert_false(circuit_enter(&c, later));
	assert_true(circuit_wait_ms(&c, later) > 0);
	circuit_report(&c, "user-0", true, later);
	assert_true(circuit_enter(&c, later));
	assert_int_equal(circuit_wait_ms(&c, later), 0);
	circuit_done(&c);
}

static void
test_a_failed_probe_opens_it_for_twice_as_long(void **state)
{
	struct circuit c;
	int64_t later = 1000 + FIRST_MS;

	(void)state;
	circuit_init(&c);
	fail_times(&c, CIRCUIT_FAILURES, CIRCUIT_DISTINCT, 1000);
	assert_true(circuit_enter(&c, later));
	circuit_report(&c, "user-0", false, later);
	assert_int_equal(circuit_wait_ms(&c, later), 2 * FIRST_MS);
	circuit_done(&c);
}

static void
test_late_answers_do_not_keep_it_open_longer(void **state)
{
	struct circuit c;

	(void)state;
	circuit_init(&c);
	fail_times(&c, CIRCUIT_FAILURES, CIRCUIT_DISTINCT, 1000);
	for (int i = 0; i < 50; i++)
		circuit_report(&c, "user-1", false, 1001);
	assert_int_equal(circuit_wait_ms(&c, 1000 + FIRST_MS), 0);
	circuit_done(&c);
}

static void
test_whoever_answers_is_alive_but_for_a_server_error(void **state)
{
	static const struct {
		struct http_response res;
		bool is_alive;
	} table[] = {
		{ { .carried = HTTP_ANSWERED, .status = 200 }, true },
		{ { .carried = HTTP_ANSWERED, .status = 429 }, true },
		{ { .carried = HTTP_ANSWERED, .status = 500 }, false },
		{ { .carried = HTTP_ANSWERED, .status = 503 }, false },
		{ { .carried = HTTP_NO_ANSWER }, false },
		{ { .carried = HTTP_NOT_SENT }, false },
		{ { .carried = HTTP_NO_ANSWER, .is_too_large = true }, true },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		assert_int_equal(
		    circuit_is_alive(OK, &table[i].res), table[i].is_alive);
	assert_true(circuit_is_alive(ERR_NOMEM, &table[5].res));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_it_opens_after_failures_of_several_users),
		cmocka_unit_test(test_one_users_trouble_is_not_the_providers),
		cmocka_unit_test(
		    test_a_success_in_between_starts_the_count_anew),
		cmocka_unit_test(
		    test_half_open_lets_one_probe_out_and_its_success_closes),
		cmocka_unit_test(
		    test_a_failed_probe_opens_it_for_twice_as_long),
		cmocka_unit_test(test_late_answers_do_not_keep_it_open_longer),
		cmocka_unit_test(
		    test_whoever_answers_is_alive_but_for_a_server_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
