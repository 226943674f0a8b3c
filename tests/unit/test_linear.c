/* Reading from Linear: the documents byte for byte, and answers that no vendor
 * should give. */
#include "linear_test.h"

/* --- Lists ---------------------------------------------------------------- */

static void
test_a_list_asks_for_what_is_not_closed(void **state)
{
	struct http_request req = HTTP_REQUEST_INIT;
	struct http_request next = HTTP_REQUEST_INIT;

	(void)state;
	assert_int_equal(
	    linear->list_request(&mine, BASE, NULL, linear->list_max, &req),
	    OK);
	assert_sends(&req, ACTIVE "\"variables\":{\"first\":250}}");
	assert_int_equal(
	    linear->list_request(&mine, BASE, "a\"b", 7, &next), OK);
	assert_sends(
	    &next, ACTIVE "\"variables\":{\"first\":7,\"after\":\"a\\\"b\"}}");
}

static void
test_a_personal_key_goes_bare_and_a_token_as_bearer(void **state)
{
	static const struct {
		const char *key, *authorization;
	} keys[] = {
		{ "lin_api_1", "lin_api_1" },
		{ "other", "other" },
		{ "lin_oauth_1", "Bearer lin_oauth_1" },
		{ "Bearer lin_oauth_1", "Bearer lin_oauth_1" },
		{ "bearer abc", "Bearer abc" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(keys); i++) {
		struct http_request req = HTTP_REQUEST_INIT;
		char *copy = strdup(keys[i].key);
		struct connection conn = { .key = copy };
		assert_int_equal(linear->list_request(
				     &conn, BASE, NULL, linear->list_max, &req),
		    OK);
		assert_string_equal(
		    req.authorization.ptr, keys[i].authorization);
		http_request_done(&req);
		free(copy);
	}
}

static void
test_a_list_keeps_every_state_that_is_not_known_to_be_closed(void **state)
{
	struct http_response res =
	    answered_file(200, "linear/list_last_page.json");
	struct answer failure;
	struct page page;

	(void)state;
	assert_int_equal(list(NULL, &res, &page, &failure), OK);
	assert_true(page.end);
	assert_null(page.next_cursor);
	assert_string_equal(page.account_id, ME);
	assert_int_equal(page.rows, 6);
	assert_int_equal(page.items.count, 3);
	assert_string_equal(page.items.list[0].source_id, ISSUE);
	assert_string_equal(page.items.list[0].title, "[ENG-1] Fix it");
	assert_string_equal(page.items.list[0].source_url,
	    "https://linear.app/acme/issue/ENG-1/fix-it");
	assert_json_equal(page.items.list[0].metadata, STORED);
	assert_false(page.items.list[0].is_recurring);
	page_done(&page);
}

/* list_last_page.json, as asked for by earlier versions, has none of what only
 * the bag needs. */
static void
test_a_bag_holds_what_the_client_keeps_of_an_issue(void **state)
{
	static const struct {
		const char *file, *title, *bag;
	} issues[] = {
		{ "linear/list_issue_with_everything.json",
		    "[ENG-12] Mend the \"blue\" door\n🚪 \\ now",
		    "{\"identifier\":\"ENG-12\",\"description\":\"# Why\\n"
		    "\\nIt **squeaks** – \\\"loudly\\\" 🚪\\tsee\\\\"
		    "https://example.test/a?b=1\",\"teamId\":\"" TEAM
		    "\",\"teamName\":\"Engineering\",\"teamKey\":\"ENG\","
		    "\"projectId\":\"2f4a7c1e-9d3b-4e5f-8a6b-7c8d9e0f1a05\","
		    "\"projectName\":\"Häuser & \\\"Doors\\\"\","
		    "\"state\":\"In Progress\",\"stateType\":\"started\","
		    "\"estimate\":2.5,\"url\":\"https://linear.app/acme/"
		    "issue/ENG-12/mend-the-blue-door\"}" },
		{ "linear/list_issue_with_nulls.json", "[ENG-12] Bare",
		    "{\"identifier\":\"ENG-12\",\"teamId\":\"" TEAM
		    "\",\"teamName\":\"Engineering\",\"teamKey\":\"ENG\","
		    "\"state\":\"In Progress\",\"stateType\":\"started\","
		    "\"url\":\"https://linear.app/acme/issue/ENG-12/"
		    "mend-the-blue-door\"}" },
		{ "linear/list_last_page.json", "[ENG-1] Fix it",
		    "{\"identifier\":\"ENG-1\",\"teamId\":\"" TEAM
		    "\",\"stateType\":\"started\",\"url\":"
		    "\"https://linear.app/acme/issue/ENG-1/fix-it\"}" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(issues); i++) {
		struct http_response res = answered_file(200, issues[i].file);
		struct answer failure;
		struct page page;
		const struct item *item;

		assert_int_equal(list(NULL, &res, &page, &failure), OK);
		item = &page.items.list[0];
		assert_string_equal(item->title, issues[i].title);
		assert_string_equal(item->bag, issues[i].bag);
		page_done(&page);
	}
}

#define LIST "data.viewer.assignedIssues."

/* What only the bag needs decides nothing: it is left out where it is odd. */
static void
test_an_odd_member_of_a_bag_is_left_out(void **state)
{
	static const struct {
		struct change change;
		const char *member;
	} odd[] = {
		{ { LIST "nodes.0.description", "7" }, "description" },
		{ { LIST "nodes.0.description", "\"\"" }, "description" },
		{ { LIST "nodes.0.description", "\"\\u0000\"" },
		    "description" },
		{ { LIST "nodes.0.estimate", "\"3\"" }, "estimate" },
		{ { LIST "nodes.0.project", "7" }, "projectId" },
		{ { LIST "nodes.0.project.name", "null" }, "projectName" },
		{ { LIST "nodes.0.state.name", "[]" }, "state" },
		{ { LIST "nodes.0.team.name", NULL }, "teamName" },
		{ { LIST "nodes.0.team.key", "{}" }, "teamKey" },
		{ { LIST "nodes.0.url", "null" }, "url" },
		{ { LIST "nodes.0.identifier", NULL }, "identifier" },
	};
	char *text = fixture("linear/list_issue_with_everything.json");

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
		assert_string_equal(json_str(bag, "stateType"), "started");
		cJSON_Delete(bag);
		page_done(&page);
		free(body);
	}
	free(text);
}

static void
test_a_title_without_an_identifier_stands_alone(void **state)
{
	static const char *const none[] = { NULL, "null", "\"\"" };
	char *text = fixture("linear/list_issue_with_nulls.json");

	(void)state;
	for (size_t i = 0; i < COUNT(none); i++) {
		struct change change = { LIST "nodes.0.identifier", none[i] };
		char *body = changed(text, &change);
		struct http_response res = answered(200, JSON_TYPE, body);
		struct answer failure;
		struct page page;

		assert_int_equal(list(NULL, &res, &page, &failure), OK);
		assert_string_equal(page.items.list[0].title, "Bare");
		page_done(&page);
		free(body);
	}
	free(text);
}

static void
test_a_long_description_is_cut_between_characters(void **state)
{
	(void)state;
	assert_long_description_is_cut(linear,
	    "linear/list_issue_with_everything.json",
	    LIST "nodes.0.description");
}

static void
test_a_key_that_no_header_may_carry_is_not_sent(void **state)
{
	(void)state;
	assert_refuses_odd_keys(linear);
}

static void
test_a_page_with_more_gives_its_cursor(void **state)
{
	struct http_response res =
	    answered_file(200, "linear/list_first_page.json");
	struct answer failure;
	struct page page;

	(void)state;
	assert_int_equal(list("old", &res, &page, &failure), OK);
	assert_false(page.end);
	assert_string_equal(page.next_cursor, "bmV4dA==");
	page_done(&page);
	res = answered_file(200, "linear/list_empty.json");
	assert_int_equal(list(NULL, &res, &page, &failure), OK);
	assert_true(page.end);
	assert_int_equal(page.rows, 0);
	page_done(&page);
}

static void
test_a_page_with_one_odd_thing_is_refused_whole(void **state)
{
	static const struct change odd[] = {
		{ "data", NULL },
		{ "data", "null" },
		{ "data", "[]" },
		{ "data.viewer", "null" },
		{ "data.viewer.id", NULL },
		{ "data.viewer.id", "7" },
		{ LIST "nodes", NULL },
		{ LIST "nodes", "{}" },
		{ LIST "nodes.0", "null" },
		{ LIST "nodes.0.id", NULL },
		{ LIST "nodes.0.id", "7" },
		{ LIST "pageInfo", NULL },
		{ LIST "pageInfo", "null" },
		{ LIST "pageInfo.hasNextPage", NULL },
		{ LIST "pageInfo.hasNextPage", "null" },
		{ LIST "pageInfo.hasNextPage", "\"false\"" },
		{ LIST "pageInfo.endCursor", NULL },
		{ LIST "pageInfo.endCursor", "null" },
		{ LIST "pageInfo.endCursor", "\"\"" },
		{ LIST "pageInfo.endCursor", "\"sent\"" },
	};
	char *text = fixture("linear/list_first_page.json");

	(void)state;
	for (size_t i = 0; i < COUNT(odd); i++) {
		char *body = changed(text, &odd[i]);
		struct http_response res = answered(200, JSON_TYPE, body);
		struct answer failure;
		struct page page;
		if (list("sent", &res, &page, &failure) != ERR_REMOTE)
			fail_msg("taken for a page: %s", body);
		assert_meaning(body, &failure, &bad_answer);
		assert_null(page.items.list);
		assert_null(page.account_id);
		free(body);
	}
	free(text);
}

/* It is listed, and no more is known of it; nothing else suffers for it. */
static void
test_an_item_that_cannot_be_read_is_one_odd_item(void **state)
{
	static const struct change odd[] = {
		{ LIST "nodes.0.title", NULL },
		{ LIST "nodes.0.title", "null" },
		{ LIST "nodes.0.url", "7" },
		{ LIST "nodes.0.state", NULL },
		{ LIST "nodes.0.state", "\"Done\"" },
		{ LIST "nodes.0.state.id", NULL },
		{ LIST "nodes.0.state.type", "7" },
		{ LIST "nodes.0.team", "null" },
		{ LIST "nodes.0.team.id", "7" },
	};
	char *text = fixture("linear/list_first_page.json");

	(void)state;
	for (size_t i = 0; i < COUNT(odd); i++) {
		char *body = changed(text, &odd[i]);
		struct http_response res = answered(200, JSON_TYPE, body);
		struct answer failure;
		struct page page;

		assert_int_equal(list("sent", &res, &page, &failure), OK);
		assert_one_is_odd(body, &page.items);
		page_done(&page);
		free(body);
	}
	free(text);
}

static void
test_data_beside_errors_is_no_page(void **state)
{
	static const struct change odd[] = {
		{ "errors", "[{}]" },
		{ "errors", "[null]" },
		{ "errors", "{}" },
		{ "errors", "\"oops\"" },
	};
	static const struct meaning server = { OUTCOME_UNKNOWN,
		REASON_SERVER_ERROR, 0 };
	struct http_response res =
	    answered_file(200, "linear/list_with_errors.json");
	char *text = fixture("linear/list_with_errors.json");
	struct answer failure;
	struct page page;

	(void)state;
	assert_int_equal(list(NULL, &res, &page, &failure), ERR_REMOTE);
	assert_meaning("errors", &failure, &server);
	for (size_t i = 0; i < COUNT(odd); i++) {
		char *body = changed(text, &odd[i]);
		res = answered(200, JSON_TYPE, body);
		assert_int_equal(list(NULL, &res, &page, &failure), ERR_REMOTE);
		assert_meaning(body, &failure, &bad_answer);
		free(body);
	}
	free(text);
}

/* --- Reading by id -------------------------------------------------------- */

#define ISSUE_N(n) "0b8f8a54-93b0-4f0f-8e0f-5b4b0a2d7c0" #n

static void
test_issues_are_read_by_id_in_one_request(void **state)
{
	static const char *const ids[] = { ISSUE_N(1), ISSUE_N(2) };
	static const char *const bad[] = { ISSUE_N(1), "a\"b" };
	struct http_request req = HTTP_REQUEST_INIT;
	struct http_request odd = HTTP_REQUEST_INIT;

	(void)state;
	assert_int_equal(linear->read_max, 250);
	assert_int_equal(linear->read_request(&mine, BASE, ids, 2, &req), OK);
	assert_sends(&req, BY_ID "\"variables\":{\"ids\":[\"" ISSUE_N(
			       1) "\",\"" ISSUE_N(2) "\"],\"first\":2}}");
	assert_int_equal(
	    linear->read_request(&mine, BASE, bad, 2, &odd), ERR_INPUT);
	http_request_done(&odd);
}

static void
test_a_full_batch_fits_a_request(void **state)
{
	static const char *ids[250];
	struct http_request req = HTTP_REQUEST_INIT;
	char longest[129];

	(void)state;
	memset(longest, 'x', 128);
	longest[128] = '\0';
	for (size_t i = 0; i < COUNT(ids); i++)
		ids[i] = longest;
	assert_int_equal(
	    linear->read_request(&mine, BASE, ids, COUNT(ids), &req), OK);
	http_request_done(&req);
}

static void
test_an_item_by_id_has_the_state_that_the_answer_shows(void **state)
{
	static const char *const ids[] = { ISSUE_N(1), ISSUE_N(2), ISSUE_N(3),
		ISSUE_N(4), ISSUE_N(5), ISSUE_N(6), ISSUE_N(7), ISSUE_N(8),
		ISSUE_N(9) };
	static const struct {
		enum item_state mine, nobodys;
	} states[] = {
		{ ITEM_OPEN, ITEM_OPEN },
		{ ITEM_COMPLETED, ITEM_COMPLETED },
		{ ITEM_CANCELED, ITEM_CANCELED },
		{ ITEM_DUPLICATE, ITEM_DUPLICATE },
		{ ITEM_DELETED, ITEM_DELETED },
		{ ITEM_ARCHIVED, ITEM_ARCHIVED },
		{ ITEM_REASSIGNED, ITEM_OPEN },
		{ ITEM_REASSIGNED, ITEM_OPEN },
		{ ITEM_NOT_VISIBLE, ITEM_NOT_VISIBLE },
	};
	struct http_response res =
	    answered_file(200, "linear/issues_by_id.json");
	struct items items = { 0 };
	struct answer failure;

	(void)state;
	assert_int_equal(linear->read_response(
			     &mine, ids, COUNT(ids), &res, &items, &failure),
	    OK);
	assert_int_equal(linear->read_response(
			     &nobodys, ids, COUNT(ids), &res, &items, &failure),
	    OK);
	assert_int_equal(items.count, 2 * COUNT(ids));
	for (size_t i = 0; i < COUNT(ids); i++) {
		assert_string_equal(items.list[i].source_id, ids[i]);
		assert_int_equal(items.list[i].state, states[i].mine);
		assert_int_equal(
		    items.list[i + COUNT(ids)].state, states[i].nobodys);
	}
	assert_json_equal(items.list[0].metadata, STORED);
	assert_null(items.list[1].metadata);
	items_done(&items);
	http_response_done(&res);
}

static void
test_trash_wins_over_completed_and_completed_over_archived(void **state)
{
	static const struct {
		struct change change;
		enum item_state state;
	} cases[] = {
		{ { "data.issues.nodes.1.trashed", "true" }, ITEM_DELETED },
		{ { "data.issues.nodes.1.trashed", "false" }, ITEM_COMPLETED },
		{ { "data.issues.nodes.1.assignee", "null" }, ITEM_COMPLETED },
		{ { "data.issues.nodes.1.state.type", "\"started\"" },
		    ITEM_ARCHIVED },
	};
	char *text = fixture("linear/issues_by_id.json");
	const char *id = ISSUE_N(2);

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		char *body = changed(text, &cases[i].change);
		struct http_response res = answered(200, JSON_TYPE, body);
		struct items items = { 0 };
		struct answer failure;
		assert_int_equal(linear->read_response(
				     &mine, &id, 1, &res, &items, &failure),
		    OK);
		assert_int_equal(items.list[0].state, cases[i].state);
		items_done(&items);
		http_response_done(&res);
		free(body);
	}
	free(text);
}

