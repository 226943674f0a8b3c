/* Todoist: tasks that cannot be read by id, because they were finished or go by
 * the id of an older API. */
#include "provider_test.h"

#define BASE "https://api.todoist.com"
#define FINISHED BASE "/api/v1/tasks/completed/by_completion_date"

static const struct provider *const todoist = &provider_todoist;
static char key[] = "token-1";
static const struct connection conn = { .key = key };

static void
test_the_finished_are_asked_for_by_their_time(void **state)
{
	static const struct span span = { NOW_MS - 86400000, NOW_MS };
	static const struct expected_request first = { HTTP_GET,
		FINISHED "?since=2026-11-22T10:00:00.000Z"
			 "&until=2026-11-23T10:00:00.000Z&limit=200",
		"Bearer token-1", NULL };
	static const struct expected_request next = { HTTP_GET,
		FINISHED "?since=2026-11-22T10:00:00.000Z"
			 "&until=2026-11-23T10:00:00.000Z&limit=200"
			 "&cursor=a%2Fb",
		"Bearer token-1", NULL };
	struct http_request req = HTTP_REQUEST_INIT;
	struct http_request more = HTTP_REQUEST_INIT;

	(void)state;
	assert_int_equal(
	    todoist->finished_request(&conn, BASE, &span, NULL, &req), OK);
	assert_request(&req, &first);
	assert_int_equal(
	    todoist->finished_request(&conn, BASE, &span, "a/b", &more), OK);
	assert_request(&more, &next);
}

static void
test_a_page_of_the_finished_gives_their_ids(void **state)
{
	struct http_response res =
	    answered_file(200, "todoist/completed_list.json");
	struct answer failure = { 0 };
	struct page page = { 0 };

	(void)state;
	assert_int_equal(
	    todoist->finished_response(&conn, NULL, &res, &page, &failure), OK);
	assert_int_equal(page.items.count, 2);
	assert_string_equal(page.items.list[0].source_id, "6XGgmDone0000001");
	assert_string_equal(page.items.list[1].source_id, "6XGgmDone0000002");
	assert_int_equal(page.items.list[1].state, ITEM_COMPLETED);
	assert_false(page.end);
	assert_string_equal(page.next_cursor, "abc");
	page_done(&page);
	http_response_done(&res);
}

/* As it was recorded: the last page has no next_cursor at all. */
static void
test_the_finished_end_with_or_without_a_word(void **state)
{
	static const struct change ends[] = { { "next_cursor", NULL },
		{ "next_cursor", "null" } };
	char *whole = fixture("todoist/completed_list.json");

	(void)state;
	for (size_t i = 0; i < COUNT(ends); i++) {
		char *text = changed(whole, &ends[i]);
		struct http_response res = answered(200, JSON_TYPE, text);
		struct answer failure = { 0 };
		struct page page = { 0 };

		assert_int_equal(todoist->finished_response(
				     &conn, "here", &res, &page, &failure),
		    OK);
		assert_int_equal(page.items.count, 2);
		assert_true(page.end);
		assert_null(page.next_cursor);
		page_done(&page);
		http_response_done(&res);
		free(text);
	}
	free(whole);
}

static void
test_an_odd_page_of_the_finished_is_refused_whole(void **state)
{
	static const struct change odd[] = {
		{ "items", NULL }, { "items", "{}" }, { "items.1", "null" },
		{ "items.1.id", "17" }, { "items.1.id", "\"a/b\"" },
		{ "next_cursor", "\"\"" }, { "next_cursor", "7" },
		{ "next_cursor", "\"here\"" }, /* the one that was sent */
	};
	char *whole = fixture("todoist/completed_list.json");

	(void)state;
	for (size_t i = 0; i < COUNT(odd); i++) {
		char *text = changed(whole, &odd[i]);
		struct http_response res = answered(200, JSON_TYPE, text);
		struct answer failure = { 0 };
		struct page page = { 0 };

		if (todoist->finished_response(
			&conn, "here", &res, &page, &failure) != ERR_REMOTE)
			fail_msg("%s", text);
		assert_int_equal(page.items.count, 0);
		assert_int_equal(failure.outcome, OUTCOME_UNKNOWN);
		http_response_done(&res);
		free(text);
	}
	free(whole);
}

static void
test_an_old_id_is_a_number(void **state)
{
	(void)state;
	assert_true(todoist->is_old_id("2995104339"));
	assert_true(todoist->is_old_id("0"));
	assert_false(todoist->is_old_id(""));
	assert_false(todoist->is_old_id("6X7rM8997g3RQmvh"));
	assert_false(todoist->is_old_id("-1"));
}

