/*
 * The part of Linear's schema that its clients use here: types as tables,
 * fields that are modelled with their place in our structs, and by name only
 * those that Linear's own package selects but nobody here looks at.
 */
#include "linear_schema.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "call.h"
#include "linear.h"
#include "teams.h"
#include "when.h"

static resolver page_nodes_issue, page_nodes_state, page_nodes_team;
static resolver page_info, has_next, state_type, state_team;
static resolver team_states, team_default, issue_identifier, issue_url;
static resolver issue_trashed, issue_state, issue_team, issue_assignee;
static resolver issue_creator, issue_priority, issue_previous, issue_id;
static resolver issue_estimate, issue_project;
static resolver issue_sharing, user_is_me, user_issues, user_name;
static resolver fixed_time, fixed_color;

static const struct gql_type type_page_info = { "PageInfo",
	DEFS(CALL("hasNextPage", has_next),
	    PLACE(linear_page, GQL_FLAG, "hasPreviousPage", has_previous),
	    PLACE(linear_page, GQL_TEXT, "startCursor", start),
	    PLACE(linear_page, GQL_TEXT, "endCursor", end)),
	NULL, NULL, NULL, NULL };

const struct gql_type linear_type_state = { "WorkflowState",
	DEFS(PLACE(wstate, GQL_CHARS, "id", id),
	    PLACE(wstate, GQL_TEXT, "name", name), CALL("type", state_type),
	    PLACE(wstate, GQL_FLOAT, "position", position),
	    OBJECT("team", state_team, &linear_type_team, NULL),
	    CALL("color", fixed_color), CALL("createdAt", fixed_time),
	    CALL("updatedAt", fixed_time)),
	"description inheritedFrom archivedAt", NULL, NULL, NULL };

const struct gql_type linear_type_state_page = { "WorkflowStateConnection",
	DEFS(OBJECT("nodes", page_nodes_state, &linear_type_state, NULL),
	    OBJECT("pageInfo", page_info, &type_page_info, NULL)),
	NULL, NULL, NULL, NULL };

const struct gql_type linear_type_team = { "Team",
	DEFS(PLACE(team, GQL_CHARS, "id", id),
	    PLACE(team, GQL_TEXT, "key", key),
	    PLACE(team, GQL_TEXT, "name", name),
	    PLACE(team, GQL_TEXT, "displayName", name),
	    OBJECT("states", team_states, &linear_type_state_page, PAGING),
	    OBJECT("defaultIssueState", team_default, &linear_type_state, NULL),
	    CALL("createdAt", fixed_time), CALL("updatedAt", fixed_time)),
	"cycleCalenderUrl autoArchivePeriod autoClosePeriod securitySettings "
	"integrationsSettings activeCycle triageResponsibility scimGroupName "
	"autoCloseStateId defaultTemplateForMembers "
	"defaultTemplateForNonMembers defaultProjectTemplate icon "
	"defaultTemplateForMembersId defaultTemplateForNonMembersId "
	"issueEstimationType color description parent archivedAt retiredAt "
	"timezone viewerMembership visibility mergeWorkflowState "
	"draftWorkflowState startWorkflowState mergeableWorkflowState "
	"reviewWorkflowState triageIssueState "
	"setIssueSortOrderOnStateChange allMembersCanJoin "
	"markedAsDuplicateWorkflowState inviteHash "
	"autoCloseParentIssues autoCloseChildIssues",
	"cycleIssueAutoAssignCompleted cycleLockToActive "
	"cycleIssueAutoAssignStarted requirePriorityToLeaveTriage "
	"initiativesEnabled scimManaged private inheritIssueEstimation "
	"inheritWorkflowStatuses cyclesEnabled viewerCanJoin viewerCanLeave "
	"issueEstimationExtended issueEstimationAllowZero "
	"aiDiscussionSummariesEnabled aiThreadSummariesEnabled "
	"groupIssueHistory slackIssueComments slackNewIssue "
	"slackIssueStatuses triageEnabled issueOrderingNoPriorityFirst "
	"issueSortOrderDefaultToBottom",
	"upcomingCycleCount cycleCooldownTime cycleStartDay cycleDuration "
	"ledInitiativeCount issueCount defaultIssueEstimate",
	NULL };

const struct gql_type linear_type_team_page = { "TeamConnection",
	DEFS(OBJECT("nodes", page_nodes_team, &linear_type_team, NULL),
	    OBJECT("pageInfo", page_info, &type_page_info, NULL)),
	NULL, NULL, NULL, NULL };

/* A user is known by the account it is seen from. */
struct user {
	struct account *acc;
	const char *id, *email;
};

