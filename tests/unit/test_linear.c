/* Linear: the documents byte for byte, every row of the error table, answers
 * that no vendor should give, and the way from a wish to a state. */
#include "provider_test.h"

#define BASE "https://api.linear.app"
#define ME "8f0c2f6e-2c52-4c4f-9d0d-0d7f2a3f5c11"
#define ISSUE "0b8f8a54-93b0-4f0f-8e0f-5b4b0a2d7c01"
#define TEAM "d3b0c1de-6e5c-4a0b-8b1d-4c6f0d7e8f03"
#define STATE "5f1f6f1e-38b0-4a3c-9f37-2f9d1a6b7e02"
#define STORED                                                                 \
	"{\"team_id\":\"" TEAM "\",\"state_id\":\"" STATE                      \
	"\",\"state_type\":\"started\",\"identifier\":\"ENG-1\"}"

static const struct provider *const linear = &provider_linear;
static char key[] = "lin_api_1", account[] = ME;
static char knows_team[] =
    "{\"teamDoneStates\":{\"" TEAM "\":\"s-cached\",\"team-b\":\"s-b\"}}";
static char knows_other[] = "{\"teamDoneStates\":{\"team-b\":\"s-b\"}}";
static const struct connection mine = { .key = key, .account_id = account };
static const struct connection nobodys = { .key = key };
static const struct connection taught = {
	.key = key, .account_id = account, .metadata = knows_team
};
static const struct connection half_taught = {
	.key = key, .account_id = account, .metadata = knows_other
};
static const struct verdict bad_answer = { OUTCOME_UNKNOWN, REASON_BAD_ANSWER,
	-1 };

#define ACTIVE                                                                 \
	"{\"query\":\"query ActiveIssues($first: Int!, $after: String) {\\n"   \
	"  viewer {\\n    id\\n"                                               \
	"    assignedIssues(first: $first, after: $after,\\n"                  \
	"      filter: { state: { type: { nin: [\\\"completed\\\", "           \
	"\\\"canceled\\\", \\\"duplicate\\\"] } } }) {\\n"                     \
	"      nodes { id identifier title description url priority estimate " \
	"dueDate updatedAt\\n"                                                 \
	"        state { id name type } team { id name key } "                 \
	"project { id name } }\\n"                                             \
	"      pageInfo { hasNextPage endCursor }\\n    }\\n  }\\n}\","
#define BY_ID                                                                  \
	"{\"query\":\"query IssuesById($ids: [ID!]!, $first: Int!) {\\n"       \
	"  issues(first: $first, includeArchived: true, filter: { id: { in: "  \
	"$ids } }) {\\n"                                                       \
	"    nodes { id identifier archivedAt trashed completedAt canceledAt " \
	"state { id type } team { id } assignee { id } }\\n"                   \
	"    pageInfo { hasNextPage endCursor }\\n  }\\n}\","
#define SET_STATE                                                              \
	"{\"query\":\"mutation SetIssueState($id: String!, $stateId: "         \
	"String!) {\\n"                                                        \
	"  issueUpdate(id: $id, input: { stateId: $stateId }) {\\n"            \
	"    success\\n"                                                       \
	"    issue { id identifier completedAt canceledAt updatedAt "          \
	"state { id type } team { id } }\\n  }\\n}\","
#define TEAM_STATES                                                            \
	"{\"query\":\"query TeamStates($team: String!, $first: Int!) {\\n"     \
	"  team(id: $team) {\\n    id key\\n"                                  \
	"    defaultIssueState { id type }\\n"                                 \
	"    states(first: $first) { nodes { id name type position } "         \
	"pageInfo { hasNextPage endCursor } }\\n  }\\n}\","
#define ALL_STATES                                                             \
	"{\"query\":\"query AllStates($first: Int!, $after: String) {\\n"      \
	"  workflowStates(first: $first, after: $after,\\n"                    \
	"    filter: { type: { in: [\\\"completed\\\", \\\"unstarted\\\", "    \
	"\\\"backlog\\\"] } }) {\\n"                                           \
	"    nodes { id name type position team { id } }\\n"                   \
	"    pageInfo { hasNextPage endCursor }\\n  }\\n}\","

