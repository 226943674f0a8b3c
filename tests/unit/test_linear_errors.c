/* Every row of Linear's error table. */
#include "linear_test.h"

/* --- Errors --------------------------------------------------------------- */

#define RESET_MS INT64_C(90000) /* of the bucket, from now */
#define EDGE_MS 4000            /* Retry-After */

/* clang-format off */
static const struct {
	int status;
	const char *file;
	struct meaning meaning;
} errors[] = {
	/* what stands between answers in JSON, too: it is no word of the vendor's */
	{ 307, "linear/proxy_no_route.json", { OUTCOME_UNKNOWN, REASON_BAD_ANSWER, 0 } },
	{ 400, "linear/proxy_no_route.json", { OUTCOME_UNKNOWN, REASON_BAD_ANSWER, 0 } },
	{ 401, "linear/proxy_no_route.json", { OUTCOME_UNKNOWN, REASON_BAD_ANSWER, 0 } },
	{ 403, "linear/proxy_no_route.json", { OUTCOME_UNKNOWN, REASON_BAD_ANSWER, 0 } },
	{ 404, "linear/proxy_no_route.json", { OUTCOME_UNKNOWN, REASON_BAD_ANSWER, 0 } },
	{ 409, "linear/proxy_no_route.json", { OUTCOME_UNKNOWN, REASON_BAD_ANSWER, 0 } },
	{ 429, "linear/proxy_no_route.json", { OUTCOME_RATE_LIMITED, REASON_RATE_LIMITED, RESET_MS } },
	{ 401, "linear/error_authentication.json",  { OUTCOME_AUTH_FAILED, REASON_AUTH_FAILED, 0 } },
	{ 200, "linear/error_authentication.json",  { OUTCOME_AUTH_FAILED, REASON_AUTH_FAILED, 0 } },
	{ 401, "linear/error_502.html",             { OUTCOME_UNKNOWN, REASON_BAD_ANSWER, 0 } },
	{ 400, "linear/error_key_as_bearer.json",   { OUTCOME_AUTH_FAILED, REASON_AUTH_FAILED, 0 } },
	{ 403, "linear/error_forbidden.json",       { OUTCOME_REJECTED, REASON_FORBIDDEN, 0 } },
	{ 200, "linear/error_forbidden.json",       { OUTCOME_REJECTED, REASON_FORBIDDEN, 0 } },
	{ 403, "linear/error_502.html",             { OUTCOME_UNKNOWN, REASON_BAD_ANSWER, 0 } },
	{ 200, "linear/error_not_found.json",       { OUTCOME_REJECTED, REASON_NOT_FOUND, 0 } },
	{ 400, "linear/error_not_found.json",       { OUTCOME_REJECTED, REASON_NOT_FOUND, 0 } },
	{ 200, "linear/error_state_not_found.json", { OUTCOME_REJECTED, REASON_STATE_REFUSED, 0 } },
	{ 200, "linear/error_team_not_found.json",  { OUTCOME_REJECTED, REASON_STATE_REFUSED, 0 } },
	{ 200, "linear/error_argument.json",        { OUTCOME_REJECTED, REASON_REFUSED, 0 } },
	{ 400, "linear/error_argument.json",        { OUTCOME_REJECTED, REASON_REFUSED, 0 } },
	{ 400, "linear/error_ratelimited.json",     { OUTCOME_RATE_LIMITED, REASON_RATE_LIMITED, RESET_MS } },
	{ 400, "linear/error_ratelimited_without_type.json", { OUTCOME_RATE_LIMITED, REASON_RATE_LIMITED, RESET_MS } },
	{ 200, "linear/error_ratelimited.json",     { OUTCOME_RATE_LIMITED, REASON_RATE_LIMITED, RESET_MS } },
	{ 429, "linear/error_502.html",             { OUTCOME_RATE_LIMITED, REASON_RATE_LIMITED, RESET_MS } },
	{ 400, "linear/error_502.html",             { OUTCOME_UNKNOWN, REASON_BAD_ANSWER, 0 } },
	{ 404, "linear/error_502.html",             { OUTCOME_UNKNOWN, REASON_BAD_ANSWER, 0 } },
	{ 408, "linear/error_502.html",             { OUTCOME_UNKNOWN, REASON_TIMEOUT, 0 } },
	{ 410, "linear/error_502.html",             { OUTCOME_REJECTED, REASON_GONE_API, 0 } },
	{ 302, "linear/error_502.html",             { OUTCOME_UNKNOWN, REASON_BAD_ANSWER, 0 } },
	{ 502, "linear/error_502.html",             { OUTCOME_UNKNOWN, REASON_SERVER_ERROR, 0 } },
	{ 200, "linear/error_502.html",             { OUTCOME_UNKNOWN, REASON_BAD_ANSWER, 0 } },
};

