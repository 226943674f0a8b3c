/*
 * Where queries begin: the caller, its organization and limits, and the ways
 * to issues, teams and states.
 */
#include "linear_schema.h"

#include <stdlib.h>
#include <string.h>

#include "call.h"
#include "linear.h"
#include "teams.h"

static resolver org_key, org_name;
static resolver limits_kind, limits_list, limits_identifier;
static resolver root_viewer, root_user, root_issues, root_issue, root_team;
static resolver root_teams, root_state, root_states, root_org, root_limits;

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
	DEFS(OBJECT("viewer", root_viewer, &linear_type_user, NULL),
	    OBJECT("user", root_user, &linear_type_user, "id:String!"),
	    OBJECT("issues", root_issues, &linear_type_issue_page, PAGING),
	    OBJECT("issue", root_issue, &linear_type_issue, "id:String!"),
	    OBJECT("team", root_team, &linear_type_team, "id:String!"),
	    OBJECT("teams", root_teams, &linear_type_team_page, PAGING),
	    OBJECT(
		"workflowState", root_state, &linear_type_state, "id:String!"),
	    OBJECT(
		"workflowStates", root_states, &linear_type_state_page, PAGING),
	    OBJECT("organization", root_org, &type_org, NULL),
	    OBJECT("rateLimitStatus", root_limits, &type_limits, NULL)),
	NULL, NULL, NULL, NULL };

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

static void
root_viewer(
    struct gql_exec *x, const char *key, void *obj, const struct gql_group *g)
{
	struct account *acc = obj;

	linear_write_user(x, key, g, acc, acc->user_id);
}

/* Linear's own package goes this way from a viewer to its issues. */
static void
root_user(
    struct gql_exec *x, const char *key, void *obj, const struct gql_group *g)
{
	struct account *acc = obj;
	cJSON *args = gql_args(x, g->sel);
	const char *id = linear_text(args, "id");

	if (id && (!strcmp(id, acc->user_id) || !strcmp(id, "me")))
		linear_write_user(x, key, g, acc, acc->user_id);
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
	linear_write_issues(x, key, g, false);
}

static void
root_issue(
    struct gql_exec *x, const char *key, void *obj, const struct gql_group *g)
{
	cJSON *args = gql_args(x, g->sel);
	const char *id = linear_text(args, "id");
	struct item *it = linear_issue(linear_call(x), id ? id : "");

	(void)obj;
	if (it)
		gql_object(x, key, &linear_type_issue, it, g);
	else
		linear_not_found(x, "Issue");
	cJSON_Delete(args);
}

static void
root_team(
    struct gql_exec *x, const char *key, void *obj, const struct gql_group *g)
{
	cJSON *args = gql_args(x, g->sel);
	struct team *team = team_find(obj, linear_text(args, "id"));

	if (team)
		gql_object(x, key, &linear_type_team, team, g);
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
		if (linear_cut_page(x, &args, &page))
			gql_object(x, key, &linear_type_team_page, &page, g);
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
	const char *id = linear_text(args, "id");
	struct wstate *s = NULL;
	size_t i;

	for (i = 0; id && !s && i < acc->nteams; i++)
		s = team_state_by_id(acc->teams[i], id);
	if (s)
		gql_object(x, key, &linear_type_state, s, g);
	else
		linear_not_found(x, "WorkflowState");
	cJSON_Delete(args);
}

static void
root_states(
    struct gql_exec *x, const char *key, void *obj, const struct gql_group *g)
{
	(void)obj;
	linear_write_states(x, key, g, NULL);
}
