/* What the tests of Linear share. */
#ifndef LINEAR_TEST_H
#define LINEAR_TEST_H

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
static const struct meaning bad_answer = { OUTCOME_UNKNOWN, REASON_BAD_ANSWER,
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

static inline void
assert_sends(struct http_request *req, const char *body)
{
	struct expected_request want = { HTTP_POST, BASE "/graphql", key,
		body };

	assert_request(req, &want);
}

static inline struct push
push_of(enum wish wish, const struct connection *conn, const char *metadata)
{
	return (struct push){ .conn = conn,
		.base_url = BASE,
		.source_id = ISSUE,
		.source_metadata = metadata,
		.wish = wish,
		.command_id = "11111111-2222-4333-8444-555555555555" };
}

static inline enum err
list(const char *cursor, struct http_response *res, struct page *page,
    struct answer *failure)
{
	enum err err;

	memset(page, 0, sizeof(*page));
	memset(failure, 0, sizeof(*failure));
	err = linear->list_response(
	    &mine, cursor, linear->list_max, res, page, failure);
	http_response_done(res);
	return err;
}

#endif
