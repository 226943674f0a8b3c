/* Attio: the requests byte for byte, every row of the error table, and answers
 * that no vendor should give. */
#include "provider_test.h"

#define BASE "https://api.attio.com"
#define TASK "649e34f4-c39a-4f4d-99ef-48a36bef8f04"
#define WORKSPACE "14beef7a-99f7-4534-a87e-70b564330a4c"
#define MEMBER "50cf242c-7fa3-4cad-87d0-75b1af71c57b"
#define PAGE 500

static const struct provider *const attio = &provider_attio;
static char key[] = "token-1";
static char by_member[] = "{\"assignee\":\"" MEMBER "\"}";
static char by_mail[] = "{\"assignee\":\"ada+x@example.test\"}";
static char no_text[] = "{\"assignee\":7}";
static const struct connection whole = { .key = key };
static const struct meaning bad_answer = { OUTCOME_UNKNOWN, REASON_BAD_ANSWER,
	-1 };

static struct push
push_of(enum wish wish)
{
	return (struct push){ .conn = &whole,
		.base_url = BASE,
		.source_id = TASK,
		.wish = wish };
}

static enum err
list(const char *cursor, struct http_response *res, struct page *page,
    struct answer *failure)
{
	enum err err;

	memset(page, 0, sizeof(*page));
	memset(failure, 0, sizeof(*failure));
	err = attio->list_response(
	    &whole, cursor, attio->list_max, res, page, failure);
	http_response_done(res);
	return err;
}

#define LIST_URL(offset)                                                       \
	BASE "/v2/tasks?limit=500&offset=" offset                              \
	     "&is_completed=false&sort=created_at:asc"

