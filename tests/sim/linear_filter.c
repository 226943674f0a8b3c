/*
 * Linear's filters: checked against the input types first, so that a key
 * that Linear does not know is refused, then evaluated row by row.
 */
#include "linear.h"

#include <string.h>

#include "call.h"
#include "teams.h"
#include "when.h"

/* Keys that hold a comparison, and keys that hold another filter. */
struct filter_type {
	const char *name, *compared;
	struct {
		const char *key;
		const struct filter_type *type;
	} nested[4];
};

static const struct filter_type team_filter = { "TeamFilter", "id key name",
	{ { 0 } } };
static const struct filter_type user_filter = { "NullableUserFilter",
	"id isMe email name null", { { 0 } } };
static const struct filter_type state_filter = { "WorkflowStateFilter",
	"id name type position createdAt updatedAt",
	{ { "team", &team_filter } } };
static const struct filter_type issue_filter = { "IssueFilter",
	"id title number priority createdAt updatedAt completedAt canceledAt "
	"archivedAt dueDate",
	{ { "state", &state_filter }, { "team", &team_filter },
	    { "assignee", &user_filter } } };

static const char comparators[] =
    "eq neq in nin null gt gte lt lte contains startsWith eqIgnoreCase";

static void
check_comparison(
    struct gql_exec *x, const cJSON *v, const struct filter_type *type)
{
	const cJSON *op;

	if (strcmp(v->string, "null") == 0 || cJSON_IsNull(v))
		return;
	if (!cJSON_IsObject(v))
		gql_fail(x, "Expected a comparator for \"%s\" in \"%s\".",
		    v->string, type->name);
	cJSON_ArrayForEach(op, v)
	{
		if (!gql_has_word(comparators, op->string))
			gql_fail(x,
			    "Field \"%s\" is not defined by the comparator of "
			    "\"%s\".",
			    op->string, v->string);
		if ((strcmp(op->string, "in") == 0 ||
			strcmp(op->string, "nin") == 0) &&
		    !cJSON_IsArray(op) && !cJSON_IsString(op))
			gql_fail(x, "Expected a list in \"%s\".", v->string);
	}
}

static void
check_filter(
    struct gql_exec *x, const cJSON *filter, const struct filter_type *type)
{
	const cJSON *v, *part;
	size_t i;

	cJSON_ArrayForEach(v, filter)
	{
		if (strcmp(v->string, "and") == 0 ||
		    strcmp(v->string, "or") == 0) {
			cJSON_ArrayForEach(part, v) check_filter(x, part, type);
			continue;
		}
		for (i = 0; i < 4 && type->nested[i].key; i++)
			if (strcmp(type->nested[i].key, v->string) == 0)
				break;
		if (i < 4 && type->nested[i].key)
			check_filter(x, v, type->nested[i].type);
		else if (gql_has_word(type->compared, v->string))
			check_comparison(x, v, type);
		else
			gql_fail(x,
			    "Field \"%s\" is not defined by type \"%s\".",
			    v->string, type->name);
	}
}

bool
linear_read_args(struct gql_exec *x, const struct gql_sel *sel, bool states,
    struct linear_args *out)
{
	const cJSON *v;

	*out = (struct linear_args){ .json = gql_args(x, sel), .first = 50 };
	out->filter = cJSON_GetObjectItemCaseSensitive(out->json, "filter");
	check_filter(x, out->filter, states ? &state_filter : &issue_filter);
	if (x->failed) {
		x->bad_document = true;
		return false;
	}
	v = cJSON_GetObjectItemCaseSensitive(out->json, "first");
	if (cJSON_IsNumber(v))
		out->first = v->valuedouble < 0 || v->valuedouble > 251
				 ? -1
				 : (int64_t)v->valuedouble;
	if (out->first < 1 || out->first > 250) {
		linear_bad_argument(x, "first");
		return false;
	}
	v = cJSON_GetObjectItemCaseSensitive(out->json, "last");
	if (cJSON_IsNumber(v)) {
		linear_bad_argument(x, "last");
		return false;
	}
	out->after = cJSON_GetStringValue(
	    cJSON_GetObjectItemCaseSensitive(out->json, "after"));
	v = cJSON_GetObjectItemCaseSensitive(out->json, "includeArchived");
	out->archived_too = cJSON_IsTrue(v);
	v = cJSON_GetObjectItemCaseSensitive(out->json, "orderBy");
	out->by_update =
	    cJSON_IsString(v) && strcmp(v->valuestring, "updatedAt") == 0;
	return true;
}