static void
assert_sends(struct http_request *req, const char *body)
{
	struct expected_request want = { HTTP_POST, BASE "/graphql", key,
		body };

	assert_request(req, &want);
}

static struct push
push_of(enum wish wish, const struct connection *conn, const char *metadata)
{
	return (struct push){ .conn = conn,
		.base_url = BASE,
		.source_id = ISSUE,
		.source_metadata = metadata,
		.wish = wish,
		.command_id = "11111111-2222-4333-8444-555555555555" };
}

/* --- Lists ---------------------------------------------------------------- */

static void
test_a_list_asks_for_what_is_not_closed(void **state)
{
	struct http_request req = HTTP_REQUEST_INIT;
	struct http_request next = HTTP_REQUEST_INIT;

	(void)state;
	assert_int_equal(linear->list_request(&mine, BASE, NULL, &req), OK);
	assert_sends(&req, ACTIVE "\"variables\":{\"first\":250}}");
	assert_int_equal(linear->list_request(&mine, BASE, "a\"b", &next), OK);
	assert_sends(&next,
	    ACTIVE "\"variables\":{\"first\":250,\"after\":\"a\\\"b\"}}");
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
		assert_int_equal(
		    linear->list_request(&conn, BASE, NULL, &req), OK);
		assert_string_equal(
		    req.authorization.ptr, keys[i].authorization);
		http_request_done(&req);
		free(copy);
	}
}

static enum err
list(const char *cursor, struct http_response *res, struct page *page,
    struct answer *failure)
{
	enum err err;

	memset(page, 0, sizeof(*page));
	memset(failure, 0, sizeof(*failure));
	err = linear->list_response(&mine, cursor, res, page, failure);
	http_response_done(res);
	return err;
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
		{ LIST "nodes.0.title", NULL },
		{ LIST "nodes.0.title", "null" },
		{ LIST "nodes.0.url", "7" },
		{ LIST "nodes.0.state", NULL },
		{ LIST "nodes.0.state", "\"Done\"" },
		{ LIST "nodes.0.state.id", NULL },
		{ LIST "nodes.0.state.type", "7" },
		{ LIST "nodes.0.team", "null" },
		{ LIST "nodes.0.team.id", "7" },
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
		assert_verdict(body, &failure, &bad_answer);
		assert_null(page.items.list);
		assert_null(page.account_id);
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
	static const struct verdict server = { OUTCOME_UNKNOWN,
		REASON_SERVER_ERROR, 0 };
	struct http_response res =
	    answered_file(200, "linear/list_with_errors.json");
	char *text = fixture("linear/list_with_errors.json");
	struct answer failure;
	struct page page;

	(void)state;
	assert_int_equal(list(NULL, &res, &page, &failure), ERR_REMOTE);
	assert_verdict("errors", &failure, &server);
	for (size_t i = 0; i < COUNT(odd); i++) {
		char *body = changed(text, &odd[i]);
		res = answered(200, JSON_TYPE, body);
		assert_int_equal(list(NULL, &res, &page, &failure), ERR_REMOTE);
		assert_verdict(body, &failure, &bad_answer);
		free(body);
	}
	free(text);
}

/* --- Errors --------------------------------------------------------------- */

#define RESET_MS INT64_C(90000) /* of the bucket, from now */
#define EDGE_MS 4000            /* Retry-After */

