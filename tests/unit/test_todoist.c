/* Todoist: the requests byte for byte, every answer of the vendor's pages, and
 * answers that no vendor should give. */
#include "provider_test.h"

#define BASE "https://api.todoist.com"
#define ME "2671355"
#define RECURRING "6XGgmFVcrG5RRjV2"
#define PLAIN "6XGgmPlain000001"
#define COMMAND "11111111-2222-4333-8444-555555555555"
#define STORED_RECURRING                                                       \
	"{\"is_recurring\":true,\"due_date\":\"2026-11-23\","                  \
	"\"due_string\":\"every day\",\"due_lang\":\"en\"}"
#define STORED_PLAIN "{\"is_recurring\":false}"

static const struct provider *const todoist = &provider_todoist;
static char key[] = "token-1", account[] = ME;
static const struct connection mine = { .key = key, .account_id = account };
static const struct connection nobodys = { .key = key };

static struct push
push_of(enum wish wish, const char *id, const char *metadata)
{
	return (struct push){ .conn = &mine,
		.base_url = BASE,
		.source_id = id,
		.source_metadata = metadata,
		.wish = wish,
		.command_id = COMMAND };
}

/* --- Lists ---------------------------------------------------------------- */

static void
test_a_list_asks_for_the_largest_page(void **state)
{
	static const struct expected_request first = { HTTP_GET,
		BASE "/api/v1/tasks?limit=200", "Bearer token-1", NULL };
	static const struct expected_request next = { HTTP_GET,
		BASE "/api/v1/tasks?limit=200&cursor=a%2Fb%2Bc%3D",
		"Bearer token-1", NULL };
	struct http_request req = HTTP_REQUEST_INIT;
	struct http_request more = HTTP_REQUEST_INIT;

	(void)state;
	assert_int_equal(todoist->list_request(&mine, BASE, NULL, &req), OK);
	assert_request(&req, &first);
	assert_int_equal(
	    todoist->list_request(&mine, BASE, "a/b+c=", &more), OK);
	assert_request(&more, &next);
}

static void
test_a_key_that_no_header_may_carry_is_not_sent(void **state)
{
	(void)state;
	assert_refuses_odd_keys(todoist);
}

static enum err
list(const struct connection *conn, const char *cursor,
    struct http_response *res, struct page *page, struct answer *failure)
{
	enum err err;

	memset(page, 0, sizeof(*page));
	memset(failure, 0, sizeof(*failure));
	err = todoist->list_response(conn, cursor, res, page, failure);
	http_response_done(res);
	return err;
}

static void
test_a_list_keeps_what_is_active_and_ones_own(void **state)
{
	struct http_response res =
	    answered_file(200, "todoist/list_last_page.json");
	struct answer failure;
	struct page page;
	struct item *item;

	(void)state;
	assert_int_equal(list(&mine, NULL, &res, &page, &failure), OK);
	assert_true(page.end);
	assert_null(page.next_cursor);
	assert_null(page.account_id);
	assert_int_equal(page.rows, 7);
	assert_int_equal(page.items.count, 4);
	item = &page.items.list[0];
	assert_string_equal(item->source_id, RECURRING);
	assert_string_equal(item->title, "Buy milk");
	assert_string_equal(
	    item->source_url, "https://app.todoist.com/app/task/" RECURRING);
	assert_true(item->is_recurring);
	assert_string_equal(item->due, "2026-11-23");
	assert_int_equal(item->state, ITEM_OPEN);
	assert_json_equal(item->metadata,
	    "{\"project_id\":\"6XGgm6PHrGgMpCFX\",\"priority\":1,"
	    "\"is_recurring\":true,\"due_date\":\"2026-11-23\","
	    "\"due_string\":\"every day\",\"due_lang\":\"en\"}");
	item = &page.items.list[1];
	assert_string_equal(item->title, "Call Ada — ☎");
	assert_false(item->is_recurring);
	assert_null(item->due);
	assert_json_equal(item->metadata,
	    "{\"project_id\":\"6XGgm6PHrGgMpCFX\",\"section_id\":"
	    "\"6XGgmSection\",\"priority\":4,\"is_recurring\":false}");
	item = &page.items.list[2];
	assert_null(item->due); /* dated, but it does not recur */
	assert_string_equal(page.items.list[3].source_id, "6XGgmMine0000001");
	page_done(&page);
}

