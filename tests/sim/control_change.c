/*
 * Changing an item as a person at its provider would. Each provider's idea
 * of a state is translated here into the item's flags.
 */

#include "control.h"

#include <stdio.h>
#include <string.h>

#include "call.h"
#include "teams.h"
#include "todoist_items.h"
#include "when.h"

/* States */

static bool
linear_to_type(struct control *ct, struct item *it, const char *type)
{
	struct wstate *s = team_state_by_type(it->team, type);

	if (!s)
		return control_refuse(
		    ct, 400, "The team has no state of type '%s'.", type);
	item_set_wstate(it, s);
	return true;
}

static void
linear_reopen(struct item *it)
{
	static const char *const types[] = { "started", "unstarted", "backlog",
		"triage" };
	struct wstate *s = it->open_state;
	size_t i;

	if (state_is_open(it->state))
		return;
	if (s && (s->retired || s->team != it->team))
		s = NULL;
	for (i = 0; !s && i < sizeof(types) / sizeof(*types); i++)
		s = team_state_by_type(it->team, types[i]);
	if (s)
		item_set_wstate(it, s);
}

/* To the account's second team, which is made for the purpose. */
static void
linear_move(struct control *ct, struct item *it)
{
	struct account *acc = it->acc;
	struct team *to = NULL;
	size_t i;

	for (i = 0; !to && i < acc->nteams; i++)
		if (acc->teams[i] != it->team)
			to = acc->teams[i];
	if (!to)
		to = control_team(ct, acc, "Operations", true);
	item_set_team(it, to);
	it->moved = true;
}

static void
become_present(struct item *it)
{
	it->deleted = it->archived = false;
	it->archived_ms = 0;
	it->moved = false;
}

static bool
state_open(struct control *ct, struct item *it, int64_t now)
{
	become_present(it);
	mem_set(
	    &it->assignee, it->prov == PROV_TODOIST ? NULL : it->acc->user_id);
	if (it->prov == PROV_TODOIST) {
		todoist_reopen(ct->sim, it, now);
	} else if (it->prov == PROV_LINEAR) {
		linear_reopen(it);
	} else {
		it->done = false;
		it->completed_ms = 0;
	}
	return true;
}

static bool
state_completed(struct control *ct, struct item *it, int64_t now)
{
	become_present(it);
	if (it->prov == PROV_LINEAR)
		return linear_to_type(ct, it, "completed");
	if (it->prov == PROV_TODOIST) {
		todoist_complete(ct->sim, it, now);
	} else if (!it->done) {
		it->done = true;
		it->completed_ms = now;
	}
	return true;
}

static bool
state_canceled(struct control *ct, struct item *it, int64_t now)
{
	(void)now;
	become_present(it);
	return linear_to_type(ct, it, "canceled");
}

static bool
state_duplicate(struct control *ct, struct item *it, int64_t now)
{
	(void)now;
	become_present(it);
	return linear_to_type(ct, it, "duplicate");
}

static bool
state_deleted(struct control *ct, struct item *it, int64_t now)
{
	(void)ct;
	it->deleted = true;
	it->archived_ms = now;
	return true;
}

static bool
state_archived(struct control *ct, struct item *it, int64_t now)
{
	(void)ct;
	it->archived = true;
	it->archived_ms = now;
	return true;
}

static bool
state_reassigned(struct control *ct, struct item *it, int64_t now)
{
	(void)ct;
	(void)now;
	mem_set(&it->assignee, it->acc->other_id);
	return true;
}

static bool
state_moved(struct control *ct, struct item *it, int64_t now)
{
	(void)now;
	if (it->prov == PROV_LINEAR)
		linear_move(ct, it);
	else
		it->moved = true;
	return true;
}

enum { T = 1 << PROV_TODOIST, L = 1 << PROV_LINEAR, A = 1 << PROV_ATTIO };

static const struct {
	const char *name;
	int provs; /* that know such a thing */
	bool (*set)(struct control *ct, struct item *it, int64_t now);
} states[] = {
	{ "open", T | L | A, state_open },
	{ "completed", T | L | A, state_completed },
	{ "canceled", L, state_canceled },
	{ "duplicate", L, state_duplicate },
	{ "deleted", T | L | A, state_deleted },
	{ "archived", T | L, state_archived },
	{ "reassigned", T | L | A, state_reassigned },
	{ "moved", T | L, state_moved },
};

enum { STATES = sizeof(states) / sizeof(*states) };

static size_t
state_index(const char *name)
{
	size_t i;

	for (i = 0; i < STATES; i++)
		if (strcmp(states[i].name, name) == 0)
			break;
	return i;
}

