/* Writing to Todoist: what is asked first, what is sent, and what came of it.
 */
#include "todoist_test.h"

/* --- Asking before a write ------------------------------------------------ */

static void
test_only_what_cannot_recur_is_written_unasked(void **state)
{
	static const struct {
		const char *metadata;
		bool asks;
	} asked[] = {
		{ STORED_PLAIN, false },
		{ STORED_RECURRING, true },
		{ "{}", true },
		{ NULL, true },
		{ "no JSON", true },
		{ "{\"is_recurring\":\"no\"}", true },
	};
	static const struct expected_request want = { HTTP_GET,
		BASE "/api/v1/tasks/" RECURRING, "Bearer token-1", NULL };

	(void)state;
	for (size_t i = 0; i < COUNT(asked) * 2; i++) {
		struct push push =
		    push_of(i % 2 == 0 ? WISH_COMPLETE : WISH_UNCOMPLETE,
			RECURRING, asked[i / 2].metadata);
		struct http_request req = HTTP_REQUEST_INIT;
		bool asks = !asked[i / 2].asks;
		assert_int_equal(todoist->ask_request(&push, &asks, &req), OK);
		assert_int_equal(asks, asked[i / 2].asks);
		if (asks)
			assert_request(&req, &want);
		push.knows_item = true;
		assert_int_equal(todoist->ask_request(&push, &asks, &req), OK);
		assert_false(asks);
		http_request_done(&req);
	}
}

#define CLOSE_URL BASE "/api/v1/tasks/" RECURRING "/close"
#define REOPEN_URL BASE "/api/v1/tasks/" RECURRING "/reopen"
#define SYNC_URL BASE "/api/v1/sync"
#define CLOSE_BODY                                                             \
	"{\"commands\":[{\"type\":\"item_close\",\"uuid\":\"" COMMAND          \
	"\",\"args\":{\"id\":\"" RECURRING "\"}}]}"
#define UNDO_BODY                                                              \
	"{\"commands\":[{\"type\":\"item_update_date_complete\",\"uuid\":"     \
	"\"" COMMAND "\",\"args\":{\"id\":\"" RECURRING "\",\"due\":{"         \
	"\"date\":\"2026-11-23\",\"string\":\"every day\",\"lang\":\"en\","    \
	"\"is_recurring\":true},\"is_forward\":0}}]}"

/* What is asked, what comes back, and the write that follows (url NULL: none,
 * then the reason says how it ends). */
struct course {
	enum wish wish;
	const char *metadata;
	int status;
	const char *file;
	struct change change;
	const char *url, *body;
	enum outcome outcome;
	enum reason reason;
};

