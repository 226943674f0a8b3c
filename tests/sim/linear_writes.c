/*
 * Linear's mutations. Everything is looked up before anything is changed, so
 * that a refused update leaves no trace.
 */
#include "linear_schema.h"

#include <string.h>

#include "call.h"
#include "linear.h"
#include "teams.h"

static resolver payload_issue, payload_success, payload_sync;
static resolver hook_webhook, hook_url, hook_types, root_update, root_hook;

static const struct gql_type type_issue_payload = { "IssuePayload",
	DEFS(CALL("success", payload_success), CALL("lastSyncId", payload_sync),
	    OBJECT("issue", payload_issue, &linear_type_issue, NULL)),
	NULL, NULL, NULL, NULL };

static const struct gql_type type_webhook = { "Webhook",
	DEFS(PLACE(linear_page, GQL_TEXT, "id", start),
	    CALL("enabled", linear_true), CALL("url", hook_url),
	    CALL("resourceTypes", hook_types)),
	"team label secret archivedAt createdAt updatedAt", NULL, NULL, NULL };

static const struct gql_type type_webhook_payload = { "WebhookPayload",
	DEFS(CALL("success", linear_true), CALL("lastSyncId", payload_sync),
	    OBJECT("webhook", hook_webhook, &type_webhook, NULL)),
	NULL, NULL, NULL, NULL };

const struct gql_type linear_mutation = { "Mutation",
	DEFS(OBJECT("issueUpdate", root_update, &type_issue_payload,
		 "id:String! input:IssueUpdateInput!"),
	    OBJECT("webhookCreate", root_hook, &type_webhook_payload,
		"input:WebhookCreateInput!")),
	NULL, NULL, NULL, NULL };

static void
hook_webhook(
    struct gql_exec *x, const char *key, void *obj, const struct gql_group *g)
{
	gql_object(x, key, &type_webhook, obj, g);
}

static void
hook_url(
    struct gql_exec *x, const char *key, void *obj, const struct gql_group *g)
{
	struct linear_page *hook = obj;

	(void)g;
	json_str(x->out, key, hook->end);
}

static void
hook_types(
    struct gql_exec *x, const char *key, void *obj, const struct gql_group *g)
{
	(void)obj;
	(void)g;
	json_raw(x->out, key, "[\"Issue\"]");
}

static const char update_input[] =
    "stateId title description priority assigneeId teamId dueDate labelIds "
    "estimate parentId projectId cycleId sortOrder subscriberIds "
    "addedLabelIds removedLabelIds snoozedUntilAt trashed";

static void
check_input(
    struct gql_exec *x, const cJSON *input, const char *type, const char *known)
{
	const cJSON *v;

	cJSON_ArrayForEach(v, input)
	{
		if (gql_has_word(known, v->string))
			continue;
		gql_fail(x, "Field \"%s\" is not defined by type \"%s\".",
		    v->string, type);
		x->bad_document = true;
	}
}

/* Everything is looked up before anything is changed. */
static void
update_issue(struct gql_exec *x, struct item *it, const cJSON *input)
{
	struct call *c = linear_call(x);
	const cJSON *assignee =
	    cJSON_GetObjectItemCaseSensitive(input, "assigneeId");
	const cJSON *due = cJSON_GetObjectItemCaseSensitive(input, "dueDate");
	const cJSON *priority =
	    cJSON_GetObjectItemCaseSensitive(input, "priority");
	const char *state_id = linear_text(input, "stateId");
	const char *team_id = linear_text(input, "teamId");
	struct team *team = team_id ? team_find(it->acc, team_id) : it->team;
	struct wstate *state = NULL;

	if (!team)
		linear_not_found(x, "Team");
	if (team && state_id)
		state = team_state_by_id(team, state_id);
	if (team && state_id && !state)
		linear_not_found(x, "WorkflowState");
	if (x->failed)
		return;
	if (team != it->team) {
		item_set_team(it, team);
		c->applied = true;
	}
	if (state && state != it->state) {
		item_set_wstate(it, state);
		it->moved = false;
		c->applied = true;
	}
	if (linear_text(input, "title")) {
		mem_set(&it->title, linear_text(input, "title"));
		c->applied = true;
	}
	if (assignee) {
		mem_set(&it->assignee, cJSON_GetStringValue(assignee));
		c->applied = true;
	}
	if (due) {
		mem_set(&it->due_date, cJSON_GetStringValue(due));
		c->applied = true;
	}
	if (cJSON_IsNumber(priority) && priority->valuedouble >= 0 &&
	    priority->valuedouble <= 4) {
		it->priority = (int)priority->valuedouble;
		c->applied = true;
	}
	if (c->applied)
		item_touch(c->sim, it, c->now_ms);
}

static void
root_update(
    struct gql_exec *x, const char *key, void *obj, const struct gql_group *g)
{
	struct call *c = linear_call(x);
	cJSON *args = gql_args(x, g->sel);
	const cJSON *input = cJSON_GetObjectItemCaseSensitive(args, "input");
	const char *id = linear_text(args, "id");
	struct item *it = linear_issue(c, id ? id : "");

	(void)obj;
	check_input(x, input, "IssueUpdateInput", update_input);
	if (!it && !x->failed)
		linear_not_found(x, "Issue");
	if (it && !x->failed && c->fault.kind != FAULT_SUCCESS_FALSE)
		update_issue(x, it, input);
	if (!x->failed)
		gql_object(x, key, &type_issue_payload, it, g);
	cJSON_Delete(args);
}

static void
payload_issue(
    struct gql_exec *x, const char *key, void *obj, const struct gql_group *g)
{
	gql_object(x, key, &linear_type_issue, obj, g);
}

static void
payload_success(
    struct gql_exec *x, const char *key, void *obj, const struct gql_group *g)
{
	(void)obj;
	(void)g;
	json_bool(
	    x->out, key, linear_call(x)->fault.kind != FAULT_SUCCESS_FALSE);
}

static void
payload_sync(
    struct gql_exec *x, const char *key, void *obj, const struct gql_group *g)
{
	(void)obj;
	(void)g;
	json_int(x->out, key, (int64_t)linear_call(x)->sim->rev);
}

static void
root_hook(
    struct gql_exec *x, const char *key, void *obj, const struct gql_group *g)
{
	cJSON *args = gql_args(x, g->sel);
	const cJSON *input = cJSON_GetObjectItemCaseSensitive(args, "input");
	const char *url = linear_text(input, "url");
	/* Only an id and a url are kept, and only for this answer. */
	struct linear_page hook = { 0 };

	(void)obj;
	check_input(x, input, "WebhookCreateInput",
	    "url teamId allPublicTeams secret resourceTypes label enabled id");
	if (!x->failed && (!url || !after_prefix(url, "https://")))
		linear_bad_argument(x, "url");
	if (!x->failed) {
		ids_uuid(&linear_call(x)->sim->ids, hook.start_text);
		hook.start = hook.start_text;
		hook.end = (char *)url;
		gql_object(x, key, &type_webhook_payload, &hook, g);
	}
	cJSON_Delete(args);
}