/* Comparing */

static bool
text_is(const cJSON *v, const char *text)
{
	return cJSON_IsString(v) && text && strcmp(v->valuestring, text) == 0;
}

static bool
text_in(const cJSON *list, const char *text)
{
	const cJSON *v;

	/* A lone value stands for a list of one. */
	if (!cJSON_IsArray(list))
		return text_is(list, text);
	cJSON_ArrayForEach(v, list)
	{
		if (text_is(v, text))
			return true;
	}
	return false;
}

static bool
compare_text(const cJSON *op, const char *text)
{
	const char *wanted = cJSON_GetStringValue(op);

	if (strcmp(op->string, "eq") == 0)
		return text_is(op, text);
	if (strcmp(op->string, "neq") == 0)
		return !text_is(op, text);
	if (strcmp(op->string, "in") == 0)
		return text_in(op, text);
	if (strcmp(op->string, "nin") == 0)
		return !text_in(op, text);
	if (strcmp(op->string, "null") == 0)
		return cJSON_IsTrue(op) == !text;
	if (!wanted || !text)
		return false;
	if (strcmp(op->string, "contains") == 0)
		return strstr(text, wanted) != NULL;
	if (strcmp(op->string, "startsWith") == 0)
		return after_prefix(text, wanted) != NULL;
	if (strcmp(op->string, "eqIgnoreCase") == 0)
		return strcasecmp(text, wanted) == 0;
	if (strncmp(op->string, "gt", 2) == 0)
		return strcmp(text, wanted) > (op->string[2] ? -1 : 0);
	return strcmp(text, wanted) < (op->string[2] ? 1 : 0);
}

static bool
matches_text(const cJSON *v, const char *text)
{
	const cJSON *op;

	cJSON_ArrayForEach(op, v)
	{
		if (!compare_text(op, text))
			return false;
	}
	return true;
}

static bool
compare_number(const char *op, double have, double want)
{
	if (strcmp(op, "eq") == 0)
		return have == want;
	if (strcmp(op, "neq") == 0)
		return have != want;
	if (strcmp(op, "gt") == 0)
		return have > want;
	if (strcmp(op, "gte") == 0)
		return have >= want;
	if (strcmp(op, "lt") == 0)
		return have < want;
	return strcmp(op, "lte") == 0 && have <= want;
}

static bool
number_in(const cJSON *list, double have)
{
	const cJSON *v;

	cJSON_ArrayForEach(v, list)
	{
		if (cJSON_IsNumber(v) && v->valuedouble == have)
			return true;
	}
	return false;
}

static bool
matches_number(const cJSON *v, double have)
{
	const cJSON *op;

	cJSON_ArrayForEach(op, v)
	{
		bool yes;

		if (strcmp(op->string, "in") == 0)
			yes = number_in(op, have);
		else if (strcmp(op->string, "nin") == 0)
			yes = !number_in(op, have);
		else if (strcmp(op->string, "null") == 0)
			yes = !cJSON_IsTrue(op);
		else
			yes = compare_number(
			    op->string, have, cJSON_GetNumberValue(op));
		if (!yes)
			return false;
	}
	return true;
}

/* A time that is not set is only matched by null and neq. */
static bool
matches_time(const cJSON *v, int64_t have, int64_t now_ms)
{
	const cJSON *op;

	cJSON_ArrayForEach(op, v)
	{
		int64_t want;

		if (strcmp(op->string, "null") == 0) {
			if (cJSON_IsTrue(op) != (have == 0))
				return false;
			continue;
		}
		if (have == 0 || !cJSON_IsString(op) ||
		    !when_read(op->valuestring, now_ms, &want))
			return false;
		if (!compare_number(op->string, (double)have, (double)want))
			return false;
	}
	return true;
}