/* clang-format off */
static const struct {
	int status;
	const char *file;
	struct verdict verdict;
} errors[] = {
	{ 401, "linear/error_authentication.json",  { OUTCOME_AUTH_FAILED, REASON_AUTH_FAILED, 0 } },
	{ 200, "linear/error_authentication.json",  { OUTCOME_AUTH_FAILED, REASON_AUTH_FAILED, 0 } },
	{ 401, "linear/error_502.html",             { OUTCOME_AUTH_FAILED, REASON_AUTH_FAILED, 0 } },
	{ 400, "linear/error_key_as_bearer.json",   { OUTCOME_AUTH_FAILED, REASON_AUTH_FAILED, 0 } },
	{ 403, "linear/error_forbidden.json",       { OUTCOME_REJECTED, REASON_FORBIDDEN, 0 } },
	{ 200, "linear/error_forbidden.json",       { OUTCOME_REJECTED, REASON_FORBIDDEN, 0 } },
	{ 403, "linear/error_502.html",             { OUTCOME_REJECTED, REASON_FORBIDDEN, 0 } },
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
	{ 400, "linear/error_502.html",             { OUTCOME_REJECTED, REASON_REFUSED, 0 } },
	/* One URL for all: this says nothing of an issue. */
	{ 404, "linear/error_502.html",             { OUTCOME_REJECTED, REASON_REFUSED, 0 } },
	{ 408, "linear/error_502.html",             { OUTCOME_UNKNOWN, REASON_TIMEOUT, 0 } },
	{ 410, "linear/error_502.html",             { OUTCOME_REJECTED, REASON_GONE_API, 0 } },
	{ 302, "linear/error_502.html",             { OUTCOME_REJECTED, REASON_REFUSED, 0 } },
	{ 502, "linear/error_502.html",             { OUTCOME_UNKNOWN, REASON_SERVER_ERROR, 0 } },
	{ 200, "linear/error_502.html",             { OUTCOME_UNKNOWN, REASON_BAD_ANSWER, 0 } },
};

/* {"errors":[{"message":message,"extensions":extensions}],"data":null} */
static const struct {
	int status;
	const char *message, *extensions;
	struct verdict verdict;
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
    const char *what, struct http_response *res, const struct verdict *want)
{
	struct push push = push_of(WISH_COMPLETE, &taught, STORED);
	struct answer answer;
	struct page page;

	res->reset_at_ms = NOW_MS + RESET_MS;
	res->retry_after_ms = EDGE_MS;
	linear->write_response(&push, res, &answer);
	assert_verdict(what, &answer, want);
	assert_int_equal(list(NULL, res, &page, &answer), err_of(want));
	assert_verdict(what, &answer, want);
}

static void
test_every_error_has_its_meaning(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(errors); i++) {
		struct http_response res =
		    answered_file(errors[i].status, errors[i].file);
		assert_both(errors[i].file, &res, &errors[i].verdict);
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
		assert_both(shapes[i].extensions, &res, &shapes[i].verdict);
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
		struct verdict verdict;
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
		assert_both(cuts[i].why, &res, &cuts[i].verdict);
	}
}

/* --- Workflow states ------------------------------------------------------ */

static void
test_states_are_asked_for_page_by_page(void **state)
{
	struct http_request req = HTTP_REQUEST_INIT;
	struct http_request next = HTTP_REQUEST_INIT;

	(void)state;
	assert_null(linear->account_request);
	assert_int_equal(linear->metadata_request(&mine, BASE, NULL, &req), OK);
	assert_sends(&req, ALL_STATES "\"variables\":{\"first\":250}}");
	assert_int_equal(
	    linear->metadata_request(&mine, BASE, "cDI=", &next), OK);
	assert_sends(&next,
	    ALL_STATES "\"variables\":{\"first\":250,\"after\":\"cDI=\"}}");
}

static void
test_the_first_completed_state_of_each_team_is_kept(void **state)
{
	struct http_response res =
	    answered_file(200, "linear/all_states_first_page.json");
	struct answer failure;
	char *patch = NULL, *cursor = NULL;

	(void)state;
	assert_int_equal(
	    linear->metadata_response(&res, &patch, &cursor, &failure), OK);
	assert_string_equal(cursor, "cDI=");
	/* The same page again would never end. */
	free(cursor);
	cursor = NULL;
	assert_int_equal(
	    linear->metadata_response(&res, &patch, &cursor, &failure),
	    ERR_REMOTE);
	assert_null(cursor);
	http_response_done(&res);
	res = answered_file(200, "linear/all_states_last_page.json");
	assert_int_equal(
	    linear->metadata_response(&res, &patch, &cursor, &failure), OK);
	assert_null(cursor);
	/* Teams b and d have no completed state. */
	assert_json_equal(patch,
	    "{\"teamDoneStates\":{\"team-a\":\"a-early\",\"team-c\":"
	    "\"c-done\"}}");
	free(patch);
	http_response_done(&res);
}

