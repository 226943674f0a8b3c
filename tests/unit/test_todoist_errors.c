/* Todoist's errors, of reads and of writes. */
#include "todoist_test.h"

/* --- Errors --------------------------------------------------------------- */

/* clang-format off */
static const struct {
	int status;
	const char *file;
	struct meaning meaning;
} errors[] = {
	/* what stands between answers in JSON, too: it is no word of the vendor's */
	{ 307, "todoist/proxy_no_route.json", { OUTCOME_UNKNOWN, REASON_BAD_ANSWER, 0 } },
	{ 400, "todoist/proxy_no_route.json", { OUTCOME_UNKNOWN, REASON_BAD_ANSWER, 0 } },
	{ 401, "todoist/proxy_no_route.json", { OUTCOME_UNKNOWN, REASON_BAD_ANSWER, 0 } },
	{ 403, "todoist/proxy_no_route.json", { OUTCOME_UNKNOWN, REASON_BAD_ANSWER, 0 } },
	{ 404, "todoist/proxy_no_route.json", { OUTCOME_UNKNOWN, REASON_BAD_ANSWER, 0 } },
	{ 409, "todoist/proxy_no_route.json", { OUTCOME_UNKNOWN, REASON_BAD_ANSWER, 0 } },
	{ 429, "todoist/proxy_no_route.json", { OUTCOME_RATE_LIMITED, REASON_RATE_LIMITED, 1500 } },
	{ 400, "todoist/error_400_argument.json",  { OUTCOME_REJECTED, REASON_REFUSED, 0 } },
	{ 400, "todoist/error_400_old_id.json",    { OUTCOME_REJECTED, REASON_REFUSED, 0 } },
	{ 404, "todoist/error_400_old_id.json",    { OUTCOME_REJECTED, REASON_REFUSED, 0 } },
	{ 401, "todoist/error_401.json",           { OUTCOME_AUTH_FAILED, REASON_AUTH_FAILED, 0 } },
	{ 401, "todoist/error_503.html",           { OUTCOME_UNKNOWN, REASON_BAD_ANSWER, 0 } },
	{ 401, "todoist/error_403_forbidden.json", { OUTCOME_AUTH_FAILED, REASON_AUTH_FAILED, 0 } },
	{ 403, "todoist/error_403_scope.json",     { OUTCOME_AUTH_FAILED, REASON_SCOPE_MISSING, 0 } },
	{ 403, "todoist/error_403_forbidden.json", { OUTCOME_REJECTED, REASON_FORBIDDEN, 0 } },
	{ 403, "todoist/error_503.html",           { OUTCOME_UNKNOWN, REASON_BAD_ANSWER, 0 } },
	{ 404, "todoist/error_503.html",           { OUTCOME_UNKNOWN, REASON_BAD_ANSWER, 0 } },
	{ 408, "todoist/error_503.html",           { OUTCOME_UNKNOWN, REASON_TIMEOUT, 0 } },
	{ 410, "todoist/error_410.txt",            { OUTCOME_REJECTED, REASON_GONE_API, 0 } },
	{ 422, "todoist/error_400_argument.json",  { OUTCOME_REJECTED, REASON_REFUSED, 0 } },
	{ 429, "todoist/error_429.json",           { OUTCOME_RATE_LIMITED, REASON_RATE_LIMITED, 7000 } },
	{ 429, "todoist/error_503.html",           { OUTCOME_RATE_LIMITED, REASON_RATE_LIMITED, 1500 } },
	{ 301, "todoist/error_503.html",           { OUTCOME_UNKNOWN, REASON_BAD_ANSWER, 0 } },
	{ 302, "todoist/login_page_200.html",      { OUTCOME_UNKNOWN, REASON_BAD_ANSWER, 0 } },
	{ 500, "todoist/error_404.json",           { OUTCOME_UNKNOWN, REASON_SERVER_ERROR, 0 } },
	{ 502, "todoist/error_503.html",           { OUTCOME_UNKNOWN, REASON_SERVER_ERROR, 0 } },
	{ 503, "todoist/error_503.html",           { OUTCOME_UNKNOWN, REASON_SERVER_ERROR, 0 } },
	{ 100, "todoist/error_503.html",           { OUTCOME_UNKNOWN, REASON_BAD_ANSWER, 0 } },
	{ 999, "todoist/error_503.html",           { OUTCOME_UNKNOWN, REASON_BAD_ANSWER, 0 } },
};
static const struct {
	enum http_carried carried;
	const char *why;
	struct meaning meaning;
} cuts[] = {
	{ HTTP_NOT_SENT,  "could not connect",          { OUTCOME_UNKNOWN, REASON_UNREACHABLE, 0 } },
	{ HTTP_NOT_SENT,  "timeout: connecting",        { OUTCOME_UNKNOWN, REASON_UNREACHABLE, 0 } },
	{ HTTP_NO_ANSWER, "timeout: no answer in time", { OUTCOME_UNKNOWN, REASON_TIMEOUT, 0 } },
	{ HTTP_NO_ANSWER, "Timeout was reached",        { OUTCOME_UNKNOWN, REASON_TIMEOUT, 0 } },
	{ HTTP_NO_ANSWER, "reset\n\x1b[31m by peer",    { OUTCOME_UNKNOWN, REASON_NO_ANSWER, 0 } },
};
/* clang-format on */

