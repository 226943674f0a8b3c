/*
 * The part of Linear's schema that its clients use here: types as tables,
 * fields that are modelled with their place in our structs, and by name only
 * those that Linear's own package selects but nobody here looks at.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "call.h"
#include "linear.h"
#include "teams.h"
#include "when.h"

#define DEFS(...)                                                              \
	(const struct gql_def[])                                               \
	{                                                                      \
		__VA_ARGS__,                                                   \
		{                                                              \
			0                                                      \
		}                                                              \
	}
#define PLACE(what, how, name, member)                                         \
	{                                                                      \
		name, how, offsetof(struct what, member), NULL, NULL, NULL     \
	}
#define CALL(name, resolver)                                                   \
	{                                                                      \
		name, GQL_CALL, 0, resolver, NULL, NULL                        \
	}
#define OBJECT(name, resolver, type, args)                                     \
	{                                                                      \
		name, GQL_CALL, 0, resolver, type, args                        \
	}

typedef void resolver(
    struct gql_exec *x, const char *key, void *obj, const struct gql_group *g);

static resolver page_nodes_issue, page_nodes_state, page_nodes_team;
static resolver page_info, has_next, state_type, state_team;
static resolver team_states, team_default, issue_identifier, issue_url;
static resolver issue_trashed, issue_state, issue_team, issue_assignee;
static resolver issue_creator, issue_priority, issue_previous;
static resolver user_is_me, user_issues, user_name;
static resolver org_key, org_name;
static resolver payload_issue, payload_success, payload_sync;
static resolver hook_webhook, literal_true, hook_url, hook_types, fixed_time;
static resolver fixed_color, issue_id, issue_sharing, root_user, root_state;
static resolver limits_kind, limits_list, limits_identifier;
static resolver root_viewer, root_issues, root_issue, root_team, root_teams;
static resolver root_states, root_org, root_limits, root_update, root_hook;

static const char paging[] =
    "first:Int after:String last:Int before:String "
    "includeArchived:Boolean orderBy:PaginationOrderBy filter:Filter";

static const struct gql_type type_page_info = { "PageInfo",
	DEFS(CALL("hasNextPage", has_next),
	    PLACE(linear_page, GQL_FLAG, "hasPreviousPage", has_previous),
	    PLACE(linear_page, GQL_TEXT, "startCursor", start),
	    PLACE(linear_page, GQL_TEXT, "endCursor", end)),
	NULL, NULL, NULL, NULL };

static const struct gql_type type_org = { "Organization",
	DEFS(PLACE(account, GQL_CHARS, "id", org_id), CALL("urlKey", org_key),
	    CALL("name", org_name),
	    PLACE(account, GQL_TIME, "createdAt", created_ms),
	    PLACE(account, GQL_TIME, "updatedAt", created_ms)),
	"logoUrl archivedAt subscription deletionRequestedAt trialStartsAt "
	"trialEndsAt gitBranchFormat slackProjectChannelIntegration "
	"authSettings customersConfiguration securitySettings "
	"pullRequestIssueMode defaultFeedSummarySchedule defaultHomeView "
	"defaultHomeViewTargetId releaseChannel "
	"initiativeUpdateRemindersDay projectUpdateRemindersDay "
	"initiativeUpdateReminderFrequencyInWeeks "
	"projectUpdateReminderFrequencyInWeeks slackProjectChannelPrefix "
	"projectUpdatesReminderFrequency allowMembersToInvite "
	"restrictTeamCreationToAdmins restrictLabelManagementToAdmins "
	"slaDayCount",
	"samlEnabled scimEnabled hipaaComplianceEnabled releasesEnabled "
	"customersEnabled gitLinkbackDescriptionsEnabled "
	"gitLinkbackMessagesEnabled gitPublicLinkbackMessagesEnabled "
	"feedEnabled suggestedBranchNameEnabled roadmapEnabled "
	"pullRequestTourEnabled aiDiscussionSummariesEnabled "
	"aiThreadSummariesEnabled hideNonPrimaryOrganizations",
	"createdIssueCount userCount customerCount fiscalYearStartMonth "
	"periodUploadVolume initiativeUpdateRemindersHour "
	"projectUpdateRemindersHour",
	"allowedAuthServices allowedFileUploadContentTypes previousUrlKeys "
	"projectStatuses" };

static const struct gql_type type_team;

static const struct gql_type type_state = { "WorkflowState",
	DEFS(PLACE(wstate, GQL_CHARS, "id", id),
	    PLACE(wstate, GQL_TEXT, "name", name), CALL("type", state_type),
	    PLACE(wstate, GQL_FLOAT, "position", position),
	    OBJECT("team", state_team, &type_team, NULL),
	    CALL("color", fixed_color), CALL("createdAt", fixed_time),
	    CALL("updatedAt", fixed_time)),
	"description inheritedFrom archivedAt", NULL, NULL, NULL };

static const struct gql_type type_state_page = { "WorkflowStateConnection",
	DEFS(OBJECT("nodes", page_nodes_state, &type_state, NULL),
	    OBJECT("pageInfo", page_info, &type_page_info, NULL)),
	NULL, NULL, NULL, NULL };

static const struct gql_type type_team = { "Team",
	DEFS(PLACE(team, GQL_CHARS, "id", id),
	    PLACE(team, GQL_TEXT, "key", key),
	    PLACE(team, GQL_TEXT, "name", name),
	    PLACE(team, GQL_TEXT, "displayName", name),
	    OBJECT("states", team_states, &type_state_page, paging),
	    OBJECT("defaultIssueState", team_default, &type_state, NULL),
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

static const struct gql_type type_team_page = { "TeamConnection",
	DEFS(OBJECT("nodes", page_nodes_team, &type_team, NULL),
	    OBJECT("pageInfo", page_info, &type_page_info, NULL)),
	NULL, NULL, NULL, NULL };

/* A user is known by the account it is seen from. */
struct user {
	struct account *acc;
	const char *id, *email;
};