/* {"errors":[{"message":message,"extensions":extensions}],"data":null} */
static const struct {
	int status;
	const char *message, *extensions;
	struct meaning meaning;
} shapes[] = {
	{ 200, "", "{\"type\":\"internal error\"}",         { OUTCOME_UNKNOWN, REASON_SERVER_ERROR, 0 } },
	{ 200, "", "{\"type\":\"lock timeout\"}",           { OUTCOME_UNKNOWN, REASON_SERVER_ERROR, 0 } },
	{ 200, "", "{\"type\":\"bootstrap error\"}",        { OUTCOME_UNKNOWN, REASON_SERVER_ERROR, 0 } },
	{ 200, "", "{\"type\":\"network error\"}",          { OUTCOME_UNKNOWN, REASON_SERVER_ERROR, 0 } },
	{ 400, "", "{\"type\":\"other\"}",                  { OUTCOME_UNKNOWN, REASON_SERVER_ERROR, 0 } },
	{ 200, "", "{\"type\":\"unknown\"}",                { OUTCOME_UNKNOWN, REASON_SERVER_ERROR, 0 } },
	{ 400, "", "{\"type\":\"graphql error\"}",          { OUTCOME_REJECTED, REASON_REFUSED, 0 } },
	{ 200, "", "{\"type\":\"user error\"}",             { OUTCOME_REJECTED, REASON_REFUSED, 0 } },
	{ 200, "", "{\"type\":\"usage limit exceeded\"}",   { OUTCOME_REJECTED, REASON_REFUSED, 0 } },
	{ 200, "", "{\"type\":\"feature not accessible\"}", { OUTCOME_REJECTED, REASON_REFUSED, 0 } },
	/* code RATELIMITED before any type, type before code and status. */
	{ 400, "", "{\"type\":\"invalid input\",\"code\":\"RATELIMITED\"}", { OUTCOME_RATE_LIMITED, REASON_RATE_LIMITED, RESET_MS } },
	{ 500, "", "{\"type\":\"ratelimited\"}",            { OUTCOME_RATE_LIMITED, REASON_RATE_LIMITED, RESET_MS } },
	{ 500, "", "{\"type\":\"forbidden\"}",              { OUTCOME_REJECTED, REASON_FORBIDDEN, 0 } },
	{ 400, "", "{\"type\":\"internal error\",\"code\":\"FORBIDDEN\"}", { OUTCOME_UNKNOWN, REASON_SERVER_ERROR, 0 } },
	{ 200, "", "{\"code\":\"AUTHENTICATION_ERROR\"}",   { OUTCOME_AUTH_FAILED, REASON_AUTH_FAILED, 0 } },
	{ 200, "", "{\"code\":\"FORBIDDEN\"}",              { OUTCOME_REJECTED, REASON_FORBIDDEN, 0 } },
	{ 200, "Entity not found: Issue", "{\"code\":\"INPUT_ERROR\"}", { OUTCOME_REJECTED, REASON_NOT_FOUND, 0 } },
	{ 404, "", "{\"code\":\"NOT_FOUND\"}",              { OUTCOME_UNKNOWN, REASON_BAD_ANSWER, 0 } },
	{ 401, "", "{\"code\":\"UNAUTHENTICATED\"}",        { OUTCOME_UNKNOWN, REASON_BAD_ANSWER, 0 } },
	{ 404, "", "{\"type\":\"brand new\"}",              { OUTCOME_REJECTED, REASON_REFUSED, 0 } },
	{ 200, "", "{\"code\":\"NEW\"}",                    { OUTCOME_UNKNOWN, REASON_BAD_ANSWER, 0 } },
	{ 400, "", "{\"type\":\"brand new\"}",              { OUTCOME_REJECTED, REASON_REFUSED, 0 } },
	{ 500, "", "{\"type\":\"brand new\"}",              { OUTCOME_UNKNOWN, REASON_SERVER_ERROR, 0 } },
	{ 200, "", "null",                                  { OUTCOME_UNKNOWN, REASON_BAD_ANSWER, 0 } },
	{ 200, "", "{\"type\":7,\"code\":7}",               { OUTCOME_UNKNOWN, REASON_BAD_ANSWER, 0 } },
	/* Messages of `invalid input`. */
	{ 200, "Entity not found: Issue - Could not find referenced Issue.", "{\"type\":\"invalid input\"}", { OUTCOME_REJECTED, REASON_NOT_FOUND, 0 } },
	{ 200, "Entity not found in validateAccess: Issue", "{\"type\":\"invalid input\"}", { OUTCOME_REJECTED, REASON_NOT_FOUND, 0 } },
	{ 200, "Entity not found: IssueLabel", "{\"type\":\"invalid input\"}", { OUTCOME_REJECTED, REASON_REFUSED, 0 } },
	{ 200, "Entity not found: Workflow state", "{\"type\":\"invalid input\"}", { OUTCOME_REJECTED, REASON_STATE_REFUSED, 0 } },
	{ 200, "stateId must be a UUID", "{\"type\":\"invalid input\"}", { OUTCOME_REJECTED, REASON_STATE_REFUSED, 0 } },
	{ 200, "Entity not found: Issue", "{\"type\":\"forbidden\"}", { OUTCOME_REJECTED, REASON_FORBIDDEN, 0 } },
	{ 500, "Entity not found: Issue", "{\"type\":\"internal error\"}", { OUTCOME_UNKNOWN, REASON_SERVER_ERROR, 0 } },
};
/* clang-format on */