const struct gql_type linear_type_user = { "User",
	DEFS(PLACE(user, GQL_TEXT, "id", id),
	    PLACE(user, GQL_TEXT, "email", email), CALL("name", user_name),
	    CALL("displayName", user_name), CALL("isMe", user_is_me),
	    CALL("active", linear_true), CALL("isAssignable", linear_true),
	    CALL("isMentionable", linear_true), CALL("createdAt", fixed_time),
	    CALL("updatedAt", fixed_time),
	    OBJECT("assignedIssues", user_issues, &linear_type_issue_page,
		PAGING)),
	"description avatarUrl avatarBackgroundColor statusUntilAt "
	"statusEmoji initials lastSeen timezone disableReason statusLabel "
	"archivedAt gitHubUserId title url calendarHash inviteHash",
	"guest admin owner app supportsAgentSessions canAccessAnyPublicTeam",
	"createdIssueCount", NULL };

static const struct gql_type type_sharing = { "IssueSharedAccess",
	DEFS({ NULL }), NULL, "isShared viewerHasOnlySharedAccess",
	"sharedWithCount", "sharedWithUsers disallowedIssueFields" };

static const struct gql_type type_project = { "Project",
	DEFS(PLACE(item, GQL_TEXT, "id", project_id),
	    PLACE(item, GQL_TEXT, "name", project_name)),
	NULL, NULL, NULL, NULL };

const struct gql_type linear_type_issue = { "Issue",
	DEFS(CALL("id", issue_id), CALL("identifier", issue_identifier),
	    PLACE(item, GQL_TEXT, "title", title),
	    PLACE(item, GQL_TEXT, "description", description),
	    CALL("url", issue_url), CALL("priority", issue_priority),
	    CALL("estimate", issue_estimate),
	    PLACE(item, GQL_COUNT, "number", number),
	    PLACE(item, GQL_TEXT, "dueDate", due_date),
	    PLACE(item, GQL_TIME, "createdAt", created_ms),
	    PLACE(item, GQL_TIME, "updatedAt", updated_ms),
	    PLACE(item, GQL_TIME, "completedAt", completed_ms),
	    PLACE(item, GQL_TIME, "canceledAt", canceled_ms),
	    PLACE(item, GQL_TIME, "archivedAt", archived_ms),
	    CALL("trashed", issue_trashed),
	    CALL("previousIdentifiers", issue_previous),
	    OBJECT("state", issue_state, &linear_type_state, NULL),
	    OBJECT("team", issue_team, &linear_type_team, NULL),
	    OBJECT("project", issue_project, &type_project, NULL),
	    OBJECT("assignee", issue_assignee, &linear_type_user, NULL),
	    OBJECT("creator", issue_creator, &linear_type_user, NULL),
	    OBJECT("sharedAccess", issue_sharing, &type_sharing, NULL)),
	"integrationSourceType delegate botActor sourceComment "
	"cycle syncedWith externalUserCreator "
	"asksExternalUserRequester asksRequester "
	"lastAppliedTemplate subIssueSortOrder parent projectMilestone "
	"recurringIssueTemplate startedTriageAt triagedAt "
	"addedToCycleAt addedToProjectAt addedToTeamAt autoArchivedAt "
	"autoClosedAt startedAt slaStartedAt slaBreachesAt slaHighRiskAt "
	"slaMediumRiskAt snoozedUntilAt slaType snoozedBy favorite "
	"reactionData branchName priorityLabel",
	"inheritsSharedAccess",
	"customerTicketCount boardOrder sortOrder prioritySortOrder",
	"labelIds reactions" };

const struct gql_type linear_type_issue_page = { "IssueConnection",
	DEFS(OBJECT("nodes", page_nodes_issue, &linear_type_issue, NULL),
	    OBJECT("pageInfo", page_info, &type_page_info, NULL)),
	NULL, NULL, NULL, NULL };

/* Small ones */

const char *
linear_text(const cJSON *object, const char *name)
{
	return cJSON_GetStringValue(
	    cJSON_GetObjectItemCaseSensitive(object, name));
}

static void
fixed_time(
    struct gql_exec *x, const char *key, void *obj, const struct gql_group *g)
{
	(void)obj;
	(void)g;
	/* Non-null at Linear, but no time is kept for these. */
	json_str(x->out, key, "2026-01-01T00:00:00.000Z");
}

static void
fixed_color(
    struct gql_exec *x, const char *key, void *obj, const struct gql_group *g)
{
	(void)obj;
	(void)g;
	json_str(x->out, key, "#5e6ad2");
}