static const struct gql_type type_issue_page;

static const struct gql_type type_user = { "User",
	DEFS(PLACE(user, GQL_TEXT, "id", id),
	    PLACE(user, GQL_TEXT, "email", email), CALL("name", user_name),
	    CALL("displayName", user_name), CALL("isMe", user_is_me),
	    CALL("active", literal_true), CALL("isAssignable", literal_true),
	    CALL("isMentionable", literal_true), CALL("createdAt", fixed_time),
	    CALL("updatedAt", fixed_time),
	    OBJECT("assignedIssues", user_issues, &type_issue_page, paging)),
	"description avatarUrl avatarBackgroundColor statusUntilAt "
	"statusEmoji initials lastSeen timezone disableReason statusLabel "
	"archivedAt gitHubUserId title url calendarHash inviteHash",
	"guest admin owner app supportsAgentSessions canAccessAnyPublicTeam",
	"createdIssueCount", NULL };

static const struct gql_type type_sharing = { "IssueSharedAccess",
	DEFS({ NULL }), NULL, "isShared viewerHasOnlySharedAccess",
	"sharedWithCount", "sharedWithUsers disallowedIssueFields" };

static const struct gql_type type_issue = { "Issue",
	DEFS(CALL("id", issue_id), CALL("identifier", issue_identifier),
	    PLACE(item, GQL_TEXT, "title", title), CALL("url", issue_url),
	    CALL("priority", issue_priority),
	    PLACE(item, GQL_COUNT, "number", number),
	    PLACE(item, GQL_TEXT, "dueDate", due_date),
	    PLACE(item, GQL_TIME, "createdAt", created_ms),
	    PLACE(item, GQL_TIME, "updatedAt", updated_ms),
	    PLACE(item, GQL_TIME, "completedAt", completed_ms),
	    PLACE(item, GQL_TIME, "canceledAt", canceled_ms),
	    PLACE(item, GQL_TIME, "archivedAt", archived_ms),
	    CALL("trashed", issue_trashed),
	    CALL("previousIdentifiers", issue_previous),
	    OBJECT("state", issue_state, &type_state, NULL),
	    OBJECT("team", issue_team, &type_team, NULL),
	    OBJECT("assignee", issue_assignee, &type_user, NULL),
	    OBJECT("creator", issue_creator, &type_user, NULL),
	    OBJECT("sharedAccess", issue_sharing, &type_sharing, NULL)),
	"integrationSourceType delegate botActor sourceComment "
	"cycle estimate syncedWith externalUserCreator "
	"asksExternalUserRequester asksRequester description "
	"lastAppliedTemplate subIssueSortOrder parent projectMilestone "
	"project recurringIssueTemplate startedTriageAt triagedAt "
	"addedToCycleAt addedToProjectAt addedToTeamAt autoArchivedAt "
	"autoClosedAt startedAt slaStartedAt slaBreachesAt slaHighRiskAt "
	"slaMediumRiskAt snoozedUntilAt slaType snoozedBy favorite "
	"reactionData branchName priorityLabel",
	"inheritsSharedAccess",
	"customerTicketCount boardOrder sortOrder prioritySortOrder",
	"labelIds reactions" };

