/* Linear's writes. An issue is completed by giving it a state of its team, so
 * that state must be known first: from the connection's teamDoneStates (or, to
 * reopen, from what the last poll stored), else by asking. An issue that is to
 * be reopened is read first: it may be open already, and somebody else's. If
 * Linear refuses the state (the issue changed its team, the state was
 * archived), another one is chosen, once. */
#include "linear.h"

#include <stdlib.h>
#include <string.h>

#include "core/json.h"

static const char set_issue_state[] =
    "mutation SetIssueState($id: String!, $stateId: String!) {\n"
    "  issueUpdate(id: $id, input: { stateId: $stateId }) {\n"
    "    success\n"
    "    issue { id identifier completedAt canceledAt updatedAt "
    "state { id type } team { id } }\n"
    "  }\n"
    "}";

static const char team_states[] =
    "query TeamStates($team: String!, $first: Int!) {\n"
    "  team(id: $team) {\n"
    "    id key\n"
    "    defaultIssueState { id type }\n"
    "    states(first: $first) { nodes { id name type position } "
    "pageInfo { hasNextPage endCursor } }\n"
    "  }\n"
    "}";

/* What is known without asking. It borrows from its own JSON and from push. */
struct plan {
	cJSON *item, *connection;
	const char *team;   /* NULL: unknown */
	const char *target; /* NULL: unknown */
};

/* The state before the completion, as the last poll saw it. */
static const char *
state_before(const cJSON *item)
{
	const char *type = json_str(item, "state_type");

	if (type != NULL && linear_is_closed(type))
		return NULL;
	return provider_id(item, "state_id");
}

static struct plan
plan_make(const struct push *push)
{
	struct plan plan = {
		.item = provider_object(push->source_metadata),
		.connection = provider_object(push->conn->metadata),
	};
	const cJSON *done = json_path(plan.connection, "teamDoneStates", NULL);

	plan.team = push->team_id[0] != '\0'
			? push->team_id
			: provider_id(plan.item, "team_id");
	if (push->target[0] != '\0')
		plan.target = push->target;
	else if (push->wish == WISH_UNCOMPLETE)
		plan.target = state_before(plan.item);
	else if (plan.team != NULL)
		plan.target = provider_id(done, plan.team);
	return plan;
}

static void
plan_done(struct plan *plan)
{
	cJSON_Delete(plan->item);
	cJSON_Delete(plan->connection);
}

enum question { QUESTION_NONE, QUESTION_ISSUE, QUESTION_STATES };

/* push->knows_item and knows_states are set only after a refusal, because what
 * was known before is what was refused. */
static enum question
next_question(const struct push *push, const struct plan *plan)
{
	/* it may be open already, whoever works on it: then leave it as it
	 * is */
	if (push->wish == WISH_UNCOMPLETE && !push->is_looked_at)
		return QUESTION_ISSUE;
	if (push->is_refused && !push->knows_item)
		return QUESTION_ISSUE;
	if (push->is_refused && !push->knows_states)
		return QUESTION_STATES;
	if (push->is_refused || plan->target != NULL)
		return QUESTION_NONE;
	return plan->team != NULL ? QUESTION_STATES : QUESTION_ISSUE;
}

static enum err
states_request(
    const struct push *push, const char *team, struct http_request *out)
{
	cJSON *variables = cJSON_CreateObject();
	bool ok;

	ok = cJSON_AddStringToObject(variables, "team", team) != NULL &&
	     cJSON_AddNumberToObject(variables, "first", LINEAR_FIRST) != NULL;
	return linear_request(
	    push->conn, push->base_url, team_states, variables, ok, out);
}

enum err
linear_ask_request(
    const struct push *push, bool *asks, struct http_request *out)
{
	struct plan plan = plan_make(push);
	enum question question = next_question(push, &plan);
	enum err err = OK;

	*asks = question != QUESTION_NONE;
	if (question == QUESTION_ISSUE)
		err = linear_issues_request(
		    push->conn, push->base_url, &push->source_id, 1, out);
	if (question == QUESTION_STATES)
		err = states_request(push, plan.team, out);
	plan_done(&plan);
	return err;
}

/* --- Learning ------------------------------------------------------------- */

/* Copy an id into push's notes. False: it does not fit, so it is no UUID. */
static bool
note(char *to, size_t size, const char *id)
{
	size_t n = strlen(id);

	if (n >= size)
		return false;
	memcpy(to, id, n + 1);
	return true;
}

static bool
is_fulfilled_already(const struct push *push, const struct linear_issue *issue)
{
	if (push->wish == WISH_COMPLETE)
		return strcmp(issue->state_type, "completed") == 0;
	return !linear_is_closed(issue->state_type);
}