void
linear_true(
    struct gql_exec *x, const char *key, void *obj, const struct gql_group *g)
{
	(void)obj;
	(void)g;
	json_bool(x->out, key, true);
}

/* Connections */

static void
page_nodes_issue(
    struct gql_exec *x, const char *key, void *obj, const struct gql_group *g)
{
	struct linear_page *page = obj;

	gql_list(x, key, &linear_type_issue, page->rows, page->n, g);
}

static void
page_nodes_state(
    struct gql_exec *x, const char *key, void *obj, const struct gql_group *g)
{
	struct linear_page *page = obj;

	gql_list(x, key, &linear_type_state, page->rows, page->n, g);
}

static void
page_nodes_team(
    struct gql_exec *x, const char *key, void *obj, const struct gql_group *g)
{
	struct linear_page *page = obj;

	gql_list(x, key, &linear_type_team, page->rows, page->n, g);
}

static void
page_info(
    struct gql_exec *x, const char *key, void *obj, const struct gql_group *g)
{
	gql_object(x, key, &type_page_info, obj, g);
}

static void
has_next(
    struct gql_exec *x, const char *key, void *obj, const struct gql_group *g)
{
	struct linear_page *page = obj;

	(void)g;
	if (linear_call(x)->fault.kind != FAULT_NO_NEXT_CURSOR)
		json_bool(x->out, key, page->has_next);
}

/* Short lists, all of them in memory: the cursor is the number of rows. */
bool
linear_cut_page(struct gql_exec *x, const struct linear_args *args,
    struct linear_page *page)
{
	struct cursor cur = { .page = 1 };
	size_t from;

	if (args->after && !cursor_read(&cur, "short", args->after)) {
		linear_bad_argument(x, "after");
		return false;
	}
	from = (size_t)cur.at < page->n ? (size_t)cur.at : page->n;
	page->n -= from;
	if (page->n > 0)
		memmove(
		    page->rows, page->rows + from, page->n * sizeof(void *));
	if ((int64_t)page->n > args->first) {
		page->n = (size_t)args->first;
		page->has_next = true;
	}
	if (page->n == 0)
		return true;
	cur.at = (int64_t)(from + page->n);
	cur.page++;
	cursor_write(&cur, "short", page->end_text);
	page->start = page->end = page->end_text;
	page->has_previous = from > 0;
	return true;
}

static void
add_states(
    struct linear_page *page, const cJSON *filter, const struct team *team)
{
	size_t i;

	page->rows =
	    mem_grow(page->rows, (page->n + team->nstates) * sizeof(void *));
	for (i = 0; i < team->nstates; i++)
		if (!team->states[i]->retired &&
		    linear_state_matches(filter, team->states[i]))
			page->rows[page->n++] = team->states[i];
}

/* States of one team, or (team NULL) of all that the account has. */
void
linear_write_states(struct gql_exec *x, const char *key,
    const struct gql_group *g, const struct team *team)
{
	struct call *c = linear_call(x);
	struct linear_page page = { 0 };
	struct linear_args args;
	size_t i;

	if (linear_read_args(x, g->sel, true, &args)) {
		if (team)
			add_states(&page, args.filter, team);
		for (i = 0; !team && i < c->acc->nteams; i++)
			add_states(&page, args.filter, c->acc->teams[i]);
		if (c->fault.kind == FAULT_EMPTY_LIST)
			page.n = 0;
		if (linear_cut_page(x, &args, &page))
			gql_object(x, key, &linear_type_state_page, &page, g);
	}
	cJSON_Delete(args.json);
	free(page.rows);
}

void
linear_write_issues(
    struct gql_exec *x, const char *key, const struct gql_group *g, bool mine)
{
	struct linear_page page = { 0 };
	struct linear_args args;

	if (linear_read_args(x, g->sel, false, &args) &&
	    linear_find_issues(x, &args, mine, &page))
		gql_object(x, key, &linear_type_issue_page, &page, g);
	cJSON_Delete(args.json);
	free(page.rows);
}

/* States and teams */

static void
state_type(
    struct gql_exec *x, const char *key, void *obj, const struct gql_group *g)
{
	struct wstate *s = obj;
	bool odd = linear_call(x)->fault.kind == FAULT_UNKNOWN_STATE_TYPE;

	(void)g;
	json_str(x->out, key, odd ? "paused" : s->type);
}

static void
state_team(
    struct gql_exec *x, const char *key, void *obj, const struct gql_group *g)
{
	gql_object(x, key, &linear_type_team, ((struct wstate *)obj)->team, g);
}