/* clang-format off */
static const struct course courses[] = {
	/* Completing. */
	{ WISH_COMPLETE, STORED_RECURRING, 200, "todoist/task_recurring.json", { 0 },
	  SYNC_URL, CLOSE_BODY, 0, 0 },
	{ WISH_COMPLETE, STORED_RECURRING, 200, "todoist/task_recurring_moved_on.json", { 0 },
	  NULL, NULL, OUTCOME_ACCEPTED, REASON_ALREADY_DONE },
	{ WISH_COMPLETE, STORED_RECURRING, 200, "todoist/task_recurring.json", { "due.date", "\"2026-11-22\"" },
	  SYNC_URL, CLOSE_BODY, 0, 0 },
	{ WISH_COMPLETE, STORED_RECURRING, 200, "todoist/task_recurring.json", { "due", "null" },
	  CLOSE_URL, NULL, 0, 0 },
	{ WISH_COMPLETE, STORED_RECURRING, 200, "todoist/task_completed.json", { 0 },
	  NULL, NULL, OUTCOME_ACCEPTED, REASON_ALREADY_DONE },
	{ WISH_COMPLETE, STORED_RECURRING, 200, "todoist/task_deleted.json", { 0 },
	  NULL, NULL, OUTCOME_REJECTED, REASON_NOT_FOUND },
	{ WISH_COMPLETE, STORED_RECURRING, 404, "todoist/error_404.json", { 0 },
	  NULL, NULL, OUTCOME_REJECTED, REASON_NOT_FOUND },
	{ WISH_COMPLETE, "{}", 200, "todoist/task_recurring_moved_on.json", { 0 },
	  SYNC_URL, CLOSE_BODY, 0, 0 },
	{ WISH_COMPLETE, NULL, 200, "todoist/task_recurring.json", { "due", "null" },
	  CLOSE_URL, NULL, 0, 0 },
	/* Uncompleting. */
	{ WISH_UNCOMPLETE, STORED_RECURRING, 200, "todoist/task_recurring_moved_on.json", { 0 },
	  SYNC_URL, UNDO_BODY, 0, 0 },
	{ WISH_UNCOMPLETE, STORED_RECURRING, 200, "todoist/task_recurring.json", { 0 },
	  NULL, NULL, OUTCOME_ACCEPTED, REASON_ALREADY_DONE },
	{ WISH_UNCOMPLETE, STORED_RECURRING, 200, "todoist/task_completed.json", { 0 },
	  REOPEN_URL, NULL, 0, 0 },
	{ WISH_UNCOMPLETE, NULL, 200, "todoist/task_recurring.json", { 0 },
	  NULL, NULL, OUTCOME_ACCEPTED, REASON_ALREADY_DONE },
	/* What is finished need not be readable. */
	{ WISH_UNCOMPLETE, STORED_RECURRING, 404, "todoist/error_404.json", { 0 },
	  REOPEN_URL, NULL, 0, 0 },
	/* What cannot be completed. */
	{ WISH_COMPLETE, "{}", 200, "todoist/task_recurring.json",
	  { "content", "\"* A heading\"" },
	  NULL, NULL, OUTCOME_REJECTED, REASON_UNCOMPLETABLE },
	{ WISH_UNCOMPLETE, "{}", 200, "todoist/task_recurring.json",
	  { "content", "\"* A heading\"" },
	  NULL, NULL, OUTCOME_ACCEPTED, REASON_ALREADY_DONE },
	/* Answers that tell nothing. */
	{ WISH_COMPLETE, STORED_RECURRING, 404, "todoist/error_503.html", { 0 },
	  NULL, NULL, OUTCOME_UNKNOWN, REASON_BAD_ANSWER },
	{ WISH_COMPLETE, STORED_RECURRING, 200, "todoist/login_page_200.html", { 0 },
	  NULL, NULL, OUTCOME_UNKNOWN, REASON_BAD_ANSWER },
	{ WISH_COMPLETE, STORED_RECURRING, 200, "todoist/task_plain.json", { 0 },
	  NULL, NULL, OUTCOME_UNKNOWN, REASON_BAD_ANSWER },
	{ WISH_COMPLETE, STORED_RECURRING, 401, "todoist/error_401.json", { 0 },
	  NULL, NULL, OUTCOME_AUTH_FAILED, REASON_AUTH_FAILED },
	{ WISH_COMPLETE, STORED_RECURRING, 429, "todoist/error_429.json", { 0 },
	  NULL, NULL, OUTCOME_RATE_LIMITED, REASON_RATE_LIMITED },
};
/* clang-format on */

static struct http_response
course_answer(const struct course *c)
{
	struct http_response res;
	char *text, *body;

	if (c->change.path == NULL)
		return answered_file(c->status, c->file);
	text = fixture(c->file);
	body = changed(text, &c->change);
	res = answered(c->status, JSON_TYPE, body);
	free(body);
	free(text);
	return res;
}

