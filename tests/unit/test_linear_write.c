/* Writing to Linear: the way from a wish to a state, and what came of it. */
#include "linear_test.h"

/* --- Workflow states ------------------------------------------------------ */

static void
test_states_are_asked_for_page_by_page(void **state)
{
	struct http_request req = HTTP_REQUEST_INIT;
	struct http_request next = HTTP_REQUEST_INIT;

	(void)state;
	assert_int_equal(linear->metadata_request(&mine, BASE, NULL, &req), OK);
	assert_sends(&req, ALL_STATES "\"variables\":{\"first\":250}}");
	assert_int_equal(
	    linear->metadata_request(&mine, BASE, "cDI=", &next), OK);
	assert_sends(&next,
	    ALL_STATES "\"variables\":{\"first\":250,\"after\":\"cDI=\"}}");
}

static void
test_who_the_key_is_can_be_asked_alone(void **state)
{
	struct http_response res = answered(
	    200, JSON_TYPE, "{\"data\":{\"viewer\":{\"id\":\"8f0c2f6e\"}}}");
	struct http_response none =
	    answered(200, JSON_TYPE, "{\"data\":{\"viewer\":null}}");
	struct http_response dead =
	    answered_file(401, "linear/error_authentication.json");
	struct http_request req = HTTP_REQUEST_INIT;
	struct answer failure = { 0 };
	char *id = NULL;

	(void)state;
	assert_true(linear->list_tells_account);
	assert_int_equal(linear->account_request(&mine, BASE, &req), OK);
	assert_sends(&req, "{\"query\":\"query WhoAmI { viewer { id } }\","
			   "\"variables\":{}}");
	assert_int_equal(linear->account_response(&res, &id, &failure), OK);
	assert_string_equal(id, "8f0c2f6e");
	free(id);
	id = NULL;
	assert_int_equal(
	    linear->account_response(&none, &id, &failure), ERR_REMOTE);
	assert_int_equal(
	    linear->account_response(&dead, &id, &failure), ERR_AUTH);
	assert_null(id);
	http_response_done(&res);
	http_response_done(&none);
	http_response_done(&dead);
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
#define UNSTARTED                                                              \
	"{\"team_id\":\"" TEAM "\",\"state_id\":\"" STATE                      \
	"\",\"state_type\":\"unstarted\"}"
#define DONE "linear/issue_completed.json"

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
	  { { ASKS_ISSUE, DONE } }, SETS(STATE), 0, 0, NULL },
	{ "uncomplete, open already", WISH_UNCOMPLETE, &taught, STORED, false,
	  { { ASKS_ISSUE, OPEN } }, NULL, OUTCOME_ACCEPTED, REASON_ALREADY_DONE, NULL },
	{ "uncomplete, gone", WISH_UNCOMPLETE, &taught, STORED, false,
	  { { ASKS_ISSUE, "linear/issue_not_returned.json" } }, NULL, OUTCOME_REJECTED, REASON_NOT_FOUND, NULL },
	{ "uncomplete, state before unknown", WISH_UNCOMPLETE, &half_taught, "{\"team_id\":\"" TEAM "\"}", false,
	  { { ASKS_ISSUE, DONE }, { ASKS_STATES(TEAM), STATES } }, SETS("s-backlog"), 0, 0, LEARNT },
	{ "uncomplete, state before closed", WISH_UNCOMPLETE, &half_taught,
	  "{\"team_id\":\"" TEAM "\",\"state_id\":\"x\",\"state_type\":\"completed\"}", false,
	  { { ASKS_ISSUE, DONE }, { ASKS_STATES(TEAM), STATES } }, SETS("s-backlog"), 0, 0, LEARNT },
	{ "uncomplete, refused, it was started", WISH_UNCOMPLETE, &half_taught, STORED, true,
	  { { ASKS_ISSUE, DONE }, { ASKS_STATES(TEAM), STATES } }, SETS("s-doing"), 0, 0, LEARNT },
	{ "uncomplete, refused, it was not started", WISH_UNCOMPLETE, &half_taught, UNSTARTED, true,
	  { { ASKS_ISSUE, DONE }, { ASKS_STATES(TEAM), STATES } }, SETS("s-backlog"), 0, 0, LEARNT },
	{ "uncomplete, refused, default closed", WISH_UNCOMPLETE, &half_taught, UNSTARTED, true,
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
		struct meaning meaning = { c->outcome, c->reason, -1 };
		struct push push = push_of(c->wish, c->conn, c->metadata);
		struct http_request req = HTTP_REQUEST_INIT;
		struct answer answer;

		push.is_refused = c->is_refused;
		if (walk(c, &push, &answer)) {
			if (c->write != NULL)
				fail_msg("%s: decided", c->name);
			assert_meaning(c->name, &answer, &meaning);
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
		assert_meaning(body, &answer, &bad_answer);
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
		struct meaning meaning;
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
		assert_meaning(body, &answer, &answers[i].meaning);
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
		cmocka_unit_test(test_states_are_asked_for_page_by_page),
		cmocka_unit_test(test_who_the_key_is_can_be_asked_alone),
		cmocka_unit_test(
		    test_the_first_completed_state_of_each_team_is_kept),
		cmocka_unit_test(
		    test_states_with_one_odd_thing_are_refused_whole),
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