static void
test_old_ids_are_asked_about_together(void **state)
{
	static const char *const ids[] = { "2995104339", "2995104340" };
	static const char *const odd[] = { "2995104339", "1/close" };
	static const struct expected_request want = { HTTP_GET,
		BASE "/api/v1/id_mappings/tasks/2995104339,2995104340",
		"Bearer token-1", NULL };
	struct http_request req = HTTP_REQUEST_INIT;
	struct http_request bad = HTTP_REQUEST_INIT;

	(void)state;
	assert_int_equal(todoist->map_request(&conn, BASE, ids, 2, &req), OK);
	assert_request(&req, &want);
	assert_int_equal(
	    todoist->map_request(&conn, BASE, odd, 2, &bad), ERR_INPUT);
	http_request_done(&bad);
}

static void
test_old_ids_become_new_ones_or_are_gone(void **state)
{
	static const char *const ids[] = { "2995104339", "2995104340",
		"2995104341" };
	struct http_response res =
	    answered_file(200, "todoist/id_mappings.json");
	struct answer failure = { 0 };
	struct items items = { 0 };

	(void)state;
	assert_int_equal(
	    todoist->map_response(&conn, ids, 3, &res, &items, &failure), OK);
	assert_int_equal(items.count, 3);
	assert_string_equal(items.list[0].source_id, ids[0]);
	assert_int_equal(items.list[0].state, ITEM_RENUMBERED);
	assert_string_equal(items.list[0].new_id, "6X7rM8997g3RQmvh");
	for (size_t i = 1; i < 3; i++) {
		assert_string_equal(items.list[i].source_id, ids[i]);
		assert_int_equal(items.list[i].state, ITEM_NOT_VISIBLE);
	}
	items_done(&items);
	http_response_done(&res);
}

/* Nobody may conclude from these that a task is gone. */
static void
test_an_odd_answer_about_old_ids_says_nothing_of_them(void **state)
{
	static const char *const ids[] = { "2995104339" };
	static const struct {
		int status;
		const char *type, *body;
		enum err err;
	} odd[] = {
		{ 200, JSON_TYPE, "{}", ERR_REMOTE },
		{ 200, JSON_TYPE, "null", ERR_REMOTE },
		{ 200, "text/html", "[]", ERR_REMOTE },
		{ 200, JSON_TYPE, "[", ERR_REMOTE },
		{ 200, JSON_TYPE, "[{}]", ERR_REMOTE },
		{ 200, JSON_TYPE, "[{\"old_id\":2995104339}]", ERR_REMOTE },
		{ 200, JSON_TYPE, "[{\"old_id\":\"2995104339\"}]", ERR_REMOTE },
		{ 200, JSON_TYPE, "[{\"old_id\":\"2995104339\",\"new_id\":7}]",
		    ERR_REMOTE },
		{ 200, JSON_TYPE,
		    "[{\"old_id\":\"2995104339\",\"new_id\":\"a/b\"}]",
		    ERR_REMOTE },
		{ 404, JSON_TYPE, "[]", ERR_REMOTE },
		{ 500, JSON_TYPE, "[]", ERR_REMOTE },
		{ 401, JSON_TYPE, "{}", ERR_REMOTE },
		{ 401, JSON_TYPE, "{\"error_tag\":\"UNAUTHORIZED\"}",
		    ERR_AUTH },
		{ 429, JSON_TYPE, "{}", ERR_BUSY },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(odd); i++) {
		struct http_response res =
		    answered(odd[i].status, odd[i].type, odd[i].body);
		struct answer failure = { 0 };
		struct items items = { 0 };
		enum err err = todoist->map_response(
		    &conn, ids, 1, &res, &items, &failure);

		if (err != odd[i].err || items.count != 0)
			fail_msg("%d %s: %s", odd[i].status, odd[i].body,
			    err_name(err));
		http_response_done(&res);
	}
}

static void
test_no_other_provider_has_old_ids_or_a_list_of_the_finished(void **state)
{
	(void)state;
	assert_null(provider_linear.is_old_id);
	assert_null(provider_attio.is_old_id);
	assert_null(provider_linear.finished_request);
	assert_null(provider_attio.finished_request);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_finished_are_asked_for_by_their_time),
		cmocka_unit_test(test_a_page_of_the_finished_gives_their_ids),
		cmocka_unit_test(test_the_finished_end_with_or_without_a_word),
		cmocka_unit_test(
		    test_an_odd_page_of_the_finished_is_refused_whole),
		cmocka_unit_test(test_an_old_id_is_a_number),
		cmocka_unit_test(test_old_ids_are_asked_about_together),
		cmocka_unit_test(test_old_ids_become_new_ones_or_are_gone),
		cmocka_unit_test(
		    test_an_odd_answer_about_old_ids_says_nothing_of_them),
		cmocka_unit_test(
		    test_no_other_provider_has_old_ids_or_a_list_of_the_finished),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