static bool
matches_team(const cJSON *filter, const struct team *team)
{
	const cJSON *v;

	cJSON_ArrayForEach(v, filter)
	{
		const char *text = team->id;

		if (strcmp(v->string, "key") == 0)
			text = team->key;
		else if (strcmp(v->string, "name") == 0)
			text = team->name;
		if (!matches_text(v, text))
			return false;
	}
	return true;
}

bool
linear_state_matches(const cJSON *filter, const struct wstate *s)
{
	const cJSON *v;

	cJSON_ArrayForEach(v, filter)
	{
		bool yes = true;

		if (strcmp(v->string, "id") == 0)
			yes = matches_text(v, s->id);
		else if (strcmp(v->string, "name") == 0)
			yes = matches_text(v, s->name);
		else if (strcmp(v->string, "type") == 0)
			yes = matches_text(v, s->type);
		else if (strcmp(v->string, "position") == 0)
			yes = matches_number(v, s->position);
		else if (strcmp(v->string, "team") == 0)
			yes = matches_team(v, s->team);
		if (!yes)
			return false;
	}
	return true;
}

static bool
matches_assignee(const cJSON *filter, const struct item *it)
{
	const cJSON *v, *eq;
	bool mine = !item_is_others(it);

	cJSON_ArrayForEach(v, filter)
	{
		bool yes = true;

		if (strcmp(v->string, "null") == 0) {
			yes = cJSON_IsTrue(v) == !it->assignee;
		} else if (strcmp(v->string, "isMe") == 0) {
			eq = cJSON_GetObjectItemCaseSensitive(v, "eq");
			if (eq)
				yes = cJSON_IsTrue(eq) == mine;
			eq = cJSON_GetObjectItemCaseSensitive(v, "neq");
			if (eq)
				yes = yes && cJSON_IsTrue(eq) != mine;
		} else if (strcmp(v->string, "id") == 0) {
			yes = matches_text(v, it->assignee);
		} else if (strcmp(v->string, "email") == 0) {
			yes = matches_text(v, mine ? it->acc->email : NULL);
		}
		if (!yes)
			return false;
	}
	return true;
}

static bool
matches_key(const cJSON *v, const struct item *it, int64_t now_ms)
{
	const cJSON *part;
	static const struct {
		const char *key;
		size_t at;
	} times[] = {
		{ "createdAt", offsetof(struct item, created_ms) },
		{ "updatedAt", offsetof(struct item, updated_ms) },
		{ "completedAt", offsetof(struct item, completed_ms) },
		{ "canceledAt", offsetof(struct item, canceled_ms) },
		{ "archivedAt", offsetof(struct item, archived_ms) },
	};
	size_t i;

	for (i = 0; i < sizeof(times) / sizeof(*times); i++)
		if (strcmp(times[i].key, v->string) == 0)
			return matches_time(v,
			    *(const int64_t *)((const char *)it + times[i].at),
			    now_ms);
	if (strcmp(v->string, "id") == 0)
		return matches_text(v, it->id);
	if (strcmp(v->string, "state") == 0)
		return linear_state_matches(v, it->state);
	if (strcmp(v->string, "assignee") == 0)
		return matches_assignee(v, it);
	if (strcmp(v->string, "team") == 0)
		return matches_team(v, it->team);
	if (strcmp(v->string, "title") == 0)
		return matches_text(v, it->title);
	if (strcmp(v->string, "dueDate") == 0)
		return matches_text(v, it->due_date);
	if (strcmp(v->string, "number") == 0)
		return matches_number(v, it->number);
	if (strcmp(v->string, "priority") == 0)
		return matches_number(v, it->priority);
	if (strcmp(v->string, "and") == 0) {
		cJSON_ArrayForEach(part, v)
		{
			if (!linear_issue_matches(part, it, now_ms))
				return false;
		}
		return true;
	}
	cJSON_ArrayForEach(part, v)
	{
		if (linear_issue_matches(part, it, now_ms))
			return true;
	}
	return false;
}

bool
linear_issue_matches(const cJSON *filter, const struct item *it, int64_t now_ms)
{
	const cJSON *v;

	cJSON_ArrayForEach(v, filter)
	{
		if (!matches_key(v, it, now_ms))
			return false;
	}
	return true;
}