static const struct gql_type type_issue_page = { "IssueConnection",
	DEFS(OBJECT("nodes", page_nodes_issue, &type_issue, NULL),
	    OBJECT("pageInfo", page_info, &type_page_info, NULL)),
	NULL, NULL, NULL, NULL };

static const struct gql_type type_issue_payload = { "IssuePayload",
	DEFS(CALL("success", payload_success), CALL("lastSyncId", payload_sync),
	    OBJECT("issue", payload_issue, &type_issue, NULL)),
	NULL, NULL, NULL, NULL };

static const struct gql_type type_webhook = { "Webhook",
	DEFS(PLACE(linear_page, GQL_TEXT, "id", start),
	    CALL("enabled", literal_true), CALL("url", hook_url),
	    CALL("resourceTypes", hook_types)),
	"team label secret archivedAt createdAt updatedAt", NULL, NULL, NULL };

static const struct gql_type type_webhook_payload = { "WebhookPayload",
	DEFS(CALL("success", literal_true), CALL("lastSyncId", payload_sync),
	    OBJECT("webhook", hook_webhook, &type_webhook, NULL)),
	NULL, NULL, NULL, NULL };

/* What rateLimitStatus says about one limit. */
struct quota {
	char *type;
	double allowed, remaining, requested, period, reset;
};

static const struct gql_type type_quota = { "RateLimitResultPayload",
	DEFS(PLACE(quota, GQL_TEXT, "type", type),
	    PLACE(quota, GQL_FLOAT, "allowedAmount", allowed),
	    PLACE(quota, GQL_FLOAT, "remainingAmount", remaining),
	    PLACE(quota, GQL_FLOAT, "requestedAmount", requested),
	    PLACE(quota, GQL_FLOAT, "period", period),
	    PLACE(quota, GQL_FLOAT, "reset", reset)),
	NULL, NULL, NULL, NULL };

static const struct gql_type type_limits = { "RateLimitPayload",
	DEFS(CALL("kind", limits_kind), CALL("identifier", limits_identifier),
	    OBJECT("limits", limits_list, &type_quota, NULL)),
	NULL, NULL, NULL, NULL };

const struct gql_type linear_query = { "Query",
	DEFS(OBJECT("viewer", root_viewer, &type_user, NULL),
	    OBJECT("user", root_user, &type_user, "id:String!"),
	    OBJECT("issues", root_issues, &type_issue_page, paging),
	    OBJECT("issue", root_issue, &type_issue, "id:String!"),
	    OBJECT("team", root_team, &type_team, "id:String!"),
	    OBJECT("teams", root_teams, &type_team_page, paging),
	    OBJECT("workflowState", root_state, &type_state, "id:String!"),
	    OBJECT("workflowStates", root_states, &type_state_page, paging),
	    OBJECT("organization", root_org, &type_org, NULL),
	    OBJECT("rateLimitStatus", root_limits, &type_limits, NULL)),
	NULL, NULL, NULL, NULL };

const struct gql_type linear_mutation = { "Mutation",
	DEFS(OBJECT("issueUpdate", root_update, &type_issue_payload,
		 "id:String! input:IssueUpdateInput!"),
	    OBJECT("webhookCreate", root_hook, &type_webhook_payload,
		"input:WebhookCreateInput!")),
	NULL, NULL, NULL, NULL };

/* Small ones */

static const char *
text_in(const cJSON *object, const char *name)
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

static void
literal_true(
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

	gql_list(x, key, &type_issue, page->rows, page->n, g);
}

static void
page_nodes_state(
    struct gql_exec *x, const char *key, void *obj, const struct gql_group *g)
{
	struct linear_page *page = obj;