bool
control_check_state(struct control *ct, const char *name)
{
	if (state_index(name) < STATES)
		return true;
	return control_refuse(ct, 400,
	    "The state must be open, completed, canceled, duplicate, "
	    "deleted, archived, reassigned or moved.");
}

static bool
set_state(struct control *ct, struct item *it, const char *name)
{
	size_t i = state_index(name);

	if (!control_check_state(ct, name))
		return false;
	if (!(states[i].provs & 1 << it->prov))
		return control_refuse(ct, 400,
		    "There is nothing like '%s' at %s.", name,
		    prov_name(it->prov));
	return states[i].set(ct, it, when_now_ms());
}

/* Due dates */

static bool
set_date(struct control *ct, struct item *it, const cJSON *v)
{
	if (!v || cJSON_IsNull(v)) {
		mem_set(&it->due_date, NULL);
		it->recurring = false;
		return true;
	}
	if (!cJSON_IsString(v) || !when_is_date(v->valuestring))
		return control_refuse(
		    ct, 400, "A due date is YYYY-MM-DD, a time may follow.");
	mem_set(&it->due_date, v->valuestring);
	return true;
}

static void
set_phrase(struct item *it, const char *phrase)
{
	char today[16];
	struct buf now = { 0 };

	it->recurring = phrase != NULL;
	mem_set(&it->due_string, phrase);
	if (!phrase || it->due_date)
		return;
	when_json(&now, NULL, when_now_ms(), 0);
	snprintf(today, sizeof(today), "%.10s", now.ptr + 1);
	mem_set(&it->due_date, today);
	buf_done(&now);
}

static bool
set_recurring(struct control *ct, struct item *it, const cJSON *v)
{
	if (cJSON_IsTrue(v))
		set_phrase(it, "every day");
	else if (cJSON_IsString(v))
		set_phrase(it, v->valuestring);
	else if (cJSON_IsFalse(v) || cJSON_IsNull(v))
		set_phrase(it, NULL);
	else
		return control_refuse(ct, 400,
		    "'recurring' is true, false or like \"every week\".");
	return true;
}

static bool
set_due(struct control *ct, struct item *it, const cJSON *v)
{
	const cJSON *recurring, *zone;
	const char *phrase;

	if (cJSON_IsNull(v))
		return set_date(ct, it, NULL);
	if (!cJSON_IsObject(v))
		return control_refuse(ct, 400, "'due' is an object or null.");
	if (!set_date(ct, it, cJSON_GetObjectItemCaseSensitive(v, "date")))
		return false;
	recurring = cJSON_GetObjectItemCaseSensitive(v, "is_recurring");
	phrase =
	    cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(v, "string"));
	zone = cJSON_GetObjectItemCaseSensitive(v, "timezone");
	if (phrase)
		mem_set(&it->due_string, phrase);
	if (zone)
		mem_set(&it->due_zone, cJSON_GetStringValue(zone));
	if (recurring)
		it->recurring = cJSON_IsTrue(recurring);
	if (it->recurring && !it->due_string)
		mem_set(&it->due_string, "every day");
	return true;
}

/* Members, each with what it does; a table, so that none is forgotten. */

static bool
set_title(struct control *ct, struct item *it, const cJSON *v)
{
	if (!cJSON_IsString(v))
		return control_refuse(ct, 400, "'title' is a string.");
	mem_set(&it->title, v->valuestring);
	return true;
}

static bool
set_named_state(struct control *ct, struct item *it, const cJSON *v)
{
	if (!cJSON_IsString(v))
		return control_refuse(ct, 400, "'state' is a string.");
	return set_state(ct, it, v->valuestring);
}

static bool
set_advance(struct control *ct, struct item *it, const cJSON *v)
{
	if (!cJSON_IsTrue(v))
		return true;
	if (!todoist_advance(ct->sim, it, false, when_now_ms()))
		return control_refuse(ct, 400, "The item does not recur.");
	return true;
}

static bool
set_wstate(struct control *ct, struct item *it, struct wstate *s)
{
	if (!s)
		return control_refuse(
		    ct, 400, "The item's team has no such state.");
	item_set_wstate(it, s);
	return true;
}

static bool
set_state_type(struct control *ct, struct item *it, const cJSON *v)
{
	const char *type = cJSON_GetStringValue(v);

	return set_wstate(
	    ct, it, type ? team_state_by_type(it->team, type) : NULL);
}

static bool
set_state_id(struct control *ct, struct item *it, const cJSON *v)
{
	const char *id = cJSON_GetStringValue(v);

	return set_wstate(ct, it, id ? team_state_by_id(it->team, id) : NULL);
}

static bool
set_state_name(struct control *ct, struct item *it, const cJSON *v)
{
	const char *name = cJSON_GetStringValue(v);

	return set_wstate(
	    ct, it, name ? team_state_by_name(it->team, name) : NULL);
}