static void
test_states_with_one_odd_thing_are_refused_whole(void **state)
{
	static const struct change odd[] = {
		{ "data.workflowStates", "null" },
		{ "data.workflowStates.nodes", NULL },
		{ "data.workflowStates.nodes.0", "null" },
		{ "data.workflowStates.nodes.0.id", "7" },
		{ "data.workflowStates.nodes.0.type", NULL },
		{ "data.workflowStates.nodes.0.position", "\"1\"" },
		{ "data.workflowStates.nodes.0.team", "null" },
		{ "data.workflowStates.pageInfo", NULL },
		{ "errors", "[{}]" },
	};
	char *text = fixture("linear/all_states_last_page.json");

	(void)state;
	for (size_t i = 0; i < COUNT(odd); i++) {
		char *body = changed(text, &odd[i]);
		struct http_response res = answered(200, JSON_TYPE, body);
		struct answer failure;
		char *patch = NULL, *cursor = NULL;
		if (linear->metadata_response(
			&res, &patch, &cursor, &failure) != ERR_REMOTE)
			fail_msg("taken for states: %s", body);
		assert_null(patch);
		assert_null(cursor);
		http_response_done(&res);
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
		assert_verdict(body, &failure, &bad_answer);
		assert_null(items.list);
		http_response_done(&res);
		free(body);
	}
	free(text);
}

/* --- From a wish to a state ----------------------------------------------- */

#define ASKS_ISSUE BY_ID "\"variables\":{\"ids\":[\"" ISSUE "\"],\"first\":1}}"
#define ASKS_STATES(team)                                                      \
	TEAM_STATES "\"variables\":{\"team\":\"" team "\",\"first\":250}}"
#define SETS(state)                                                            \
	SET_STATE "\"variables\":{\"id\":\"" ISSUE "\",\"stateId\":\"" state   \
		  "\"}}"

/* A question that must be asked, and its answer (a 200). */
struct exchange {
	const char *body, *file;
};

struct course {
	const char *name;
	enum wish wish;
	const struct connection *conn;
	const char *metadata;
	bool is_refused;
	struct exchange asks[4];
	const char *write; /* NULL: it is decided without one */
	enum outcome outcome;
	enum reason reason;
	const char *patch;
};

#define LEARNT                                                                 \
	"{\"teamDoneStates\":{\"" TEAM "\":\"s-done\",\"team-b\":\"s-b\"}}"
#define STATES "linear/team_states.json"
#define OPEN "linear/issue_open.json"