static void
test_what_was_asked_decides_what_is_written(void **state)
{
	struct answer answer;

	(void)state;
	for (size_t i = 0; i < COUNT(courses); i++) {
		const struct course *c = &courses[i];
		struct expected_request want = { HTTP_POST, c->url,
			"Bearer token-1", c->body };
		struct meaning meaning = { c->outcome, c->reason, 7000 };
		struct push push = push_of(c->wish, RECURRING, c->metadata);
		struct http_request req = HTTP_REQUEST_INIT;
		struct http_response res = course_answer(c);
		bool decided = c->url != NULL, asks = true;

		assert_int_equal(
		    todoist->ask_response(&push, &res, &decided, &answer), OK);
		assert_int_equal(decided, c->url == NULL);
		http_response_done(&res);
		if (decided) {
			assert_meaning(c->file, &answer, &meaning);
			continue;
		}
		assert_int_equal(todoist->ask_request(&push, &asks, &req), OK);
		assert_false(asks);
		assert_int_equal(todoist->write_request(&push, &req), OK);
		assert_request(&req, &want);
		push_done(&push);
	}
}

/* Who changed the row may have closed the task as well: it is always asked for,
 * and what recurs is closed only if the date tells that it was not done yet. */
static void
test_a_wish_by_row_closes_only_what_is_surely_open(void **state)
{
	static const struct {
		const char *metadata, *file;
		bool decided;
		enum outcome outcome;
		enum reason reason;
	} rows[] = {
		{ STORED_RECURRING, "todoist/task_recurring.json", false, 0,
		    0 },
		{ STORED_RECURRING, "todoist/task_recurring_moved_on.json",
		    true, OUTCOME_ACCEPTED, REASON_ALREADY_DONE },
		{ NULL, "todoist/task_recurring.json", true, OUTCOME_REJECTED,
		    REASON_SOURCE_CHANGED },
		{ "{}", "todoist/task_recurring.json", true, OUTCOME_REJECTED,
		    REASON_SOURCE_CHANGED },
		{ "{\"is_recurring\":true,\"due_date\":\"soon\"}",
		    "todoist/task_recurring.json", true, OUTCOME_REJECTED,
		    REASON_SOURCE_CHANGED },
		{ "{\"is_recurring\":true,\"due_date\":\"2099-01-01\"}",
		    "todoist/task_recurring.json", true, OUTCOME_REJECTED,
		    REASON_SOURCE_CHANGED },
		{ STORED_PLAIN, "todoist/task_recurring.json", true,
		    OUTCOME_REJECTED, REASON_SOURCE_CHANGED },
		{ NULL, "todoist/task_completed.json", true, OUTCOME_ACCEPTED,
		    REASON_ALREADY_DONE },
		{ STORED_PLAIN, "todoist/task_completed.json", true,
		    OUTCOME_ACCEPTED, REASON_ALREADY_DONE },
		{ NULL, "todoist/task_deleted.json", true, OUTCOME_REJECTED,
		    REASON_NOT_FOUND },
	};
	struct answer answer;

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct meaning meaning = { rows[i].outcome, rows[i].reason,
			-1 };
		struct push push =
		    push_of(WISH_COMPLETE, RECURRING, rows[i].metadata);
		struct http_request req = HTTP_REQUEST_INIT;
		struct http_response res = answered_file(200, rows[i].file);
		bool decided = !rows[i].decided, asks = false;

		push.by_row = true;
		assert_int_equal(todoist->ask_request(&push, &asks, &req), OK);
		assert_true(asks);
		assert_int_equal(
		    todoist->ask_response(&push, &res, &decided, &answer), OK);
		assert_int_equal(decided, rows[i].decided);
		if (decided)
			assert_meaning(rows[i].file, &answer, &meaning);
		http_request_done(&req);
		http_response_done(&res);
		push_done(&push);
	}
}

/* Clients make a row active when its item shows the next occurrence: the last
 * one is not taken back for that. What is closed for good is opened. */