static void
test_a_read_with_one_odd_thing_is_refused_whole(void **state)
{
	static const struct change odd[] = {
		{ "data", "null" },
		{ "data.issues", "null" },
		{ "data.issues.nodes", NULL },
		{ "data.issues.nodes.0.id", "7" },
		{ "data.issues.nodes.0.state", "null" },
		{ "data.issues.nodes.0.team", "null" },
		{ "data.issues.nodes.0.assignee", NULL },
		{ "data.issues.nodes.0.assignee", "\"me\"" },
		{ "data.issues.nodes.0.trashed", "0" },
		{ "data.issues.nodes.0.archivedAt", "7" },
		{ "data.issues.pageInfo", NULL },
		{ "data.issues.pageInfo.hasNextPage", "true" },
		{ "errors", "[{}]" },
	};
	char *text = fixture("linear/issue_open.json");
	const char *id = ISSUE;

	(void)state;
	for (size_t i = 0; i < COUNT(odd); i++) {
		char *body = changed(text, &odd[i]);
		struct http_response res = answered(200, JSON_TYPE, body);
		struct items items = { 0 };
		struct answer failure;
		if (linear->read_response(
			&mine, &id, 1, &res, &items, &failure) != ERR_REMOTE)
			fail_msg("taken for an issue: %s", body);
		assert_meaning(body, &failure, &bad_answer);
		assert_null(items.list);
		http_response_done(&res);
		free(body);
	}
	free(text);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_list_asks_for_what_is_not_closed),
		cmocka_unit_test(
		    test_a_personal_key_goes_bare_and_a_token_as_bearer),
		cmocka_unit_test(
		    test_a_list_keeps_every_state_that_is_not_known_to_be_closed),
		cmocka_unit_test(
		    test_a_bag_holds_what_the_client_keeps_of_an_issue),
		cmocka_unit_test(test_an_odd_member_of_a_bag_is_left_out),
		cmocka_unit_test(
		    test_a_title_without_an_identifier_stands_alone),
		cmocka_unit_test(
		    test_a_long_description_is_cut_between_characters),
		cmocka_unit_test(
		    test_a_key_that_no_header_may_carry_is_not_sent),
		cmocka_unit_test(test_a_page_with_more_gives_its_cursor),
		cmocka_unit_test(
		    test_a_page_with_one_odd_thing_is_refused_whole),
		cmocka_unit_test(
		    test_an_item_that_cannot_be_read_is_one_odd_item),
		cmocka_unit_test(test_data_beside_errors_is_no_page),
		cmocka_unit_test(test_issues_are_read_by_id_in_one_request),
		cmocka_unit_test(test_a_full_batch_fits_a_request),
		cmocka_unit_test(
		    test_an_item_by_id_has_the_state_that_the_answer_shows),
		cmocka_unit_test(
		    test_trash_wins_over_completed_and_completed_over_archived),
		cmocka_unit_test(
		    test_a_read_with_one_odd_thing_is_refused_whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