static void
test_a_bag_holds_what_the_client_keeps_of_a_task(void **state)
{
	static const struct {
		const char *file, *bag;
	} tasks[] = {
		{ "todoist/list_task_with_everything.json",
		    "{\"projectId\":\"6XGgm6PHrGgMpCFX\",\"priority\":4,"
		    "\"due\":{\"date\":\"2026-11-23T09:00:00Z\","
		    "\"timezone\":\"Europe/Berlin\","
		    "\"string\":\"every day at 10\",\"lang\":\"en\","
		    "\"is_recurring\":true},"
		    "\"labels\":[\"home\",\"Besuch – ☎\"],"
		    "\"description\":\"From the *corner* shop\\n"
		    "\\\"2 litres\\\" 🥛\","
		    "\"duration\":{\"amount\":30,\"unit\":\"minute\"},"
		    "\"url\":\"https://app.todoist.com/app/task/" RECURRING
		    "\"}" },
		{ "todoist/list_task_with_nulls.json",
		    "{\"projectId\":\"6XGgm6PHrGgMpCFX\",\"priority\":1,"
		    "\"labels\":[],"
		    "\"url\":\"https://app.todoist.com/app/task/" RECURRING
		    "\"}" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(tasks); i++) {
		struct http_response res = answered_file(200, tasks[i].file);
		struct answer failure;
		struct page page;
		const struct item *item;

		assert_int_equal(list(&mine, NULL, &res, &page, &failure), OK);
		item = &page.items.list[0];
		assert_string_equal(item->title, "Buy milk");
		assert_string_equal(item->bag, tasks[i].bag);
		page_done(&page);
	}
}

/* What only the bag needs decides nothing: it is left out where it is odd. */
static void
test_an_odd_member_of_a_bag_is_left_out(void **state)
{
	static const struct {
		struct change change;
		const char *member;
	} odd[] = {
		{ { "results.0.description", "7" }, "description" },
		{ { "results.0.description", NULL }, "description" },
		{ { "results.0.labels", "null" }, "labels" },
		{ { "results.0.labels", "\"home\"" }, "labels" },
		{ { "results.0.duration", "30" }, "duration" },
		{ { "results.0.priority", "\"4\"" }, "priority" },
		{ { "results.0.project_id", "7" }, "projectId" },
	};
	char *text = fixture("todoist/list_task_with_everything.json");

	(void)state;
	for (size_t i = 0; i < COUNT(odd); i++) {
		char *body = changed(text, &odd[i].change);
		struct http_response res = answered(200, JSON_TYPE, body);
		struct answer failure;
		struct page page;
		cJSON *bag;

		assert_int_equal(list(&mine, NULL, &res, &page, &failure), OK);
		bag = cJSON_Parse(page.items.list[0].bag);
		assert_true(cJSON_IsObject(bag));
		if (json_path(bag, odd[i].member, NULL) != NULL)
			fail_msg("%s: %s", body, page.items.list[0].bag);
		assert_non_null(json_str(bag, "url"));
		cJSON_Delete(bag);
		page_done(&page);
		free(body);
	}
	free(text);
}

static void
test_a_long_description_is_cut_between_characters(void **state)
{
	(void)state;
	assert_long_description_is_cut(todoist,
	    "todoist/list_task_with_everything.json", "results.0.description");
}

static void
test_a_list_of_an_unknown_account_keeps_all_that_is_active(void **state)
{
	struct http_response res =
	    answered_file(200, "todoist/list_last_page.json");
	struct answer failure;
	struct page page;

	(void)state;
	assert_int_equal(list(&nobodys, NULL, &res, &page, &failure), OK);
	assert_int_equal(page.items.count, 5);
	page_done(&page);
}

static void
test_a_page_with_a_cursor_is_not_the_end(void **state)
{
	struct http_response res =
	    answered_file(200, "todoist/list_first_page.json");
	struct answer failure;
	struct page page;

	(void)state;
	assert_int_equal(list(&mine, NULL, &res, &page, &failure), OK);
	assert_false(page.end);
	assert_string_equal(page.next_cursor, "a/b+c=");
	page_done(&page);
}

static void
test_an_empty_list_is_a_list(void **state)
{
	struct http_response res =
	    answered_file(200, "todoist/list_empty.json");
	struct answer failure;
	struct page page;

	(void)state;
	assert_int_equal(list(&mine, "c", &res, &page, &failure), OK);
	assert_true(page.end);
	assert_int_equal(page.rows, 0);
	page_done(&page);
}

static const struct verdict bad_answer = { OUTCOME_UNKNOWN, REASON_BAD_ANSWER,
	-1 };

static void
refuse_page(const char *what, struct http_response res)
{
	struct answer failure;
	struct page page;

	if (list(&mine, "sent", &res, &page, &failure) != ERR_REMOTE)
		fail_msg("taken for a page: %s", what);
	assert_verdict(what, &failure, &bad_answer);
	assert_null(page.items.list);
	assert_null(page.next_cursor);
}

static void
test_a_page_with_one_odd_thing_is_refused_whole(void **state)
{
	static const struct change odd[] = {
		{ "results", NULL },
		{ "results", "{}" },
		{ "results", "null" },
		{ "results.3", "null" },
		{ "results.3", "[]" },
		{ "results.0.id", NULL },
		{ "results.0.id", "2995104339" },
		{ "results.0.id", "\"\"" },
		{ "results.0.id", "\"../user\"" },
		{ "results.0.id", "\"a?b\"" },
		{ "results.0.content", NULL },
		{ "results.0.content", "7" },
		{ "results.0.checked", NULL },
		{ "results.0.checked", "0" },
		{ "results.5.checked", "\"true\"" },
		{ "results.0.is_deleted", "1" },
		{ "results.0.responsible_uid", "2671355" },
		{ "results.0.due", "\"2026-11-23\"" },
		{ "results.0.due.date", NULL },
		{ "results.0.due.date", "\"tomorrow\"" },
		{ "results.0.due.date", "\"2026-13-40\"" },
		{ "results.0.due.is_recurring", NULL },
		{ "results.0.due.is_recurring", "1" },
		{ "next_cursor", NULL },
		{ "next_cursor", "\"\"" },
		{ "next_cursor", "7" },
		{ "next_cursor", "false" },
		{ "next_cursor", "\"sent\"" },
	};
	char *text = fixture("todoist/list_last_page.json");

	(void)state;
	for (size_t i = 0; i < COUNT(odd); i++) {
		char *body = changed(text, &odd[i]);
		refuse_page(body, answered(200, JSON_TYPE, body));
		free(body);
	}
	free(text);
}

static void
test_a_2xx_that_is_no_json_object_is_refused(void **state)
{
	static const struct {
		const char *type, *body;
	} odd[] = {
		{ JSON_TYPE, "" },
		{ JSON_TYPE, "null" },
		{ JSON_TYPE, "[]" },
		{ JSON_TYPE, "{\"results\":[],\"next_cursor\":" },
		{ JSON_TYPE, "<html>" },
		{ "text/html", "{\"results\":[],\"next_cursor\":null}" },
		{ "", "{\"results\":[],\"next_cursor\":null}" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(odd); i++)
		refuse_page(
		    odd[i].body, answered(200, odd[i].type, odd[i].body));
	refuse_page("login", answered_file(200, "todoist/login_page_200.html"));
}

static void
test_a_list_cut_anywhere_is_refused(void **state)
{
	char *text = fixture("todoist/list_first_page.json");
	size_t len = strlen(text);

	(void)state;
	while (len > 0 && text[len - 1] != '}')
		len--;
	for (size_t n = 0; n < len; n++) {
		char *cut = strndup(text, n);
		refuse_page("cut", answered(200, JSON_TYPE, cut));
		free(cut);
	}
	free(text);
}

/* --- Errors --------------------------------------------------------------- */

/* clang-format off */
static const struct {
	int status;
	const char *file;
	struct verdict verdict;
} errors[] = {
	{ 400, "todoist/error_400_argument.json",  { OUTCOME_REJECTED, REASON_REFUSED, 0 } },
	{ 400, "todoist/error_400_old_id.json",    { OUTCOME_REJECTED, REASON_REFUSED, 0 } },
	{ 404, "todoist/error_400_old_id.json",    { OUTCOME_REJECTED, REASON_REFUSED, 0 } },
	{ 401, "todoist/error_401.json",           { OUTCOME_AUTH_FAILED, REASON_AUTH_FAILED, 0 } },
	{ 401, "todoist/error_503.html",           { OUTCOME_AUTH_FAILED, REASON_AUTH_FAILED, 0 } },
	{ 401, "todoist/error_403_forbidden.json", { OUTCOME_AUTH_FAILED, REASON_AUTH_FAILED, 0 } },
	{ 403, "todoist/error_403_scope.json",     { OUTCOME_AUTH_FAILED, REASON_SCOPE_MISSING, 0 } },
	{ 403, "todoist/error_403_forbidden.json", { OUTCOME_REJECTED, REASON_FORBIDDEN, 0 } },
	{ 403, "todoist/error_503.html",           { OUTCOME_REJECTED, REASON_FORBIDDEN, 0 } },
	{ 404, "todoist/error_503.html",           { OUTCOME_UNKNOWN, REASON_BAD_ANSWER, 0 } },
	{ 408, "todoist/error_503.html",           { OUTCOME_UNKNOWN, REASON_TIMEOUT, 0 } },
	{ 410, "todoist/error_410.txt",            { OUTCOME_REJECTED, REASON_GONE_API, 0 } },
	{ 422, "todoist/error_400_argument.json",  { OUTCOME_REJECTED, REASON_REFUSED, 0 } },
	{ 429, "todoist/error_429.json",           { OUTCOME_RATE_LIMITED, REASON_RATE_LIMITED, 7000 } },
	{ 429, "todoist/error_503.html",           { OUTCOME_RATE_LIMITED, REASON_RATE_LIMITED, 1500 } },
	{ 301, "todoist/error_503.html",           { OUTCOME_REJECTED, REASON_REFUSED, 0 } },
	{ 302, "todoist/login_page_200.html",      { OUTCOME_REJECTED, REASON_REFUSED, 0 } },
	{ 500, "todoist/error_404.json",           { OUTCOME_UNKNOWN, REASON_SERVER_ERROR, 0 } },
	{ 502, "todoist/error_503.html",           { OUTCOME_UNKNOWN, REASON_SERVER_ERROR, 0 } },
	{ 503, "todoist/error_503.html",           { OUTCOME_UNKNOWN, REASON_SERVER_ERROR, 0 } },
	{ 100, "todoist/error_503.html",           { OUTCOME_UNKNOWN, REASON_BAD_ANSWER, 0 } },
	{ 999, "todoist/error_503.html",           { OUTCOME_UNKNOWN, REASON_BAD_ANSWER, 0 } },
};
static const struct {
	enum http_carried carried;
	const char *why;
	struct verdict verdict;
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
		    err_of(&errors[i].verdict));
		assert_verdict(errors[i].file, &failure, &errors[i].verdict);
	}
	for (size_t i = 0; i < COUNT(cuts); i++) {
		struct http_response res =
		    not_answered(cuts[i].carried, cuts[i].why);
		assert_int_equal(
		    list(&mine, NULL, &res, &page, &failure), ERR_REMOTE);
		assert_verdict(cuts[i].why, &failure, &cuts[i].verdict);
	}
}