/* What a list and a write make of the same answer. */
static void
assert_both(
    const char *what, struct http_response *res, const struct meaning *want)
{
	struct push push = push_of(WISH_COMPLETE, &taught, STORED);
	struct answer answer;
	struct page page;

	res->reset_at_ms = NOW_MS + RESET_MS;
	res->retry_after_ms = EDGE_MS;
	linear->write_response(&push, res, &answer);
	assert_meaning(what, &answer, want);
	assert_int_equal(list(NULL, res, &page, &answer), err_of(want));
	assert_meaning(what, &answer, want);
}

static void
test_every_error_has_its_meaning(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(errors); i++) {
		struct http_response res =
		    answered_file(errors[i].status, errors[i].file);
		assert_both(errors[i].file, &res, &errors[i].meaning);
	}
}

static void
test_errors_are_decided_by_code_then_type_then_status(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(shapes); i++) {
		struct http_response res =
		    answered(shapes[i].status, JSON_TYPE, "");
		assert_int_equal(buf_addf(&res.body,
				     "{\"errors\":[{\"message\":\"%s\","
				     "\"extensions\":%s}],\"data\":null}",
				     shapes[i].message, shapes[i].extensions),
		    OK);
		assert_both(shapes[i].extensions, &res, &shapes[i].meaning);
	}
}

static void
test_a_wait_is_the_reset_else_the_header_else_unknown(void **state)
{
	static const struct {
		int64_t reset_at_ms, retry_after_ms, wait_ms;
	} waits[] = {
		{ NOW_MS + 90000, 4000, 90000 },
		{ NOW_MS + 90000, -1, 90000 },
		{ NOW_MS, 4000, 0 },
		{ 0, 4000, 4000 },
		{ 0, -1, -1 },
		{ NOW_MS - 5, 4000, 4000 },
		{ NOW_MS + 86400000, -1, 3600000 },
	};
	struct answer failure;
	struct page page;

	(void)state;
	for (size_t i = 0; i < COUNT(waits); i++) {
		struct http_response res =
		    answered_file(400, "linear/error_ratelimited.json");
		res.reset_at_ms = waits[i].reset_at_ms;
		res.retry_after_ms = waits[i].retry_after_ms;
		assert_int_equal(list(NULL, &res, &page, &failure), ERR_BUSY);
		assert_int_equal(failure.retry_after_ms, waits[i].wait_ms);
	}
}

static void
test_a_request_that_was_cut_is_unknown(void **state)
{
	/* clang-format off */
	static const struct {
		enum http_carried carried;
		const char *why;
		struct meaning meaning;
	} cuts[] = {
		{ HTTP_NOT_SENT,  "refused",       { OUTCOME_UNKNOWN, REASON_UNREACHABLE, 0 } },
		{ HTTP_NO_ANSWER, "timeout: late", { OUTCOME_UNKNOWN, REASON_TIMEOUT, 0 } },
		{ HTTP_NO_ANSWER, "reset",         { OUTCOME_UNKNOWN, REASON_NO_ANSWER, 0 } },
	};
	/* clang-format on */

	(void)state;
	for (size_t i = 0; i < COUNT(cuts); i++) {
		struct http_response res =
		    not_answered(cuts[i].carried, cuts[i].why);
		assert_both(cuts[i].why, &res, &cuts[i].meaning);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_error_has_its_meaning),
		cmocka_unit_test(
		    test_errors_are_decided_by_code_then_type_then_status),
		cmocka_unit_test(
		    test_a_wait_is_the_reset_else_the_header_else_unknown),
		cmocka_unit_test(test_a_request_that_was_cut_is_unknown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