/* True: answer says how it ends. */
static bool
learn_issue(struct push *push, const cJSON *json, struct answer *answer)
{
	const cJSON *list = json_path(json, "data", "issues", NULL);
	struct linear_issue issue;
	const char *wrong, *next;
	const cJSON *nodes;

	wrong = linear_list_read(list, NULL, &nodes, &next);
	if (wrong == NULL && nodes->child == NULL) {
		provider_answer(answer, OUTCOME_REJECTED, REASON_NOT_FOUND,
		    "linear: no such issue");
		return true;
	}
	if (wrong == NULL)
		wrong = linear_issue_read(nodes->child, &issue);
	if (wrong == NULL && strcmp(issue.id, push->source_id) != 0)
		wrong = "another issue than was asked for";
	if (wrong == NULL &&
	    !note(push->team_id, sizeof(push->team_id), issue.team_id))
		wrong = "a team's id that is none";
	if (wrong != NULL) {
		(void)provider_bad_answer(answer, "linear: %s", wrong);
		return true;
	}
	push->knows_item = push->is_refused;
	push->is_looked_at = true;
	if (issue.is_trashed)
		provider_answer(answer, OUTCOME_REJECTED, REASON_NOT_FOUND,
		    "linear: the issue is in the trash");
	else if (is_fulfilled_already(push, &issue))
		provider_answer(answer, OUTCOME_ACCEPTED, REASON_ALREADY_DONE,
		    "linear: it is so already");
	else
		return false;
	return true;
}

/* The first state of a type in the team's order. id NULL: there is none. */
static struct linear_state
first_of_type(const cJSON *nodes, const char *type)
{
	struct linear_state best = { 0 }, state;
	const cJSON *node;

	cJSON_ArrayForEach(node, nodes)
	{
		if (linear_state_read(node, &state) != NULL ||
		    strcmp(state.type, type) != 0)
			continue;
		if (best.id == NULL || linear_state_precedes(&state, &best))
			best = state;
	}
	return best;
}

static bool
was_started(const struct push *push)
{
	cJSON *item = provider_object(push->source_metadata);
	const char *type = json_str(item, "state_type");
	bool is_started = type != NULL && strcmp(type, "started") == 0;

	cJSON_Delete(item);
	return is_started;
}

/* The state to reopen with when the one before is unknown or gone. It is the
 * team's first started state if the issue was in one, as in Flowpin's client;
 * else the team's default for new issues, unless that is closed too. */
static const char *
choose_open(const struct push *push, const cJSON *team, const cJSON *nodes)
{
	const cJSON *state = json_path(team, "defaultIssueState", NULL);
	const char *type = json_str(state, "type");
	const char *id = NULL;

	if (was_started(push))
		id = first_of_type(nodes, "started").id;
	if (id != NULL)
		return id;
	id = provider_id(state, "id");
	if (id != NULL && type != NULL && !linear_is_closed(type))
		return id;
	id = first_of_type(nodes, "unstarted").id;
	return id != NULL ? id : first_of_type(nodes, "backlog").id;
}

/* Put the connection's teamDoneStates, with what was learnt of one team, into
 * push's patch. The caller stores it, so that the next completion need not
 * ask. */
static enum err
remember(struct push *push, const char *done)
{
	struct plan plan = plan_make(push);
	const cJSON *known = json_path(plan.connection, "teamDoneStates", NULL);
	cJSON *patch = cJSON_CreateObject();
	cJSON *states = cJSON_IsObject(known) ? cJSON_Duplicate(known, true)
					      : cJSON_CreateObject();
	char *text = NULL;
	bool ok = true;
	enum err err;

	cJSON_DeleteItemFromObjectCaseSensitive(states, plan.team);
	if (done != NULL)
		ok = cJSON_AddStringToObject(states, plan.team, done) != NULL;
	if (!cJSON_AddItemToObject(patch, "teamDoneStates", states)) {
		cJSON_Delete(states);
		ok = false;
	}
	err = provider_text(patch, ok, &text);
	if (!err) {
		free(push->metadata_patch);
		push->metadata_patch = text;
	}
	plan_done(&plan);
	return err;
}

static const char *
check_states(const cJSON *team, const cJSON **nodes)
{
	const char *wrong, *next;
	struct linear_state state;
	const cJSON *node;

	wrong = linear_list_read(
	    json_path(team, "states", NULL), NULL, nodes, &next);
	if (wrong == NULL && next != NULL)
		wrong = "more states than fit a page";
	if (wrong != NULL)
		return wrong;
	cJSON_ArrayForEach(node, *nodes)
	{
		wrong = linear_state_read(node, &state);
		if (wrong != NULL)
			return wrong;
	}
	return NULL;
}