static void
team_states(
    struct gql_exec *x, const char *key, void *obj, const struct gql_group *g)
{
	linear_write_states(x, key, g, obj);
}

static void
team_default(
    struct gql_exec *x, const char *key, void *obj, const struct gql_group *g)
{
	struct team *team = obj;

	gql_object(x, key, &linear_type_state, team->default_state, g);
}

/* Issues */

static void
issue_id(
    struct gql_exec *x, const char *key, void *obj, const struct gql_group *g)
{
	struct item *it = obj;

	(void)g;
	if (linear_call(x)->fault.kind == FAULT_WRONG_TYPE)
		json_int(x->out, key, it->number);
	else
		json_str(x->out, key, it->id);
}

static void
issue_identifier(
    struct gql_exec *x, const char *key, void *obj, const struct gql_group *g)
{
	struct item *it = obj;

	(void)g;
	json_fmt(x->out, key, "%s-%d", it->team->key, it->number);
}

static void
issue_url(
    struct gql_exec *x, const char *key, void *obj, const struct gql_group *g)
{
	struct item *it = obj;

	(void)g;
	json_fmt(x->out, key, "https://linear.app/sim-%.8s/issue/%s-%d/issue",
	    it->acc->org_id, it->team->key, it->number);
}

static void
issue_priority(
    struct gql_exec *x, const char *key, void *obj, const struct gql_group *g)
{
	(void)g;
	json_int(x->out, key, ((struct item *)obj)->priority);
}

static void
issue_estimate(
    struct gql_exec *x, const char *key, void *obj, const struct gql_group *g)
{
	struct item *it = obj;

	(void)g;
	json_raw(x->out, key, it->estimate ? it->estimate : "null");
}

/* An issue knows all that there is to know of its project. */
static void
issue_project(
    struct gql_exec *x, const char *key, void *obj, const struct gql_group *g)
{
	struct item *it = obj;

	gql_object(x, key, &type_project, it->project_id ? it : NULL, g);
}

static void
issue_previous(
    struct gql_exec *x, const char *key, void *obj, const struct gql_group *g)
{
	struct item *it = obj;

	(void)g;
	json_open(x->out, key, '[');
	if (it->previous)
		json_str(x->out, NULL, it->previous);
	json_close(x->out, ']');
}

static void
issue_trashed(
    struct gql_exec *x, const char *key, void *obj, const struct gql_group *g)
{
	(void)g;
	json_raw(x->out, key, ((struct item *)obj)->deleted ? "true" : "null");
}

static void
issue_state(
    struct gql_exec *x, const char *key, void *obj, const struct gql_group *g)
{
	gql_object(x, key, &linear_type_state, ((struct item *)obj)->state, g);
}

static void
issue_team(
    struct gql_exec *x, const char *key, void *obj, const struct gql_group *g)
{
	gql_object(x, key, &linear_type_team, ((struct item *)obj)->team, g);
}

/* Users */

void
linear_write_user(struct gql_exec *x, const char *key,
    const struct gql_group *g, struct account *acc, const char *id)
{
	bool me = id && strcmp(id, acc->user_id) == 0;
	struct user user = { acc, id,
		me ? acc->email : "colleague@example.test" };

	gql_object(x, key, &linear_type_user, id ? &user : NULL, g);
}

static void
issue_assignee(
    struct gql_exec *x, const char *key, void *obj, const struct gql_group *g)
{
	struct item *it = obj;

	linear_write_user(x, key, g, it->acc, it->assignee);
}

static void
issue_creator(
    struct gql_exec *x, const char *key, void *obj, const struct gql_group *g)
{
	struct item *it = obj;

	linear_write_user(x, key, g, it->acc, it->acc->user_id);
}

static void
issue_sharing(
    struct gql_exec *x, const char *key, void *obj, const struct gql_group *g)
{
	gql_object(x, key, &type_sharing, obj, g);
}

static bool
is_me(const struct user *user)
{
	return strcmp(user->id, user->acc->user_id) == 0;
}

static void
user_is_me(
    struct gql_exec *x, const char *key, void *obj, const struct gql_group *g)
{
	(void)g;
	json_bool(x->out, key, is_me(obj));
}

static void
user_name(
    struct gql_exec *x, const char *key, void *obj, const struct gql_group *g)
{
	(void)g;
	json_str(x->out, key, is_me(obj) ? "Ada" : "Grace");
}

/* Of the caller only: what colleagues are assigned is not modelled. */
static void
user_issues(
    struct gql_exec *x, const char *key, void *obj, const struct gql_group *g)
{
	(void)obj;
	linear_write_issues(x, key, g, true);
}