static void
test_every_error_of_a_write_has_its_meaning(void **state)
{
	static const struct verdict gone = { OUTCOME_REJECTED, REASON_NOT_FOUND,
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
		assert_verdict(
		    errors[i / 2].file, &answer, &errors[i / 2].verdict);
		http_response_done(&res);
		res = answered_file(404, "todoist/error_404.json");
		todoist->write_response(&push, &res, &answer);
		assert_verdict("404", &answer, &gone);
		http_response_done(&res);
	}
	for (size_t i = 0; i < COUNT(cuts) * 2; i++) {
		struct push push =
		    push_of(WISH_COMPLETE, RECURRING, stored[i % 2]);
		struct http_response res =
		    not_answered(cuts[i / 2].carried, cuts[i / 2].why);
		todoist->write_response(&push, &res, &answer);
		assert_verdict(cuts[i / 2].why, &answer, &cuts[i / 2].verdict);
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

/* --- Account and items by id ---------------------------------------------- */

static void
test_the_account_is_the_users_id(void **state)
{
	static const struct expected_request want = { HTTP_GET,
		BASE "/api/v1/user", "Bearer token-1", NULL };
	struct http_request req = HTTP_REQUEST_INIT;
	struct http_response res = answered_file(200, "todoist/user.json");
	struct answer failure;
	char *id = NULL;

	(void)state;
	assert_int_equal(todoist->account_request(&mine, BASE, &req), OK);
	assert_request(&req, &want);
	assert_int_equal(todoist->account_response(&res, &id, &failure), OK);
	assert_string_equal(id, ME);
	free(id);
	http_response_done(&res);
	id = NULL;
	res = answered(200, JSON_TYPE, "{\"id\":2671355}");
	assert_int_equal(
	    todoist->account_response(&res, &id, &failure), ERR_REMOTE);
	assert_verdict("number", &failure, &bad_answer);
	assert_null(id);
	http_response_done(&res);
	res = answered_file(401, "todoist/error_401.json");
	assert_int_equal(
	    todoist->account_response(&res, &id, &failure), ERR_AUTH);
	http_response_done(&res);
}

static void
test_an_item_is_read_by_its_id_and_no_other(void **state)
{
	static const struct expected_request want = { HTTP_GET,
		BASE "/api/v1/tasks/" PLAIN, "Bearer token-1", NULL };
	static const char *const bad[] = { "", "../user", "a/b", "a b", "a?b",
		"%2e", "a.b" };
	const char *id = PLAIN;
	struct http_request req = HTTP_REQUEST_INIT;

	(void)state;
	assert_int_equal(todoist->read_max, 1);
	assert_int_equal(todoist->read_request(&mine, BASE, &id, 1, &req), OK);
	assert_request(&req, &want);
	for (size_t i = 0; i < COUNT(bad); i++) {
		struct http_request refused = HTTP_REQUEST_INIT;
		assert_int_equal(
		    todoist->read_request(&mine, BASE, &bad[i], 1, &refused),
		    ERR_INPUT);
		http_request_done(&refused);
	}
}

static void
test_an_id_may_have_128_bytes_and_no_more(void **state)
{
	char id[130];
	const char *p = id;

	(void)state;
	memset(id, 'a', sizeof(id));
	for (size_t n = 128; n <= 129; n++) {
		struct http_request req = HTTP_REQUEST_INIT;
		id[n] = '\0';
		assert_int_equal(
		    todoist->read_request(&mine, BASE, &p, 1, &req),
		    n == 128 ? OK : ERR_INPUT);
		http_request_done(&req);
		id[n] = 'a';
	}
}

static void
test_an_item_by_id_has_the_state_that_the_answer_shows(void **state)
{
	static const struct {
		int status;
		const char *file, *id;
		enum item_state state;
	} reads[] = {
		{ 200, "todoist/task_recurring.json", RECURRING, ITEM_OPEN },
		{ 200, "todoist/task_plain.json", PLAIN, ITEM_OPEN },
		{ 200, "todoist/task_completed.json", RECURRING,
		    ITEM_COMPLETED },
		{ 200, "todoist/task_deleted.json", RECURRING, ITEM_DELETED },
		{ 200, "todoist/task_of_another.json", RECURRING,
		    ITEM_REASSIGNED },
		{ 404, "todoist/error_404.json", RECURRING, ITEM_NOT_VISIBLE },
	};
	struct items items = { 0 };
	struct answer failure;

	(void)state;
	for (size_t i = 0; i < COUNT(reads); i++) {
		struct http_response res =
		    answered_file(reads[i].status, reads[i].file);
		assert_int_equal(todoist->read_response(&mine, &reads[i].id, 1,
				     &res, &items, &failure),
		    OK);
		/* Batches add up. */
		assert_int_equal(items.count, i + 1);
		assert_string_equal(items.list[i].source_id, reads[i].id);
		assert_int_equal(items.list[i].state, reads[i].state);
		http_response_done(&res);
	}
	assert_string_equal(items.list[0].due, "2026-11-23");
	items_done(&items);
}

static void
test_nothing_is_concluded_from_a_read_that_failed(void **state)
{
	static const struct {
		int status;
		const char *file, *id;
		enum err err;
	} reads[] = {
		{ 400, "todoist/error_400_old_id.json", "2995104339",
		    ERR_REMOTE },
		{ 404, "todoist/error_400_old_id.json", "2995104339",
		    ERR_REMOTE },
		{ 404, "todoist/error_503.html", PLAIN, ERR_REMOTE },
		{ 403, "todoist/error_403_forbidden.json", PLAIN, ERR_REMOTE },
		{ 410, "todoist/error_410.txt", PLAIN, ERR_REMOTE },
		{ 503, "todoist/error_503.html", PLAIN, ERR_REMOTE },
		{ 401, "todoist/error_401.json", PLAIN, ERR_AUTH },
		{ 429, "todoist/error_429.json", PLAIN, ERR_BUSY },
		{ 200, "todoist/login_page_200.html", PLAIN, ERR_REMOTE },
		{ 200, "todoist/task_recurring.json", PLAIN, ERR_REMOTE },
		{ 200, "todoist/list_empty.json", PLAIN, ERR_REMOTE },
	};
	struct items items = { 0 };
	struct answer failure;
	struct http_response res;
	const char *id = PLAIN;

	(void)state;
	for (size_t i = 0; i < COUNT(reads); i++) {
		res = answered_file(reads[i].status, reads[i].file);
		assert_int_equal(todoist->read_response(&mine, &reads[i].id, 1,
				     &res, &items, &failure),
		    reads[i].err);
		assert_int_equal(items.count, 0);
		http_response_done(&res);
	}
	res = answered(404, JSON_TYPE,
	    "{\"error\":\"id is not base32\",\"http_code\":404}");
	assert_int_equal(
	    todoist->read_response(&mine, &id, 1, &res, &items, &failure),
	    ERR_REMOTE);
	http_response_done(&res);
}

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
	{ WISH_UNCOMPLETE, STORED_RECURRING, 404, "todoist/error_404.json", { 0 },
	  NULL, NULL, OUTCOME_REJECTED, REASON_NOT_FOUND },
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
		struct verdict verdict = { c->outcome, c->reason, 7000 };
		struct push push = push_of(c->wish, RECURRING, c->metadata);
		struct http_request req = HTTP_REQUEST_INIT;
		struct http_response res = course_answer(c);
		bool decided = c->url != NULL, asks = true;

		assert_int_equal(
		    todoist->ask_response(&push, &res, &decided, &answer), OK);
		assert_int_equal(decided, c->url == NULL);
		http_response_done(&res);
		if (decided) {
			assert_verdict(c->file, &answer, &verdict);
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
		struct verdict verdict = { rows[i].outcome, rows[i].reason,
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
			assert_verdict(rows[i].file, &answer, &verdict);
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
	static const struct verdict verdict = { OUTCOME_ACCEPTED,
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
			assert_verdict(rows[i].file, &answer, &verdict);
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
	static const struct verdict done = { OUTCOME_ACCEPTED, REASON_DONE, 0 };

	(void)state;
	for (size_t i = 0; i < COUNT(answers); i++) {
		struct push push = push_of(WISH_COMPLETE, PLAIN, STORED_PLAIN);
		struct http_response res = answered(
		    answers[i].status, answers[i].type, answers[i].body);
		struct answer answer;
		todoist->write_response(&push, &res, &answer);
		assert_verdict(answers[i].body, &answer,
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
		struct verdict verdict;
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
		assert_verdict(body, &answer, &answers[i].verdict);
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

static void
test_providers_are_found_by_name_and_in_order(void **state)
{
	(void)state;
	assert_ptr_equal(provider_by_name("todoist"), &provider_todoist);
	assert_ptr_equal(provider_by_name("linear"), &provider_linear);
	assert_ptr_equal(provider_by_name("attio"), &provider_attio);
	assert_null(provider_by_name("manual"));
	assert_ptr_equal(provider_at(0), &provider_todoist);
	assert_ptr_equal(provider_at(2), &provider_attio);
	assert_null(provider_at(3));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_list_asks_for_the_largest_page),
		cmocka_unit_test(
		    test_a_key_that_no_header_may_carry_is_not_sent),
		cmocka_unit_test(test_a_list_keeps_what_is_active_and_ones_own),
		cmocka_unit_test(
		    test_a_bag_holds_what_the_client_keeps_of_a_task),
		cmocka_unit_test(test_an_odd_member_of_a_bag_is_left_out),
		cmocka_unit_test(
		    test_a_long_description_is_cut_between_characters),
		cmocka_unit_test(
		    test_a_list_of_an_unknown_account_keeps_all_that_is_active),
		cmocka_unit_test(test_a_page_with_a_cursor_is_not_the_end),
		cmocka_unit_test(test_an_empty_list_is_a_list),
		cmocka_unit_test(
		    test_a_page_with_one_odd_thing_is_refused_whole),
		cmocka_unit_test(test_a_2xx_that_is_no_json_object_is_refused),
		cmocka_unit_test(test_a_list_cut_anywhere_is_refused),
		cmocka_unit_test(test_every_error_of_a_read_has_its_meaning),
		cmocka_unit_test(test_every_error_of_a_write_has_its_meaning),
		cmocka_unit_test(
		    test_a_wait_is_taken_from_the_body_and_bounded),
		cmocka_unit_test(test_a_detail_is_short_and_printable),
		cmocka_unit_test(test_the_account_is_the_users_id),
		cmocka_unit_test(test_an_item_is_read_by_its_id_and_no_other),
		cmocka_unit_test(test_an_id_may_have_128_bytes_and_no_more),
		cmocka_unit_test(
		    test_an_item_by_id_has_the_state_that_the_answer_shows),
		cmocka_unit_test(
		    test_nothing_is_concluded_from_a_read_that_failed),
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
		cmocka_unit_test(test_providers_are_found_by_name_and_in_order),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