	gql_list(x, key, &type_state, page->rows, page->n, g);
}

static void
page_nodes_team(
    struct gql_exec *x, const char *key, void *obj, const struct gql_group *g)
{
	struct linear_page *page = obj;

	gql_list(x, key, &type_team, page->rows, page->n, g);
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
static bool
cut_page(struct gql_exec *x, const struct linear_args *args,
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
	memmove(page->rows, page->rows + from, page->n * sizeof(void *));
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
static void
write_states(struct gql_exec *x, const char *key, const struct gql_group *g,
    const struct team *team)
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
		if (cut_page(x, &args, &page))
			gql_object(x, key, &type_state_page, &page, g);
	}
	cJSON_Delete(args.json);
	free(page.rows);
}

static void
write_issues(
    struct gql_exec *x, const char *key, const struct gql_group *g, bool mine)
{
	struct linear_page page = { 0 };
	struct linear_args args;

	if (linear_read_args(x, g->sel, false, &args) &&
	    linear_find_issues(x, &args, mine, &page))
		gql_object(x, key, &type_issue_page, &page, g);
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
	gql_object(x, key, &type_team, ((struct wstate *)obj)->team, g);
}

static void
team_states(
    struct gql_exec *x, const char *key, void *obj, const struct gql_group *g)
{
	write_states(x, key, g, obj);
}

static void
team_default(
    struct gql_exec *x, const char *key, void *obj, const struct gql_group *g)
{
	struct team *team = obj;

	gql_object(x, key, &type_state, team->default_state, g);
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
	gql_object(x, key, &type_state, ((struct item *)obj)->state, g);
}

static void
issue_team(
    struct gql_exec *x, const char *key, void *obj, const struct gql_group *g)
{
	gql_object(x, key, &type_team, ((struct item *)obj)->team, g);
}

/* Users */

static void
write_user(struct gql_exec *x, const char *key, const struct gql_group *g,
    struct account *acc, const char *id)
{
	bool me = id && strcmp(id, acc->user_id) == 0;
	struct user user = { acc, id,
		me ? acc->email : "colleague@example.test" };

	gql_object(x, key, &type_user, id ? &user : NULL, g);
}

static void
issue_assignee(
    struct gql_exec *x, const char *key, void *obj, const struct gql_group *g)
{
	struct item *it = obj;

	write_user(x, key, g, it->acc, it->assignee);
}

static void
issue_creator(
    struct gql_exec *x, const char *key, void *obj, const struct gql_group *g)
{
	struct item *it = obj;

	write_user(x, key, g, it->acc, it->acc->user_id);
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
	write_issues(x, key, g, true);
}

/* Organization, webhook, limits */

static void
org_key(
    struct gql_exec *x, const char *key, void *obj, const struct gql_group *g)
{
	(void)g;
	json_fmt(x->out, key, "sim-%.8s", ((struct account *)obj)->org_id);
}

static void
org_name(
    struct gql_exec *x, const char *key, void *obj, const struct gql_group *g)
{
	(void)g;
	json_fmt(x->out, key, "Sim %.8s", ((struct account *)obj)->org_id);
}

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

static void
limits_kind(
    struct gql_exec *x, const char *key, void *obj, const struct gql_group *g)
{
	(void)obj;
	(void)g;
	json_str(x->out, key, "user");
}

static void
limits_identifier(
    struct gql_exec *x, const char *key, void *obj, const struct gql_group *g)
{
	(void)g;
	json_str(x->out, key, ((struct account *)obj)->user_id);
}

static void
limits_list(
    struct gql_exec *x, const char *key, void *obj, const struct gql_group *g)
{
	struct account *acc = obj;
	double reset = (double)(acc->hour_ms + 3600000);
	struct quota requests = { .type = "requests",
		2500,
		(double)(2500 - acc->hour_used),
		1,
		3600000,
		reset };
	struct quota complexity = {
		.type = "complexity", 3000000, 3000000, 1, 3600000, reset
	};
	void *rows[] = { &requests, &complexity };

	gql_list(x, key, &type_quota, rows, 2, g);
}

/* Roots */

static void
root_viewer(
    struct gql_exec *x, const char *key, void *obj, const struct gql_group *g)
{
	struct account *acc = obj;