static void
test_a_reopening_by_row_takes_no_occurrence_back(void **state)
{
	static const struct {
		const char *metadata, *file;
		bool decided;
	} rows[] = {
		{ STORED_RECURRING, "todoist/task_recurring_moved_on.json",
		    true },
		{ STORED_RECURRING, "todoist/task_recurring.json", true },
		{ STORED_RECURRING, "todoist/task_completed.json", false },
	};
	static const struct meaning meaning = { OUTCOME_ACCEPTED,
		REASON_ALREADY_DONE, -1 };
	struct answer answer;

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct push push =
		    push_of(WISH_UNCOMPLETE, RECURRING, rows[i].metadata);
		struct http_response res = answered_file(200, rows[i].file);
		bool decided = !rows[i].decided;

		push.by_row = true;
		assert_int_equal(
		    todoist->ask_response(&push, &res, &decided, &answer), OK);
		assert_int_equal(decided, rows[i].decided);
		if (decided)
			assert_meaning(rows[i].file, &answer, &meaning);
		else
			assert_string_equal(push.target, "reopen");
		http_response_done(&res);
		push_done(&push);
	}
}

/* Has the occurrence been done? now is the due date asked for, later is what
 * must be made of it. */
static void
test_due_dates_compare_with_their_like(void **state)
{
	static const struct {
		const char *stored, *now;
		bool later;
	} dues[] = {
		{ "2026-11-23", "2026-11-23", false },
		{ "2026-11-23", "2026-11-24", true },
		{ "2026-11-23", "2026-11-22", false },
		{ "2026-12-31", "2027-01-01", true },
		{ "2026-11-23", "2026-11-23T09:00:00", false },
		{ "2026-11-23T09:00:00", "2026-11-23T09:00:00", false },
		{ "2026-11-23T09:00:00", "2026-11-23T13:00:00", true },
		{ "2026-11-23T09:00:00", "2026-11-23T05:00:00", false },
		{ "2026-11-23T09:00:00Z", "2026-11-23T13:00:00Z", true },
		{ "2026-11-23T09:00:00Z", "2026-11-23T09:00:00.000000Z",
		    false },
		{ "2026-11-23T09:00:00", "2026-11-23T13:00:00Z", false },
		{ "2026-11-23T09:00:00", "2026-11-24", true },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(dues); i++) {
		char stored[128], due[64];
		struct item now = { .is_recurring = true, .due = due };
		struct push push;

		(void)snprintf(stored, sizeof(stored),
		    "{\"is_recurring\":true,\"due_date\":\"%s\"}",
		    dues[i].stored);
		(void)snprintf(due, sizeof(due), "%s", dues[i].now);
		push = push_of(WISH_COMPLETE, RECURRING, stored);
		if (todoist->fulfilment(&push, &now) != dues[i].later)
			fail_msg("%s to %s", dues[i].stored, dues[i].now);
		push.wish = WISH_UNCOMPLETE;
		assert_int_equal(
		    todoist->fulfilment(&push, &now), !dues[i].later);
	}
}

static void
test_the_due_read_before_the_write_goes_before_what_is_stored(void **state)
{
	static const char *const stored[] = { NULL, "{}",
		"{\"is_recurring\":true}",
		"{\"is_recurring\":true,\"due_date\":\"2026-11-30\"}" };

	(void)state;
	for (size_t i = 0; i < COUNT(stored); i++) {
		char due[] = "2026-11-24";
		struct item now = { .is_recurring = true, .due = due };
		struct push push = push_of(WISH_COMPLETE, RECURRING, stored[i]);

		(void)snprintf(push.target, sizeof(push.target), "item_close");
		(void)snprintf(
		    push.due_date, sizeof(push.due_date), "2026-11-23");
		assert_int_equal(todoist->fulfilment(&push, &now), FULFILLED);
		(void)snprintf(
		    push.due_date, sizeof(push.due_date), "2026-11-24");
		assert_int_equal(todoist->fulfilment(&push, &now), UNFULFILLED);
	}
}

/* --- Writing -------------------------------------------------------------- */