static bool
set_team(struct control *ct, struct item *it, const cJSON *v)
{
	const char *name = cJSON_GetStringValue(v);
	bool by_name = strcmp(v->string, "team") == 0;
	struct team *team;

	if (!name)
		return control_refuse(ct, 400, "A team is a string.");
	team = control_team(ct, it->acc, name, by_name);
	if (!team)
		return false;
	if (team == it->team)
		return true;
	it->moved = true;
	item_set_team(it, team);
	return true;
}

/* "me", null for nobody, "other" for the account's colleague, or an id. */
static bool
set_assignee(struct control *ct, struct item *it, const cJSON *v)
{
	const char *who = cJSON_GetStringValue(v);

	if (!who && !cJSON_IsNull(v))
		return control_refuse(
		    ct, 400, "An assignee is a string or null.");
	if (who && strcmp(who, "me") == 0)
		who = it->acc->user_id;
	else if (who && strcmp(who, "other") == 0)
		who = it->acc->other_id;
	mem_set(&it->assignee, who);
	return true;
}

static bool
set_priority(struct control *ct, struct item *it, const cJSON *v)
{
	if (!cJSON_IsNumber(v) || v->valuedouble < 0 || v->valuedouble > 4)
		return control_refuse(ct, 400, "A priority is 0 to 4.");
	it->priority = (int)v->valuedouble;
	return true;
}

static bool
set_project(struct control *ct, struct item *it, const cJSON *v)
{
	if (!cJSON_IsString(v))
		return control_refuse(ct, 400, "'project_id' is a string.");
	mem_set(&it->project_id, v->valuestring);
	return true;
}

/* Only for new items: a chain of parents must not close in a ring. */
static bool
set_parent(struct control *ct, struct item *it, const cJSON *v)
{
	const char *id = cJSON_GetStringValue(v);
	struct item *parent = item_find(ct->sim, PROV_TODOIST, id);

	if (cJSON_IsNull(v))
		return true;
	if (!parent || parent->acc != it->acc || parent == it || it->parent_id)
		return control_refuse(ct, 400, "There is no such parent.");
	mem_set(&it->parent_id, id);
	it->acc->subtasks++;
	return true;
}

/* In the order in which they are applied. */
static const struct {
	const char *name;
	int provs;
	bool only_new;
	bool (*set)(struct control *ct, struct item *it, const cJSON *v);
} members[] = {
	{ "title", T | L | A, false, set_title },
	{ "description", T | L, false, control_set_description },
	{ "project_id", T, false, set_project },
	{ "project", L, false, control_set_project_name },
	{ "labels", T, false, control_set_labels },
	{ "duration", T, false, control_set_duration },
	{ "estimate", L, false, control_set_estimate },
	{ "linked_records", A, false, control_set_linked_records },
	{ "parent_id", T, true, set_parent },
	{ "priority", T | L, false, set_priority },
	{ "team_id", L, false, set_team },
	{ "team", L, false, set_team },
	{ "state_type", L, false, set_state_type },
	{ "state_id", L, false, set_state_id },
	{ "state_name", L, false, set_state_name },
	{ "due_date", T | L | A, false, set_date },
	{ "recurring", T, false, set_recurring },
	{ "due", T, false, set_due },
	{ "assignee", T | L | A, false, set_assignee },
	{ "responsible_uid", T, false, set_assignee },
	{ "advance", T, false, set_advance },
	{ "state", T | L | A, false, set_named_state },
};

enum { MEMBERS = sizeof(members) / sizeof(*members) };

bool
control_check_members(struct control *ct, enum prov prov, bool is_new)
{
	static const char *const for_new[] = { "provider", "account", "id",
		"count" };
	const cJSON *v;
	size_t i, j;

	cJSON_ArrayForEach(v, ct->body)
	{
		for (i = 0; i < MEMBERS; i++)
			if (strcmp(members[i].name, v->string) == 0)
				break;
		for (j = 0; j < 4; j++)
			if (strcmp(for_new[j], v->string) == 0)
				break;
		if (is_new && j < 4)
			continue;
		if (i == MEMBERS || (members[i].only_new && !is_new))
			return control_refuse(ct, 400,
			    "An item's '%.60s' cannot be set.", v->string);
		if (!(members[i].provs & 1 << prov))
			return control_refuse(ct, 400,
			    "There is nothing like '%s' at %s.", v->string,
			    prov_name(prov));
	}
	return true;
}

bool
control_apply_members(struct control *ct, struct item *it)
{
	size_t i;

	for (i = 0; i < MEMBERS; i++) {
		const cJSON *v = control_member(ct, members[i].name);

		if (v && !members[i].set(ct, it, v))
			return false;
	}
	item_touch(ct->sim, it, when_now_ms());
	return true;
}