/* clang-format off */
static const struct course courses[] = {
	{ "complete, cached", WISH_COMPLETE, &taught, STORED, false,
	  { { 0 } }, SETS("s-cached"), 0, 0, NULL },
	{ "complete, team's states unknown", WISH_COMPLETE, &half_taught, STORED, false,
	  { { ASKS_STATES(TEAM), STATES } }, SETS("s-done"), 0, 0, LEARNT },
	{ "complete, nothing known", WISH_COMPLETE, &mine, NULL, false,
	  { { ASKS_ISSUE, OPEN }, { ASKS_STATES(TEAM), STATES } }, SETS("s-done"), 0, 0,
	  "{\"teamDoneStates\":{\"" TEAM "\":\"s-done\"}}" },
	{ "complete, team unknown but its state cached", WISH_COMPLETE, &taught, "{}", false,
	  { { ASKS_ISSUE, OPEN } }, SETS("s-cached"), 0, 0, NULL },
	{ "complete, no completed state", WISH_COMPLETE, &half_taught, STORED, false,
	  { { ASKS_STATES(TEAM), "linear/team_states_without_done.json" } },
	  NULL, OUTCOME_REJECTED, REASON_NO_DONE_STATE, "{\"teamDoneStates\":{\"team-b\":\"s-b\"}}" },
	{ "complete, refused", WISH_COMPLETE, &taught, STORED, true,
	  { { ASKS_ISSUE, OPEN }, { ASKS_STATES(TEAM), STATES } }, SETS("s-done"), 0, 0, LEARNT },
	{ "complete, refused because the team changed", WISH_COMPLETE, &taught, STORED, true,
	  { { ASKS_ISSUE, "linear/issue_moved_team.json" }, { ASKS_STATES("team-new"), STATES } },
	  SETS("s-done"), 0, 0,
	  "{\"teamDoneStates\":{\"" TEAM "\":\"s-cached\",\"team-b\":\"s-b\",\"team-new\":\"s-done\"}}" },
	{ "complete, refused, stale entry goes", WISH_COMPLETE, &taught, STORED, true,
	  { { ASKS_ISSUE, OPEN }, { ASKS_STATES(TEAM), "linear/team_states_without_done.json" } },
	  NULL, OUTCOME_REJECTED, REASON_NO_DONE_STATE, "{\"teamDoneStates\":{\"team-b\":\"s-b\"}}" },
	{ "complete, refused, completed meanwhile", WISH_COMPLETE, &taught, STORED, true,
	  { { ASKS_ISSUE, "linear/issue_completed.json" } }, NULL, OUTCOME_ACCEPTED, REASON_ALREADY_DONE, NULL },
	{ "complete, issue gone", WISH_COMPLETE, &mine, NULL, false,
	  { { ASKS_ISSUE, "linear/issue_not_returned.json" } }, NULL, OUTCOME_REJECTED, REASON_NOT_FOUND, NULL },
	{ "complete, issue in the trash", WISH_COMPLETE, &mine, NULL, false,
	  { { ASKS_ISSUE, "linear/issue_trashed.json" } }, NULL, OUTCOME_REJECTED, REASON_NOT_FOUND, NULL },
	{ "complete, old team gone", WISH_COMPLETE, &mine, STORED, false,
	  { { ASKS_STATES(TEAM), "linear/error_team_not_found.json" },
	    { ASKS_ISSUE, "linear/issue_moved_team.json" }, { ASKS_STATES("team-new"), STATES } },
	  SETS("s-done"), 0, 0, "{\"teamDoneStates\":{\"team-new\":\"s-done\"}}" },
	{ "complete, team gone for good", WISH_COMPLETE, &mine, STORED, false,
	  { { ASKS_STATES(TEAM), "linear/error_team_not_found.json" }, { ASKS_ISSUE, OPEN },
	    { ASKS_STATES(TEAM), "linear/error_team_not_found.json" } },
	  NULL, OUTCOME_REJECTED, REASON_STATE_REFUSED, NULL },
	{ "uncomplete, state before known", WISH_UNCOMPLETE, &taught, STORED, false,
	  { { 0 } }, SETS(STATE), 0, 0, NULL },
	{ "uncomplete, state before unknown", WISH_UNCOMPLETE, &half_taught, "{\"team_id\":\"" TEAM "\"}", false,
	  { { ASKS_STATES(TEAM), STATES } }, SETS("s-backlog"), 0, 0, LEARNT },
	{ "uncomplete, state before closed", WISH_UNCOMPLETE, &half_taught,
	  "{\"team_id\":\"" TEAM "\",\"state_id\":\"x\",\"state_type\":\"completed\"}", false,
	  { { ASKS_STATES(TEAM), STATES } }, SETS("s-backlog"), 0, 0, LEARNT },
	{ "uncomplete, refused, default closed", WISH_UNCOMPLETE, &half_taught, STORED, true,
	  { { ASKS_ISSUE, "linear/issue_completed.json" },
	    { ASKS_STATES(TEAM), "linear/team_states_default_closed.json" } },
	  SETS("s-todo"), 0, 0, LEARNT },
	{ "uncomplete, refused, only a backlog", WISH_UNCOMPLETE, &half_taught, STORED, true,
	  { { ASKS_ISSUE, "linear/issue_completed.json" },
	    { ASKS_STATES(TEAM), "linear/team_states_only_backlog.json" } },
	  SETS("s-backlog"), 0, 0, "{\"teamDoneStates\":{\"" TEAM "\":\"s-late-done\",\"team-b\":\"s-b\"}}" },
	{ "uncomplete, nothing known and open", WISH_UNCOMPLETE, &mine, NULL, false,
	  { { ASKS_ISSUE, OPEN } }, NULL, OUTCOME_ACCEPTED, REASON_ALREADY_DONE, NULL },
	{ "complete, asking is limited", WISH_COMPLETE, &mine, STORED, false,
	  { { ASKS_STATES(TEAM), "linear/error_ratelimited.json" } },
	  NULL, OUTCOME_RATE_LIMITED, REASON_RATE_LIMITED, NULL },
	{ "complete, the key is dead", WISH_COMPLETE, &mine, STORED, false,
	  { { ASKS_STATES(TEAM), "linear/error_authentication.json" } },
	  NULL, OUTCOME_AUTH_FAILED, REASON_AUTH_FAILED, NULL },
	{ "complete, asking gets a web page", WISH_COMPLETE, &mine, STORED, false,
	  { { ASKS_STATES(TEAM), "linear/error_502.html" } },
	  NULL, OUTCOME_UNKNOWN, REASON_BAD_ANSWER, NULL },
	{ "complete, another query's answer", WISH_COMPLETE, &mine, STORED, false,
	  { { ASKS_STATES(TEAM), OPEN } }, NULL, OUTCOME_UNKNOWN, REASON_BAD_ANSWER, NULL },
};
/* clang-format on */