static void
test_a_plain_task_is_closed_and_reopened_without_a_body(void **state)
{
	static const struct expected_request close = { HTTP_POST,
		BASE "/api/v1/tasks/" PLAIN "/close", "Bearer token-1", NULL };
	static const struct expected_request reopen = { HTTP_POST,
		BASE "/api/v1/tasks/" PLAIN "/reopen", "Bearer token-1", NULL };
	struct push push = push_of(WISH_COMPLETE, PLAIN, STORED_PLAIN);
	struct http_request req = HTTP_REQUEST_INIT;
	struct http_request again = HTTP_REQUEST_INIT;

	(void)state;
	assert_int_equal(todoist->write_request(&push, &req), OK);
	assert_request(&req, &close);
	push.wish = WISH_UNCOMPLETE;
	assert_int_equal(todoist->write_request(&push, &again), OK);
	assert_request(&again, &reopen);
}

/* It may have become a recurring task after the last poll. */
static void
test_a_plain_close_of_what_recurs_by_now_is_unclear(void **state)
{
	char due[] = "2026-11-24";
	struct push push = push_of(WISH_COMPLETE, PLAIN, STORED_PLAIN);
	struct item now = { .is_recurring = true, .due = due };

	(void)state;
	assert_int_equal(todoist->fulfilment(&push, &now), UNCLEAR);
	now.is_recurring = false;
	assert_int_equal(todoist->fulfilment(&push, &now), UNFULFILLED);
	push.wish = WISH_UNCOMPLETE;
	now.is_recurring = true;
	assert_int_equal(todoist->fulfilment(&push, &now), FULFILLED);
}

static void
test_an_odd_id_is_never_written_to(void **state)
{
	static const char *const stored[] = { STORED_PLAIN, STORED_RECURRING };

	(void)state;
	for (size_t i = 0; i < COUNT(stored); i++) {
		struct push push = push_of(WISH_COMPLETE, "a/../b", stored[i]);
		struct http_request req = HTTP_REQUEST_INIT;
		assert_int_equal(
		    todoist->write_request(&push, &req), ERR_INPUT);
		http_request_done(&req);
	}
}

static void
test_any_2xx_closes_a_plain_task_but_a_web_page(void **state)
{
	static const struct {
		int status;
		const char *type, *body;
		bool accepted;
	} answers[] = {
		{ 200, JSON_TYPE, "null", true },
		{ 204, "", "", true },
		{ 200, "", "", true },
		{ 202, "text/plain", "ok", true },
		{ 200, JSON_TYPE, "{\"id\":", true },
		{ 200, "text/html", "<html>", false },
		{ 200, "application/xhtml+xml", "x", false },
		{ 200, JSON_TYPE, " \n<!doctype html>", false },
		{ 200, "", "<html>", false },
	};
	static const struct meaning done = { OUTCOME_ACCEPTED, REASON_DONE, 0 };

	(void)state;
	for (size_t i = 0; i < COUNT(answers); i++) {
		struct push push = push_of(WISH_COMPLETE, PLAIN, STORED_PLAIN);
		struct http_response res = answered(
		    answers[i].status, answers[i].type, answers[i].body);
		struct answer answer;
		todoist->write_response(&push, &res, &answer);
		assert_meaning(answers[i].body, &answer,
		    answers[i].accepted ? &done : &bad_answer);
		http_response_done(&res);
	}
}