static void
test_every_error_of_a_read_has_its_meaning(void **state)
{
	struct answer failure;
	struct page page;

	(void)state;
	for (size_t i = 0; i < COUNT(errors); i++) {
		struct http_response res =
		    answered_file(errors[i].status, errors[i].file);
		res.retry_after_ms = 1500;
		assert_int_equal(list(&mine, NULL, &res, &page, &failure),
		    err_of(&errors[i].meaning));
		assert_meaning(errors[i].file, &failure, &errors[i].meaning);
	}
	for (size_t i = 0; i < COUNT(cuts); i++) {
		struct http_response res =
		    not_answered(cuts[i].carried, cuts[i].why);
		assert_int_equal(
		    list(&mine, NULL, &res, &page, &failure), ERR_REMOTE);
		assert_meaning(cuts[i].why, &failure, &cuts[i].meaning);
	}
}

static void
test_every_error_of_a_write_has_its_meaning(void **state)
{
	static const struct meaning gone = { OUTCOME_REJECTED, REASON_NOT_FOUND,
		-1 };
	static const char *const stored[] = { STORED_PLAIN, STORED_RECURRING };
	struct answer answer;

	(void)state;
	for (size_t i = 0; i < COUNT(errors) * 2; i++) {
		struct push push =
		    push_of(WISH_COMPLETE, RECURRING, stored[i % 2]);
		struct http_response res =
		    answered_file(errors[i / 2].status, errors[i / 2].file);
		res.retry_after_ms = 1500;
		todoist->write_response(&push, &res, &answer);
		assert_meaning(
		    errors[i / 2].file, &answer, &errors[i / 2].meaning);
		http_response_done(&res);
		res = answered_file(404, "todoist/error_404.json");
		todoist->write_response(&push, &res, &answer);
		assert_meaning("404", &answer, &gone);
		http_response_done(&res);
	}
	for (size_t i = 0; i < COUNT(cuts) * 2; i++) {
		struct push push =
		    push_of(WISH_COMPLETE, RECURRING, stored[i % 2]);
		struct http_response res =
		    not_answered(cuts[i / 2].carried, cuts[i / 2].why);
		todoist->write_response(&push, &res, &answer);
		assert_meaning(cuts[i / 2].why, &answer, &cuts[i / 2].meaning);
		http_response_done(&res);
	}
}

static void
test_a_wait_is_taken_from_the_body_and_bounded(void **state)
{
	static const struct {
		const char *value;
		int64_t wait_ms;
	} waits[] = { { "0", 0 }, { "2.5", 2500 }, { "3600", 3600000 },
		{ "7200", 3600000 }, { "1e99", 3600000 }, { "-5", 1500 },
		{ "\"7\"", 1500 }, { "null", 1500 } };
	char *text = fixture("todoist/error_429.json");
	struct answer failure;
	struct page page;

	(void)state;
	for (size_t i = 0; i < COUNT(waits); i++) {
		struct change change = { "error_extra.retry_after",
			waits[i].value };
		char *body = changed(text, &change);
		struct http_response res = answered(429, JSON_TYPE, body);
		res.retry_after_ms = 1500;
		assert_int_equal(
		    list(&mine, NULL, &res, &page, &failure), ERR_BUSY);
		assert_int_equal(failure.retry_after_ms, waits[i].wait_ms);
		free(body);
	}
	free(text);
}

static void
test_a_detail_is_short_and_printable(void **state)
{
	struct http_response res = answered_file(429, "todoist/error_429.json");
	struct answer failure;
	struct page page;
	char body[512];

	(void)state;
	(void)list(&mine, NULL, &res, &page, &failure);
	assert_string_equal(failure.detail, "todoist: HTTP 429 LIMITS_REACHED");
	(void)snprintf(
	    body, sizeof(body), "{\"error_tag\":\"\\u001b[31m\\n☠%0300d\"}", 7);
	res = answered(400, JSON_TYPE, body);
	(void)list(&mine, NULL, &res, &page, &failure);
	assert_true(strlen(failure.detail) < 100);
	for (const char *p = failure.detail; *p != '\0'; p++)
		assert_true(*p >= ' ' && *p <= '~');
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_error_of_a_read_has_its_meaning),
		cmocka_unit_test(test_every_error_of_a_write_has_its_meaning),
		cmocka_unit_test(
		    test_a_wait_is_taken_from_the_body_and_bounded),
		cmocka_unit_test(test_a_detail_is_short_and_printable),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