/* Ask what must be asked; did that decide it? */
static bool
walk(const struct course *c, struct push *push, struct answer *answer)
{
	bool decided = false, asks = true;

	for (size_t i = 0; i <= COUNT(c->asks) && !decided; i++) {
		struct http_request req = HTTP_REQUEST_INIT;
		struct http_response res;

		assert_int_equal(linear->ask_request(push, &asks, &req), OK);
		if (!asks)
			break;
		if (i == COUNT(c->asks) || c->asks[i].body == NULL)
			fail_msg("%s: asks too much", c->name);
		assert_sends(&req, c->asks[i].body);
		res = answered_file(200, c->asks[i].file);
		assert_int_equal(
		    linear->ask_response(push, &res, &decided, answer), OK);
		http_response_done(&res);
	}
	return decided;
}

static void
test_a_wish_finds_its_state(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(courses); i++) {
		const struct course *c = &courses[i];
		struct verdict verdict = { c->outcome, c->reason, -1 };
		struct push push = push_of(c->wish, c->conn, c->metadata);
		struct http_request req = HTTP_REQUEST_INIT;
		struct answer answer;

		push.is_refused = c->is_refused;
		if (walk(c, &push, &answer)) {
			if (c->write != NULL)
				fail_msg("%s: decided", c->name);
			assert_verdict(c->name, &answer, &verdict);
		} else {
			if (c->write == NULL)
				fail_msg("%s: undecided", c->name);
			assert_int_equal(
			    linear->write_request(&push, &req), OK);
			assert_sends(&req, c->write);
		}
		if (c->patch != NULL)
			assert_json_equal(push.metadata_patch, c->patch);
		else
			assert_null(push.metadata_patch);
		push_done(&push);
	}
}

/* The caller changes is_refused only: what push noted on the first way must
 * not keep it from asking anew. */
static void
test_a_refused_state_is_asked_for_anew_after_any_first_way(void **state)
{
	static const struct course first = { "first", WISH_COMPLETE, &mine,
		NULL, false,
		{ { ASKS_ISSUE, OPEN }, { ASKS_STATES(TEAM), STATES } }, "", 0,
		0, NULL };
	static const struct course second = { "second", WISH_COMPLETE, &mine,
		NULL, true,
		{ { ASKS_ISSUE, "linear/issue_moved_team.json" },
		    { ASKS_STATES("team-new"),
			"linear/team_states_only_backlog.json" } },
		"", 0, 0, NULL };
	struct push push = push_of(WISH_COMPLETE, &mine, NULL);
	struct http_request req = HTTP_REQUEST_INIT;
	struct answer answer;

	(void)state;
	assert_false(walk(&first, &push, &answer));
	assert_string_equal(push.target, "s-done");
	push.is_refused = true;
	assert_false(walk(&second, &push, &answer));
	assert_int_equal(linear->write_request(&push, &req), OK);
	assert_sends(&req, SETS("s-late-done"));
	push_done(&push);
}