static void
test_a_command_ends_as_its_status_says(void **state)
{
	/* clang-format off */
	static const struct {
		const char *status;
		struct meaning meaning;
	} answers[] = {
		{ "\"ok\"", { OUTCOME_ACCEPTED, REASON_DONE, 0 } },
		{ "{\"http_code\":404,\"error_tag\":\"NOT_FOUND\"}", { OUTCOME_REJECTED, REASON_NOT_FOUND, 0 } },
		{ "{\"error_tag\":\"NOT_FOUND\"}", { OUTCOME_REJECTED, REASON_NOT_FOUND, 0 } },
		{ "{\"http_code\":403,\"error_tag\":\"FORBIDDEN\"}", { OUTCOME_REJECTED, REASON_FORBIDDEN, 0 } },
		{ "{\"http_code\":403,\"error_tag\":\"AUTH_INSUFFICIENT_TOKEN_SCOPE\"}", { OUTCOME_AUTH_FAILED, REASON_SCOPE_MISSING, 0 } },
		{ "{\"http_code\":429,\"error_extra\":{\"retry_after\":2}}", { OUTCOME_RATE_LIMITED, REASON_RATE_LIMITED, 2000 } },
		{ "{\"http_code\":400,\"error_tag\":\"INVALID_ARGUMENT_VALUE\"}", { OUTCOME_REJECTED, REASON_REFUSED, 0 } },
		{ "{\"http_code\":500}", { OUTCOME_UNKNOWN, REASON_SERVER_ERROR, 0 } },
		{ "{\"error\":\"no\",\"error_code\":22}", { OUTCOME_REJECTED, REASON_REFUSED, 0 } },
		{ "{}", { OUTCOME_REJECTED, REASON_REFUSED, 0 } },
		{ "\"maybe\"", { OUTCOME_UNKNOWN, REASON_BAD_ANSWER, 0 } },
		{ "null", { OUTCOME_UNKNOWN, REASON_BAD_ANSWER, 0 } },
		{ "true", { OUTCOME_UNKNOWN, REASON_BAD_ANSWER, 0 } },
		{ NULL, { OUTCOME_UNKNOWN, REASON_BAD_ANSWER, 0 } },
	};
	/* clang-format on */
	char *text = fixture("todoist/sync_ok.json");

	(void)state;
	for (size_t i = 0; i < COUNT(answers); i++) {
		struct push push =
		    push_of(WISH_COMPLETE, RECURRING, STORED_RECURRING);
		struct change change = { "sync_status." COMMAND,
			answers[i].status };
		char *body = changed(text, &change);
		struct http_response res = answered(200, JSON_TYPE, body);
		struct answer answer;
		todoist->write_response(&push, &res, &answer);
		assert_meaning(body, &answer, &answers[i].meaning);
		http_response_done(&res);
		free(body);
	}
	free(text);
}

static void
test_a_wish_is_fulfilled_by_what_the_item_shows(void **state)
{
	static const struct {
		enum item_state state;
		bool complete, uncomplete;
	} states[] = {
		{ ITEM_OPEN, false, true },
		{ ITEM_COMPLETED, true, false },
		{ ITEM_DELETED, true, false },
		{ ITEM_NOT_VISIBLE, true, false },
		{ ITEM_REASSIGNED, false, true },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(states); i++) {
		struct item now = { .state = states[i].state };
		struct push push = push_of(WISH_COMPLETE, PLAIN, STORED_PLAIN);
		assert_int_equal(
		    todoist->fulfilment(&push, &now), states[i].complete);
		push.wish = WISH_UNCOMPLETE;
		assert_int_equal(
		    todoist->fulfilment(&push, &now), states[i].uncomplete);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    test_only_what_cannot_recur_is_written_unasked),
		cmocka_unit_test(test_what_was_asked_decides_what_is_written),
		cmocka_unit_test(
		    test_a_wish_by_row_closes_only_what_is_surely_open),
		cmocka_unit_test(
		    test_a_reopening_by_row_takes_no_occurrence_back),
		cmocka_unit_test(test_due_dates_compare_with_their_like),
		cmocka_unit_test(
		    test_the_due_read_before_the_write_goes_before_what_is_stored),
		cmocka_unit_test(
		    test_a_plain_task_is_closed_and_reopened_without_a_body),
		cmocka_unit_test(
		    test_a_plain_close_of_what_recurs_by_now_is_unclear),
		cmocka_unit_test(test_an_odd_id_is_never_written_to),
		cmocka_unit_test(
		    test_any_2xx_closes_a_plain_task_but_a_web_page),
		cmocka_unit_test(test_a_command_ends_as_its_status_says),
		cmocka_unit_test(
		    test_a_wish_is_fulfilled_by_what_the_item_shows),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
