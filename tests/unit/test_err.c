/* err: a reason per thread, and what each code means to a client. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "core/err.h"

static void
test_setting_returns_the_code_and_keeps_the_reason(void **state)
{
	(void)state;
	assert_int_equal(err_set(ERR_BUSY, "wait %d s", 3), ERR_BUSY);
	assert_string_equal(err_text(), "wait 3 s");
}

static void
test_a_reason_may_quote_the_one_before(void **state)
{
	(void)state;
	(void)err_set(ERR_DB, "no route");
	(void)err_set(ERR_DB, "poll: %s (%s)", err_text(), err_text());
	assert_string_equal(err_text(), "poll: no route (no route)");
}

static void
test_a_long_reason_is_cut_at_511_bytes(void **state)
{
	char longer[2000];

	(void)state;
	memset(longer, 'x', sizeof(longer) - 1);
	longer[sizeof(longer) - 1] = '\0';
	(void)err_set(ERR_INPUT, "%s", longer);
	assert_int_equal(strlen(err_text()), 511);
	(void)err_set(ERR_INPUT, "short");
	assert_string_equal(err_text(), "short");
}

static void *
say_something_else(void *first_text)
{
	*(size_t *)first_text = strlen(err_text());
	(void)err_set(ERR_AUTH, "theirs");
	return NULL;
}

static void
test_another_thread_has_its_own_reason(void **state)
{
	size_t first = 99;
	pthread_t thread;

	(void)state;
	(void)err_set(ERR_INPUT, "mine");
	assert_int_equal(
	    pthread_create(&thread, NULL, say_something_else, &first), 0);
	assert_int_equal(pthread_join(thread, NULL), 0);
	assert_int_equal(first, 0);
	assert_string_equal(err_text(), "mine");
}

static void
test_every_code_has_a_distinct_name_and_an_http_status(void **state)
{
	(void)state;
	for (int i = 0; i < ERR_COUNT; i++) {
		const char *name = err_name((enum err)i);
		int status = err_http_status((enum err)i);

		assert_non_null(name);
		assert_true(
		    i == OK ? status == 200 : status >= 400 && status < 600);
		for (int k = 0; k < i; k++)
			assert_string_not_equal(name, err_name((enum err)k));
	}
}

static void
test_clients_can_rely_on_these(void **state)
{
	static const struct {
		enum err code;
		const char *name;
		int status;
	} rows[] = {
		{ ERR_INPUT, "bad_request", 400 },
		{ ERR_AUTH, "unauthorized", 401 },
		{ ERR_NOTFOUND, "not_found", 404 },
		{ ERR_METHOD, "method_not_allowed", 405 },
		{ ERR_TOOBIG, "too_large", 413 },
		{ ERR_LENGTH, "length_required", 411 },
		{ ERR_MEDIA, "unsupported_media_type", 415 },
		{ ERR_BUSY, "busy", 503 },
		{ ERR_LIMIT, "too_many_calls", 429 },
		{ ERR_REMOTE, "bad_gateway", 502 },
		{ ERR_DB, "database_unavailable", 503 },
		{ ERR_SCHEMA, "database_not_set_up", 503 },
		{ ERR_TIMEOUT, "timeout", 504 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_string_equal(err_name(rows[i].code), rows[i].name);
		assert_int_equal(err_http_status(rows[i].code), rows[i].status);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    test_setting_returns_the_code_and_keeps_the_reason),
		cmocka_unit_test(test_a_reason_may_quote_the_one_before),
		cmocka_unit_test(test_a_long_reason_is_cut_at_511_bytes),
		cmocka_unit_test(test_another_thread_has_its_own_reason),
		cmocka_unit_test(
		    test_every_code_has_a_distinct_name_and_an_http_status),
		cmocka_unit_test(test_clients_can_rely_on_these),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