static void
test_states_that_are_odd_decide_nothing(void **state)
{
	static const struct change odd[] = {
		{ "data.team", "null" },
		{ "data.team.states", "null" },
		{ "data.team.states.nodes.2.id", "7" },
		{ "data.team.states.nodes.2.type", NULL },
		{ "data.team.states.nodes.2.position", "null" },
		{ "data.team.states.pageInfo.hasNextPage", "true" },
		{ "data.team.states.nodes.2.id",
		    "\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
		    "aaaaaaaaaaaaaaaa\"" },
	};
	char *text = fixture(STATES);

	(void)state;
	for (size_t i = 0; i < COUNT(odd); i++) {
		struct push push = push_of(WISH_COMPLETE, &mine, STORED);
		char *body = changed(text, &odd[i]);
		struct http_response res = answered(200, JSON_TYPE, body);
		struct answer answer;
		bool decided = false;
		assert_int_equal(
		    linear->ask_response(&push, &res, &decided, &answer), OK);
		assert_true(decided);
		assert_verdict(body, &answer, &bad_answer);
		http_response_done(&res);
		push_done(&push);
		free(body);
	}
	free(text);
}

/* --- Writing -------------------------------------------------------------- */

static void
test_a_write_is_accepted_when_the_issue_is_as_wished(void **state)
{
	/* clang-format off */
	static const struct {
		enum wish wish;
		const char *file;
		struct change change;
		struct verdict verdict;
	} answers[] = {
		{ WISH_COMPLETE, "linear/update_completed.json", { "data.issueUpdate.success", "true" }, { OUTCOME_ACCEPTED, REASON_DONE, 0 } },
		{ WISH_UNCOMPLETE, "linear/update_started.json", { "data.issueUpdate.success", "true" }, { OUTCOME_ACCEPTED, REASON_DONE, 0 } },
		{ WISH_UNCOMPLETE, "linear/update_started.json", { "data.issueUpdate.issue.state.type", "\"new\"" }, { OUTCOME_ACCEPTED, REASON_DONE, 0 } },
		{ WISH_COMPLETE, "linear/update_completed.json", { "errors", "[]" }, { OUTCOME_ACCEPTED, REASON_DONE, 0 } },
		{ WISH_COMPLETE, "linear/update_completed.json", { "data.issueUpdate.success", "false" }, { OUTCOME_REJECTED, REASON_REFUSED, 0 } },
		{ WISH_COMPLETE, "linear/update_completed.json", { "data.issueUpdate.success", NULL }, { OUTCOME_UNKNOWN, REASON_BAD_ANSWER, 0 } },
		{ WISH_COMPLETE, "linear/update_completed.json", { "data.issueUpdate.success", "\"true\"" }, { OUTCOME_UNKNOWN, REASON_BAD_ANSWER, 0 } },
		{ WISH_COMPLETE, "linear/update_completed.json", { "data.issueUpdate.issue", "null" }, { OUTCOME_UNKNOWN, REASON_BAD_ANSWER, 0 } },
		{ WISH_COMPLETE, "linear/update_completed.json", { "data.issueUpdate.issue.state.type", NULL }, { OUTCOME_UNKNOWN, REASON_BAD_ANSWER, 0 } },
		{ WISH_COMPLETE, "linear/update_completed.json", { "data.issueUpdate", "null" }, { OUTCOME_UNKNOWN, REASON_BAD_ANSWER, 0 } },
		{ WISH_COMPLETE, "linear/update_completed.json", { "data", "null" }, { OUTCOME_UNKNOWN, REASON_BAD_ANSWER, 0 } },
		{ WISH_COMPLETE, "linear/update_completed.json", { "data", NULL }, { OUTCOME_UNKNOWN, REASON_BAD_ANSWER, 0 } },
		{ WISH_COMPLETE, "linear/update_started.json", { "data.issueUpdate.success", "true" }, { OUTCOME_UNKNOWN, REASON_BAD_ANSWER, 0 } },
		{ WISH_UNCOMPLETE, "linear/update_completed.json", { "data.issueUpdate.success", "true" }, { OUTCOME_UNKNOWN, REASON_BAD_ANSWER, 0 } },
		/* It was refused, yet it was done: nobody knows. */
		{ WISH_COMPLETE, "linear/update_completed.json", { "errors", "[{\"extensions\":{\"type\":\"forbidden\"}}]" }, { OUTCOME_UNKNOWN, REASON_BAD_ANSWER, 0 } },
	};
	/* clang-format on */

	(void)state;
	for (size_t i = 0; i < COUNT(answers); i++) {
		struct push push = push_of(answers[i].wish, &taught, STORED);
		char *text = fixture(answers[i].file);
		char *body = changed(text, &answers[i].change);
		struct http_response res = answered(200, JSON_TYPE, body);
		struct answer answer;
		linear->write_response(&push, &res, &answer);
		assert_verdict(body, &answer, &answers[i].verdict);
		http_response_done(&res);
		free(body);
		free(text);
	}
}