	write_user(x, key, g, acc, acc->user_id);
}

/* Linear's own package goes this way from a viewer to its issues. */
static void
root_user(
    struct gql_exec *x, const char *key, void *obj, const struct gql_group *g)
{
	struct account *acc = obj;
	cJSON *args = gql_args(x, g->sel);
	const char *id = text_in(args, "id");

	if (id && (!strcmp(id, acc->user_id) || !strcmp(id, "me")))
		write_user(x, key, g, acc, acc->user_id);
	else
		linear_not_found(x, "User");
	cJSON_Delete(args);
}

static void
root_org(
    struct gql_exec *x, const char *key, void *obj, const struct gql_group *g)
{
	gql_object(x, key, &type_org, obj, g);
}

static void
root_limits(
    struct gql_exec *x, const char *key, void *obj, const struct gql_group *g)
{
	gql_object(x, key, &type_limits, obj, g);
}

static void
root_issues(
    struct gql_exec *x, const char *key, void *obj, const struct gql_group *g)
{
	(void)obj;
	write_issues(x, key, g, false);
}

static void
root_issue(
    struct gql_exec *x, const char *key, void *obj, const struct gql_group *g)
{
	cJSON *args = gql_args(x, g->sel);
	const char *id = text_in(args, "id");
	struct item *it = linear_issue(linear_call(x), id ? id : "");

	(void)obj;
	if (it)
		gql_object(x, key, &type_issue, it, g);
	else
		linear_not_found(x, "Issue");
	cJSON_Delete(args);
}

static void
root_team(
    struct gql_exec *x, const char *key, void *obj, const struct gql_group *g)
{
	cJSON *args = gql_args(x, g->sel);
	struct team *team = team_find(obj, text_in(args, "id"));

	if (team)
		gql_object(x, key, &type_team, team, g);
	else
		linear_not_found(x, "Team");
	cJSON_Delete(args);
}

static void
root_teams(
    struct gql_exec *x, const char *key, void *obj, const struct gql_group *g)
{
	struct account *acc = obj;
	struct linear_page page = { 0 };
	struct linear_args args;
	size_t i;

	if (linear_read_args(x, g->sel, true, &args)) {
		page.rows = mem_zero((acc->nteams + 1) * sizeof(void *));
		for (i = 0; i < acc->nteams; i++)
			page.rows[page.n++] = acc->teams[i];
		if (cut_page(x, &args, &page))
			gql_object(x, key, &type_team_page, &page, g);
	}
	cJSON_Delete(args.json);
	free(page.rows);
}

static void
root_state(
    struct gql_exec *x, const char *key, void *obj, const struct gql_group *g)
{
	struct account *acc = obj;
	cJSON *args = gql_args(x, g->sel);
	const char *id = text_in(args, "id");
	struct wstate *s = NULL;
	size_t i;

	for (i = 0; id && !s && i < acc->nteams; i++)
		s = team_state_by_id(acc->teams[i], id);
	if (s)
		gql_object(x, key, &type_state, s, g);
	else
		linear_not_found(x, "WorkflowState");
	cJSON_Delete(args);
}

static void
root_states(
    struct gql_exec *x, const char *key, void *obj, const struct gql_group *g)
{
	(void)obj;
	write_states(x, key, g, NULL);
}

/* Mutations */

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
	const char *state_id = text_in(input, "stateId");
	const char *team_id = text_in(input, "teamId");
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
	if (text_in(input, "title")) {
		mem_set(&it->title, text_in(input, "title"));
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
	const char *id = text_in(args, "id");
	struct item *it = linear_issue(c, id ? id : "");

	(void)obj;
	check_input(x, input, "IssueUpdateInput", update_input);
	if (!it && !x->failed)
		linear_not_found(x, "Issue");
	if (!x->failed && c->fault.kind != FAULT_SUCCESS_FALSE)
		update_issue(x, it, input);
	if (!x->failed)
		gql_object(x, key, &type_issue_payload, it, g);
	cJSON_Delete(args);
}

static void
payload_issue(
    struct gql_exec *x, const char *key, void *obj, const struct gql_group *g)
{
	gql_object(x, key, &type_issue, obj, g);
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
	const char *url = text_in(input, "url");
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