/* True: answer says how it ends. */
static bool
learn_states(struct push *push, const cJSON *json, struct answer *answer)
{
	const cJSON *team = json_path(json, "data", "team", NULL);
	const char *wrong, *done, *target;
	const cJSON *nodes;

	wrong = check_states(team, &nodes);
	if (wrong != NULL) {
		(void)provider_bad_answer(answer, "linear: %s", wrong);
		return true;
	}
	done = first_of_type(nodes, "completed").id;
	if (remember(push, done) != OK) {
		(void)provider_no_memory(answer);
		return true;
	}
	target =
	    push->wish == WISH_COMPLETE ? done : choose_open(push, team, nodes);
	if (target == NULL) {
		provider_answer(answer, OUTCOME_REJECTED,
		    push->wish == WISH_COMPLETE ? REASON_NO_DONE_STATE
						: REASON_STATE_REFUSED,
		    "linear: the team has no state for it");
		return true;
	}
	if (!note(push->target, sizeof(push->target), target)) {
		(void)provider_bad_answer(
		    answer, "linear: a state's id that is none");
		return true;
	}
	push->knows_states = push->is_refused;
	return false;
}

/* If the team we asked about does not exist, our stored note is old. The first
 * time that is treated as if the state had been refused. */
static bool
learn_refusal(
    struct push *push, enum question question, const struct answer *answer)
{
	if (question != QUESTION_STATES || push->is_refused ||
	    answer->reason != REASON_STATE_REFUSED)
		return false;
	push->is_refused = true;
	return true;
}

enum err
linear_ask_response(struct push *push, const struct http_response *res,
    bool *decided, struct answer *answer)
{
	struct plan plan = plan_make(push);
	enum question question = next_question(push, &plan);
	cJSON *json = NULL;

	plan_done(&plan);
	if (question == QUESTION_NONE)
		return err_set(ERR_BUG, "linear: nothing was asked");
	if (!linear_read(res, &json, answer))
		*decided = !learn_refusal(push, question, answer);
	else if (question == QUESTION_ISSUE)
		*decided = learn_issue(push, json, answer);
	else
		*decided = learn_states(push, json, answer);
	cJSON_Delete(json);
	return OK;
}

/* --- Writing -------------------------------------------------------------- */

enum err
linear_write_request(const struct push *push, struct http_request *out)
{
	struct plan plan = plan_make(push);
	cJSON *variables;
	enum err err;
	bool ok;

	if (plan.target == NULL) {
		err = err_set(ERR_BUG, "linear: no state was chosen");
		goto out;
	}
	if (!provider_id_is_valid(push->source_id)) {
		err = err_set(ERR_INPUT, "not an issue's id");
		goto out;
	}
	variables = cJSON_CreateObject();
	ok =
	    cJSON_AddStringToObject(variables, "id", push->source_id) != NULL &&
	    cJSON_AddStringToObject(variables, "stateId", plan.target) != NULL;
	err = linear_request(
	    push->conn, push->base_url, set_issue_state, variables, ok, out);
out:
	plan_done(&plan);
	return err;
}

/* Is the issue now in a state that fits the wish? */
static bool
is_as_wished(const struct push *push, const cJSON *update)
{
	const char *type =
	    json_str(json_path(update, "issue", "state", NULL), "type");

	if (type == NULL)
		return false;
	if (push->wish == WISH_COMPLETE)
		return strcmp(type, "completed") == 0;
	return !linear_is_closed(type);
}

void
linear_write_response(const struct push *push, const struct http_response *res,
    struct answer *answer)
{
	const cJSON *update, *success;
	cJSON *json = NULL;
	bool is_read = linear_read(res, &json, answer);

	update = json_path(json, "data", "issueUpdate", NULL);
	success = json_path(update, "success", NULL);
	if (!is_read) {
		/* A refusal beside a success proves nothing: read the issue. */
		if (answer->outcome == OUTCOME_REJECTED &&
		    cJSON_IsTrue(success))
			(void)provider_bad_answer(
			    answer, "linear: both success and errors");
	} else if (cJSON_IsFalse(success)) {
		provider_answer(answer, OUTCOME_REJECTED, REASON_REFUSED,
		    "linear: success is false");
	} else if (cJSON_IsTrue(success) && is_as_wished(push, update)) {
		provider_answer(answer, OUTCOME_ACCEPTED, REASON_DONE,
		    "linear: HTTP %d", res->status);
	} else {
		(void)provider_bad_answer(
		    answer, "linear: the issue is not in the state set");
	}
	cJSON_Delete(json);
}