static void
test_a_write_without_a_state_or_with_an_odd_id_is_not_sent(void **state)
{
	struct push push = push_of(WISH_COMPLETE, &mine, NULL);
	struct http_request req = HTTP_REQUEST_INIT;

	(void)state;
	assert_int_equal(linear->write_request(&push, &req), ERR_BUG);
	push = push_of(WISH_COMPLETE, &taught, STORED);
	push.source_id = "a b";
	assert_int_equal(linear->write_request(&push, &req), ERR_INPUT);
	http_request_done(&req);
}

static void
test_a_wish_is_fulfilled_by_what_the_issue_shows(void **state)
{
	static const struct {
		enum item_state state;
		bool complete, uncomplete;
	} states[] = {
		{ ITEM_OPEN, false, true },
		{ ITEM_COMPLETED, true, false },
		{ ITEM_CANCELED, false, false },
		{ ITEM_DUPLICATE, false, false },
		{ ITEM_DELETED, true, false },
		{ ITEM_ARCHIVED, false, true },
		{ ITEM_REASSIGNED, false, true },
		{ ITEM_NOT_VISIBLE, true, false },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(states); i++) {
		struct item now = { .state = states[i].state };
		struct push push = push_of(WISH_COMPLETE, &mine, NULL);
		assert_int_equal(
		    linear->fulfilment(&push, &now), states[i].complete);
		push.wish = WISH_UNCOMPLETE;
		assert_int_equal(
		    linear->fulfilment(&push, &now), states[i].uncomplete);
	}
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
		cmocka_unit_test(test_data_beside_errors_is_no_page),
		cmocka_unit_test(test_every_error_has_its_meaning),
		cmocka_unit_test(
		    test_errors_are_decided_by_code_then_type_then_status),
		cmocka_unit_test(
		    test_a_wait_is_the_reset_else_the_header_else_unknown),
		cmocka_unit_test(test_a_request_that_was_cut_is_unknown),
		cmocka_unit_test(test_states_are_asked_for_page_by_page),
		cmocka_unit_test(
		    test_the_first_completed_state_of_each_team_is_kept),
		cmocka_unit_test(
		    test_states_with_one_odd_thing_are_refused_whole),
		cmocka_unit_test(test_issues_are_read_by_id_in_one_request),
		cmocka_unit_test(test_a_full_batch_fits_a_request),
		cmocka_unit_test(
		    test_an_item_by_id_has_the_state_that_the_answer_shows),
		cmocka_unit_test(
		    test_trash_wins_over_completed_and_completed_over_archived),
		cmocka_unit_test(
		    test_a_read_with_one_odd_thing_is_refused_whole),
		cmocka_unit_test(test_a_wish_finds_its_state),
		cmocka_unit_test(
		    test_a_refused_state_is_asked_for_anew_after_any_first_way),
		cmocka_unit_test(test_states_that_are_odd_decide_nothing),
		cmocka_unit_test(
		    test_a_write_is_accepted_when_the_issue_is_as_wished),
		cmocka_unit_test(
		    test_a_write_without_a_state_or_with_an_odd_id_is_not_sent),
		cmocka_unit_test(
		    test_a_wish_is_fulfilled_by_what_the_issue_shows),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