static void
test_a_list_counts_by_offset_and_names_its_assignee(void **state)
{
	static const struct {
		char *metadata;
		const char *cursor, *url;
	} lists[] = {
		{ NULL, NULL, LIST_URL("0") },
		{ NULL, "500", LIST_URL("500") },
		{ no_text, "1000", LIST_URL("1000") },
		{ by_member, NULL, LIST_URL("0") "&assignee=" MEMBER },
		{ by_mail, NULL,
		    LIST_URL("0") "&assignee=ada%2Bx%40example.test" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(lists); i++) {
		struct connection conn = { .key = key,
			.metadata = lists[i].metadata };
		struct expected_request want = { HTTP_GET, lists[i].url,
			"Bearer token-1", NULL };
		struct http_request req = HTTP_REQUEST_INIT;
		assert_int_equal(attio->list_request(&conn, BASE,
				     lists[i].cursor, attio->list_max, &req),
		    OK);
		assert_request(&req, &want);
	}
}

static void
test_a_cursor_that_is_no_offset_is_not_sent(void **state)
{
	static const char *const cursors[] = { "", "-1", "5x", "1e3",
		"1234567890" };

	(void)state;
	for (size_t i = 0; i < COUNT(cursors); i++) {
		struct http_request req = HTTP_REQUEST_INIT;
		assert_int_equal(attio->list_request(&whole, BASE, cursors[i],
				     attio->list_max, &req),
		    ERR_BUG);
		http_request_done(&req);
	}
}

static void
test_a_short_page_is_the_last(void **state)
{
	struct http_response res =
	    answered_file(200, "attio/list_short_page.json");
	struct answer failure;
	struct page page;

	(void)state;
	assert_int_equal(list(NULL, &res, &page, &failure), OK);
	assert_true(page.end);
	assert_null(page.next_cursor);
	assert_int_equal(page.rows, 3);
	assert_int_equal(page.items.count, 2);
	assert_string_equal(page.items.list[0].source_id, TASK);
	assert_string_equal(page.items.list[0].title, "Call Ada");
	assert_null(page.items.list[0].source_url);
	assert_json_equal(page.items.list[0].metadata,
	    "{\"deadline_at\":\"2026-12-01T15:00:00.000000000Z\"}");
	assert_json_equal(page.items.list[1].metadata, "{}");
	page_done(&page);
	res = answered_file(200, "attio/list_empty.json");
	assert_int_equal(list("500", &res, &page, &failure), OK);
	assert_true(page.end);
	page_done(&page);
}

static void
test_a_bag_holds_what_the_client_keeps_of_a_task(void **state)
{
	static const struct {
		const char *file, *bag;
	} tasks[] = {
		{ "attio/list_task_with_everything.json",
		    "{\"workspaceId\":\"" WORKSPACE
		    "\",\"deadlineAt\":\"2026-12-01T15:00:00.000000000Z\","
		    "\"linkedRecords\":[{\"target_object_id\":\"people\","
		    "\"target_record_id\":"
		    "\"bf071e1f-6035-429d-b874-d83ea64ea13b\"}],"
		    "\"assignees\":[{\"referenced_actor_type\":"
		    "\"workspace-member\",\"referenced_actor_id\":\"" MEMBER
		    "\"}],"
		    "\"createdAt\":\"2026-11-01T09:00:00.000000000Z\"}" },
		{ "attio/list_task_with_nulls.json",
		    "{\"workspaceId\":\"" WORKSPACE
		    "\",\"linkedRecords\":[],\"assignees\":[],"
		    "\"createdAt\":\"2026-11-01T09:00:00.000000000Z\"}" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(tasks); i++) {
		struct http_response res = answered_file(200, tasks[i].file);
		struct answer failure;
		struct page page;

		assert_int_equal(list(NULL, &res, &page, &failure), OK);
		assert_string_equal(page.items.list[0].bag, tasks[i].bag);
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
		{ { "data.0.id.workspace_id", "7" }, "workspaceId" },
		{ { "data.0.linked_records", NULL }, "linkedRecords" },
		{ { "data.0.linked_records", "{}" }, "linkedRecords" },
		{ { "data.0.assignees", "null" }, "assignees" },
		{ { "data.0.created_at", "7" }, "createdAt" },
	};
	char *text = fixture("attio/list_task_with_everything.json");

	(void)state;
	for (size_t i = 0; i < COUNT(odd); i++) {
		char *body = changed(text, &odd[i].change);
		struct http_response res = answered(200, JSON_TYPE, body);
		struct answer failure;
		struct page page;
		cJSON *bag;

		assert_int_equal(list(NULL, &res, &page, &failure), OK);
		bag = cJSON_Parse(page.items.list[0].bag);
		assert_true(cJSON_IsObject(bag));
		if (json_path(bag, odd[i].member, NULL) != NULL)
			fail_msg("%s: %s", body, page.items.list[0].bag);
		assert_non_null(json_str(bag, "deadlineAt"));
		cJSON_Delete(bag);
		page_done(&page);
		free(body);
	}
	free(text);
}

static void
test_a_key_that_no_header_may_carry_is_not_sent(void **state)
{
	(void)state;
	assert_refuses_odd_keys(attio);
}

/* A page of n open tasks. */
static struct http_response
page_of(size_t n)
{
	struct http_response res = answered(200, JSON_TYPE, "{\"data\":[");

	for (size_t i = 0; i < n; i++)
		assert_int_equal(
		    buf_addf(&res.body,
			"%s{\"id\":{\"task_id\":\"%08zx-c39a-4f4d-99ef-"
			"48a36bef8f04\"},\"content_plaintext\":\"\","
			"\"is_completed\":false}",
			i == 0 ? "" : ",", i),
		    OK);
	assert_int_equal(buf_add_str(&res.body, "]}"), OK);
	return res;
}

static void
test_a_full_page_is_followed_by_another(void **state)
{
	static const struct {
		const char *cursor, *next;
		size_t rows;
	} pages[] = { { NULL, NULL, PAGE - 1 }, { NULL, "500", PAGE },
		{ "500", "1000", PAGE }, { "500", NULL, 0 } };
	struct http_response res;
	struct answer failure;
	struct page page;

	(void)state;
	for (size_t i = 0; i < COUNT(pages); i++) {
		res = page_of(pages[i].rows);
		assert_int_equal(
		    list(pages[i].cursor, &res, &page, &failure), OK);
		assert_int_equal(page.rows, pages[i].rows);
		assert_int_equal(page.end, pages[i].next == NULL);
		if (pages[i].next != NULL)
			assert_string_equal(page.next_cursor, pages[i].next);
		page_done(&page);
	}
	res = page_of(PAGE + 1);
	assert_int_equal(list(NULL, &res, &page, &failure), ERR_REMOTE);
	assert_meaning("too many rows", &failure, &bad_answer);
}

static void
test_a_page_with_one_odd_thing_is_refused_whole(void **state)
{
	static const struct change odd[] = {
		{ "data", NULL },
		{ "data", "{}" },
		{ "data", "null" },
		{ "data.1", "null" },
		{ "data.1", "[]" },
		{ "data.0.id", NULL },
		{ "data.0.id", "\"" TASK "\"" },
		{ "data.0.id.task_id", NULL },
		{ "data.0.id.task_id", "7" },
		{ "data.0.id.task_id", "\"\"" },
		{ "data.0.id.task_id", "\"a/b\"" },
	};
	char *text = fixture("attio/list_short_page.json");

	(void)state;
	for (size_t i = 0; i < COUNT(odd); i++) {
		char *body = changed(text, &odd[i]);
		struct http_response res = answered(200, JSON_TYPE, body);
		struct answer failure;
		struct page page;
		if (list(NULL, &res, &page, &failure) != ERR_REMOTE)
			fail_msg("taken for a page: %s", body);
		assert_meaning(body, &failure, &bad_answer);
		assert_null(page.items.list);
		free(body);
	}
	free(text);
}

/* It is listed, and no more is known of it; nothing else suffers for it. */
static void
test_an_item_that_cannot_be_read_is_one_odd_item(void **state)
{
	static const struct change odd[] = {
		{ "data.0.content_plaintext", NULL },
		{ "data.0.content_plaintext", "null" },
		{ "data.0.is_completed", NULL },
		{ "data.0.is_completed", "0" },
		{ "data.2.is_completed", "\"true\"" },
		{ "data.0.deadline_at", "1795428000" },
	};
	char *text = fixture("attio/list_short_page.json");

	(void)state;
	for (size_t i = 0; i < COUNT(odd); i++) {
		char *body = changed(text, &odd[i]);
		struct http_response res = answered(200, JSON_TYPE, body);
		struct answer failure;
		struct page page;

		assert_int_equal(list(NULL, &res, &page, &failure), OK);
		assert_one_is_odd(body, &page.items);
		page_done(&page);
		free(body);
	}
	free(text);
}

static void
test_a_2xx_that_is_no_json_object_is_refused(void **state)
{
	static const struct {
		const char *type, *body;
		enum err err;
	} odd[] = {
		{ JSON_TYPE, "", ERR_REMOTE },
		{ JSON_TYPE, "[]", ERR_REMOTE },
		{ JSON_TYPE, "{\"data\":[", ERR_REMOTE },
		{ "text/html", "{\"data\":[]}", ERR_REMOTE },
		{ "text/plain", "{\"data\":[]}", ERR_REMOTE },
		{ "x/json", "{\"data\":[]}", ERR_REMOTE },
		{ "application/vnd.attio+json", "{\"data\":[]}", OK },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(odd); i++) {
		struct http_response res =
		    answered(200, odd[i].type, odd[i].body);
		struct answer failure;
		struct page page;
		assert_int_equal(list(NULL, &res, &page, &failure), odd[i].err);
		page_done(&page);
	}
}

/* clang-format off */
static const struct {
	int status;
	const char *file;
	struct meaning meaning;
} errors[] = {
	/* what stands between answers in JSON, too: it is no word of the vendor's */
	{ 307, "attio/proxy_no_route.json", { OUTCOME_UNKNOWN, REASON_BAD_ANSWER, 0 } },
	{ 400, "attio/proxy_no_route.json", { OUTCOME_UNKNOWN, REASON_BAD_ANSWER, 0 } },
	{ 401, "attio/proxy_no_route.json", { OUTCOME_UNKNOWN, REASON_BAD_ANSWER, 0 } },
	{ 403, "attio/proxy_no_route.json", { OUTCOME_UNKNOWN, REASON_BAD_ANSWER, 0 } },
	{ 404, "attio/proxy_no_route.json", { OUTCOME_UNKNOWN, REASON_BAD_ANSWER, 0 } },
	{ 409, "attio/proxy_no_route.json", { OUTCOME_UNKNOWN, REASON_BAD_ANSWER, 0 } },
	{ 429, "attio/proxy_no_route.json", { OUTCOME_RATE_LIMITED, REASON_RATE_LIMITED, 900 } },
	{ 400, "attio/error_400.json",         { OUTCOME_REJECTED, REASON_REFUSED, 0 } },
	{ 401, "attio/error_401.json",         { OUTCOME_AUTH_FAILED, REASON_AUTH_FAILED, 0 } },
	{ 403, "attio/error_403_scope.json",   { OUTCOME_AUTH_FAILED, REASON_SCOPE_MISSING, 0 } },
	{ 403, "attio/error_403_billing.json", { OUTCOME_REJECTED, REASON_FORBIDDEN, 0 } },
	{ 403, "attio/error_502.html",         { OUTCOME_UNKNOWN, REASON_BAD_ANSWER, 0 } },
	{ 404, "attio/error_502.html",         { OUTCOME_UNKNOWN, REASON_BAD_ANSWER, 0 } },
	{ 408, "attio/error_502.html",         { OUTCOME_UNKNOWN, REASON_TIMEOUT, 0 } },
	{ 409, "attio/error_400.json",         { OUTCOME_REJECTED, REASON_REFUSED, 0 } },
	{ 410, "attio/error_502.html",         { OUTCOME_REJECTED, REASON_GONE_API, 0 } },
	{ 429, "attio/error_429.json",         { OUTCOME_RATE_LIMITED, REASON_RATE_LIMITED, 900 } },
	{ 307, "attio/error_502.html",         { OUTCOME_UNKNOWN, REASON_BAD_ANSWER, 0 } },
	{ 500, "attio/error_400.json",         { OUTCOME_UNKNOWN, REASON_SERVER_ERROR, 0 } },
	{ 502, "attio/error_502.html",         { OUTCOME_UNKNOWN, REASON_SERVER_ERROR, 0 } },
};
/* clang-format on */

static void
test_every_error_has_its_meaning(void **state)
{
	struct push push = push_of(WISH_COMPLETE);
	struct answer answer;
	struct page page;

	(void)state;
	for (size_t i = 0; i < COUNT(errors); i++) {
		struct http_response res =
		    answered_file(errors[i].status, errors[i].file);
		res.retry_after_ms = 900;
		attio->write_response(&push, &res, &answer);
		assert_meaning(errors[i].file, &answer, &errors[i].meaning);
		assert_int_equal(list(NULL, &res, &page, &answer),
		    err_of(&errors[i].meaning));
		assert_meaning(errors[i].file, &answer, &errors[i].meaning);
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
	struct push push = push_of(WISH_COMPLETE);
	struct answer answer;
	struct page page;

	(void)state;
	for (size_t i = 0; i < COUNT(cuts); i++) {
		struct http_response res =
		    not_answered(cuts[i].carried, cuts[i].why);
		attio->write_response(&push, &res, &answer);
		assert_meaning(cuts[i].why, &answer, &cuts[i].meaning);
		assert_int_equal(list(NULL, &res, &page, &answer), ERR_REMOTE);
	}
}

static void
test_the_account_is_workspace_and_member(void **state)
{
	static const struct expected_request want = { HTTP_GET, BASE "/v2/self",
		"Bearer token-1", NULL };
	static const struct {
		struct change change;
		enum err err;
		const char *id;
	} selves[] = {
		{ { "client_id", NULL }, OK, WORKSPACE ":" MEMBER },
		{ { "authorized_by_workspace_member_id", NULL }, OK,
		    WORKSPACE },
		{ { "authorized_by_workspace_member_id", "null" }, OK,
		    WORKSPACE },
		{ { "authorized_by_workspace_member_id", "7" }, ERR_REMOTE,
		    NULL },
		{ { "workspace_id", NULL }, ERR_REMOTE, NULL },
		{ { "workspace_id", "7" }, ERR_REMOTE, NULL },
		{ { "active", NULL }, ERR_REMOTE, NULL },
		{ { "active", "\"true\"" }, ERR_REMOTE, NULL },
		{ { "active", "false" }, ERR_AUTH, NULL },
	};
	char *text = fixture("attio/self.json");
	struct http_request req = HTTP_REQUEST_INIT;

	(void)state;
	assert_int_equal(attio->account_request(&whole, BASE, &req), OK);
	assert_request(&req, &want);
	for (size_t i = 0; i < COUNT(selves); i++) {
		char *body = changed(text, &selves[i].change);
		struct http_response res = answered(200, JSON_TYPE, body);
		struct answer failure = { 0 };
		char *id = NULL;
		assert_int_equal(attio->account_response(&res, &id, &failure),
		    selves[i].err);
		if (selves[i].id != NULL)
			assert_string_equal(id, selves[i].id);
		else
			assert_null(id);
		free(id);
		http_response_done(&res);
		free(body);
	}
	free(text);
}

static void
test_a_token_that_is_not_active_is_a_dead_key(void **state)
{
	static const struct meaning dead = { OUTCOME_AUTH_FAILED,
		REASON_AUTH_FAILED, 0 };
	struct http_response res =
	    answered_file(200, "attio/self_inactive.json");
	struct answer failure;
	char *id = NULL;

	(void)state;
	assert_int_equal(
	    attio->account_response(&res, &id, &failure), ERR_AUTH);
	assert_meaning("inactive", &failure, &dead);
	assert_null(id);
	http_response_done(&res);
}

static void
test_an_item_by_id_has_the_state_that_the_answer_shows(void **state)
{
	static const struct expected_request want = { HTTP_GET,
		BASE "/v2/tasks/" TASK, "Bearer token-1", NULL };
	/* clang-format off */
	static const struct {
		char *metadata;
		int status;
		const char *file;
		enum err err;
		enum item_state state;
	} reads[] = {
		{ NULL,      200, "attio/task_open.json",       OK, ITEM_OPEN },
		{ by_member, 200, "attio/task_open.json",       OK, ITEM_OPEN },
		{ by_mail,   200, "attio/task_open.json",       OK, ITEM_OPEN },
		{ NULL,      200, "attio/task_unassigned.json", OK, ITEM_OPEN },
		{ by_member, 200, "attio/task_unassigned.json", OK, ITEM_REASSIGNED },
		{ by_member, 200, "attio/task_of_another.json", OK, ITEM_REASSIGNED },
		{ by_mail,   200, "attio/task_unassigned.json", OK, ITEM_OPEN },
		{ by_member, 200, "attio/task_completed.json",  OK, ITEM_COMPLETED },
		{ NULL,      404, "attio/error_404.json",       OK, ITEM_NOT_VISIBLE },
		{ NULL,      404, "attio/error_502.html",       ERR_REMOTE, 0 },
		{ NULL,      200, "attio/list_empty.json",      ERR_REMOTE, 0 },
		{ NULL,      400, "attio/error_400.json",       ERR_REMOTE, 0 },
		{ NULL,      401, "attio/error_401.json",       ERR_AUTH, 0 },
		{ NULL,      403, "attio/error_403_scope.json", ERR_AUTH, 0 },
		{ NULL,      429, "attio/error_429.json",       ERR_BUSY, 0 },
	};
	/* clang-format on */
	const char *id = TASK;
	struct http_request req = HTTP_REQUEST_INIT;

	(void)state;
	assert_int_equal(attio->read_max, 1);
	assert_int_equal(attio->read_request(&whole, BASE, &id, 1, &req), OK);
	assert_request(&req, &want);
	for (size_t i = 0; i < COUNT(reads); i++) {
		struct connection conn = { .key = key,
			.metadata = reads[i].metadata };
		struct http_response res =
		    answered_file(reads[i].status, reads[i].file);
		struct items items = { 0 };
		struct answer failure;
		assert_int_equal(
		    attio->read_response(&conn, &id, 1, &res, &items, &failure),
		    reads[i].err);
		assert_int_equal(items.count, reads[i].err == OK);
		if (reads[i].err == OK) {
			assert_string_equal(items.list[0].source_id, TASK);
			assert_int_equal(items.list[0].state, reads[i].state);
		}
		items_done(&items);
		http_response_done(&res);
	}
}

static void
test_a_read_of_another_task_or_an_odd_one_is_refused(void **state)
{
	static const struct change odd[] = {
		{ "data.id.task_id", "\"another\"" },
		{ "data.is_completed", NULL },
		{ "data.assignees", NULL },
		{ "data.assignees", "{}" },
		{ "data", "[]" },
	};
	struct connection conn = { .key = key, .metadata = by_member };
	char *text = fixture("attio/task_open.json");
	const char *id = TASK;

	(void)state;
	for (size_t i = 0; i < COUNT(odd); i++) {
		char *body = changed(text, &odd[i]);
		struct http_response res = answered(200, JSON_TYPE, body);
		struct items items = { 0 };
		struct answer failure;
		assert_int_equal(
		    attio->read_response(&conn, &id, 1, &res, &items, &failure),
		    ERR_REMOTE);
		assert_meaning(body, &failure, &bad_answer);
		assert_null(items.list);
		http_response_done(&res);
		free(body);
	}
	free(text);
}

static void
test_a_write_sets_one_value(void **state)
{
	static const struct {
		enum wish wish;
		const char *body;
	} writes[] = {
		{ WISH_COMPLETE, "{\"data\":{\"is_completed\":true}}" },
		{ WISH_UNCOMPLETE, "{\"data\":{\"is_completed\":false}}" },
	};

	(void)state;
	assert_null(attio->ask_request);
	assert_null(attio->metadata_request);
	for (size_t i = 0; i < COUNT(writes); i++) {
		struct push push = push_of(writes[i].wish);
		struct expected_request want = { HTTP_PATCH,
			BASE "/v2/tasks/" TASK, "Bearer token-1",
			writes[i].body };
		struct http_request req = HTTP_REQUEST_INIT;
		assert_int_equal(attio->write_request(&push, &req), OK);
		assert_request(&req, &want);
	}
}

static void
test_a_write_is_accepted_when_the_task_is_as_wished(void **state)
{
	static const struct meaning done = { OUTCOME_ACCEPTED, REASON_DONE, 0 };
	static const struct meaning gone = { OUTCOME_REJECTED, REASON_NOT_FOUND,
		0 };
	static const struct {
		enum wish wish;
		int status;
		const char *file;
		const struct meaning *meaning;
	} answers[] = {
		{ WISH_COMPLETE, 200, "attio/task_completed.json", &done },
		{ WISH_UNCOMPLETE, 200, "attio/task_open.json", &done },
		{ WISH_COMPLETE, 200, "attio/task_open.json", &bad_answer },
		{ WISH_UNCOMPLETE, 200, "attio/task_completed.json",
		    &bad_answer },
		{ WISH_UNCOMPLETE, 200, "attio/self.json", &bad_answer },
		{ WISH_COMPLETE, 200, "attio/error_502.html", &bad_answer },
		{ WISH_COMPLETE, 404, "attio/error_404.json", &gone },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(answers); i++) {
		struct push push = push_of(answers[i].wish);
		struct http_response res =
		    answered_file(answers[i].status, answers[i].file);
		struct answer answer;
		attio->write_response(&push, &res, &answer);
		assert_meaning(answers[i].file, &answer, answers[i].meaning);
		http_response_done(&res);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    test_a_list_counts_by_offset_and_names_its_assignee),
		cmocka_unit_test(test_a_cursor_that_is_no_offset_is_not_sent),
		cmocka_unit_test(test_a_short_page_is_the_last),
		cmocka_unit_test(
		    test_a_bag_holds_what_the_client_keeps_of_a_task),
		cmocka_unit_test(test_an_odd_member_of_a_bag_is_left_out),
		cmocka_unit_test(
		    test_a_key_that_no_header_may_carry_is_not_sent),
		cmocka_unit_test(test_a_full_page_is_followed_by_another),
		cmocka_unit_test(
		    test_a_page_with_one_odd_thing_is_refused_whole),
		cmocka_unit_test(
		    test_an_item_that_cannot_be_read_is_one_odd_item),
		cmocka_unit_test(test_a_2xx_that_is_no_json_object_is_refused),
		cmocka_unit_test(test_every_error_has_its_meaning),
		cmocka_unit_test(test_a_request_that_was_cut_is_unknown),
		cmocka_unit_test(test_the_account_is_workspace_and_member),
		cmocka_unit_test(test_a_token_that_is_not_active_is_a_dead_key),
		cmocka_unit_test(
		    test_an_item_by_id_has_the_state_that_the_answer_shows),
		cmocka_unit_test(
		    test_a_read_of_another_task_or_an_odd_one_is_refused),
		cmocka_unit_test(test_a_write_sets_one_value),
		cmocka_unit_test(
		    test_a_write_is_accepted_when_the_task_is_as_wished),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
