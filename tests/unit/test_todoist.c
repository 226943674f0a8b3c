/* Reading from Todoist: the requests byte for byte, every answer of the
 * vendor's pages, and answers that no vendor should give. */
#include "todoist_test.h"

/* --- Lists ---------------------------------------------------------------- */

static void
test_a_list_asks_for_the_largest_page(void **state)
{
	static const struct expected_request first = { HTTP_GET,
		BASE "/api/v1/tasks?limit=200", "Bearer token-1", NULL };
	static const struct expected_request next = { HTTP_GET,
		BASE "/api/v1/tasks?limit=7&cursor=a%2Fb%2Bc%3D",
		"Bearer token-1", NULL };
	struct http_request req = HTTP_REQUEST_INIT;
	struct http_request more = HTTP_REQUEST_INIT;

	(void)state;
	assert_int_equal(
	    todoist->list_request(&mine, BASE, NULL, todoist->list_max, &req),
	    OK);
	assert_request(&req, &first);
	assert_int_equal(
	    todoist->list_request(&mine, BASE, "a/b+c=", 7, &more), OK);
	assert_request(&more, &next);
}

static void
test_a_key_that_no_header_may_carry_is_not_sent(void **state)
{
	(void)state;
	assert_refuses_odd_keys(todoist);
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
	    "\"due_string\":\"every day\",\"due_lang\":\"en\","
	    "\"updated_at\":\"2026-11-01T09:00:00.000000Z\"}");
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

static void
refuse_page(const char *what, struct http_response res)
{
	struct answer failure;
	struct page page;

	if (list(&mine, "sent", &res, &page, &failure) != ERR_REMOTE)
		fail_msg("taken for a page: %s", what);
	assert_meaning(what, &failure, &bad_answer);
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

/* It is listed, and no more is known of it; nothing else suffers for it. */
static void
test_an_item_that_cannot_be_read_is_one_odd_item(void **state)
{
	static const struct change odd[] = {
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
	};
	char *text = fixture("todoist/list_last_page.json");

	(void)state;
	for (size_t i = 0; i < COUNT(odd); i++) {
		char *body = changed(text, &odd[i]);
		struct http_response res = answered(200, JSON_TYPE, body);
		struct answer failure;
		struct page page;

		assert_int_equal(
		    list(&mine, "sent", &res, &page, &failure), OK);
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
	assert_meaning("number", &failure, &bad_answer);
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
		cmocka_unit_test(
		    test_an_item_that_cannot_be_read_is_one_odd_item),
		cmocka_unit_test(test_a_2xx_that_is_no_json_object_is_refused),
		cmocka_unit_test(test_a_list_cut_anywhere_is_refused),
		cmocka_unit_test(test_the_account_is_the_users_id),
		cmocka_unit_test(test_an_item_is_read_by_its_id_and_no_other),
		cmocka_unit_test(test_an_id_may_have_128_bytes_and_no_more),
		cmocka_unit_test(
		    test_an_item_by_id_has_the_state_that_the_answer_shows),
		cmocka_unit_test(
		    test_nothing_is_concluded_from_a_read_that_failed),
		cmocka_unit_test(test_providers_are_found_by_name_and_in_order),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
