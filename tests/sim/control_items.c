/*
 * Items through the control API: listing, reading, making and purging them.
 */
#include "control.h"

#include <stdio.h>
#include <string.h>

#include "call.h"
#include "teams.h"
#include "todoist.h"
#include "when.h"

static void
todoist_json(struct buf *out, const struct item *it)
{
	json_fmt(out, "url", "https://app.todoist.com/app/task/%s", it->id);
	json_str(out, "content", it->title);
	json_fmt(out, "old_id", "%lld", (long long)it->old_id);
	json_raw(out, "labels", it->labels ? it->labels : "[]");
	json_raw(out, "duration", it->duration ? it->duration : "null");
	json_str(out, "parent_id", it->parent_id);
	json_bool(out, "checked", it->done);
	if (it->due_date) {
		json_open(out, "due", '{');
		json_str(out, "date", it->due_date);
		json_str(out, "string",
		    it->due_string ? it->due_string : it->due_date);
		json_str(out, "timezone", it->due_zone);
		json_bool(out, "is_recurring", it->recurring);
		json_close(out, '}');
	} else {
		json_raw(out, "due", "null");
	}
	json_bool(out, "recurring", it->recurring);
	json_int(out, "occurrences_done", it->occurrences_done);
	json_int(out, "closes", it->closes);
}

static void
linear_json(struct buf *out, const struct item *it)
{
	json_fmt(out, "url", "https://linear.app/sim-%.8s/issue/%s-%d/issue",
	    it->acc->org_id, it->team->key, it->number);
	json_fmt(out, "identifier", "%s-%d", it->team->key, it->number);
	json_str(out, "team_id", it->team->id);
	json_str(out, "state_id", it->state->id);
	json_str(out, "state_type", it->state->type);
	json_str(out, "state_name", it->state->name);
	json_str(out, "project", it->project_name);
	json_raw(out, "estimate", it->estimate ? it->estimate : "null");
	when_json(out, "canceled_at", it->canceled_ms, 3);
	when_json(out, "archived_at", it->archived_ms, 3);
	json_str(out, "due_date", it->due_date);
}

static void
item_json(struct buf *out, const struct item *it, bool brief)
{
	json_str(out, "provider", prov_name(it->prov));
	json_str(out, "account", it->acc->name);
	json_str(out, "id", it->id);
	json_str(out, "title", it->title);
	json_str(out, "state", item_state(it));
	if (brief)
		return;
	json_int(out, "rev", (int64_t)it->rev);
	when_json(out, "created_at", it->created_ms, 3);
	when_json(out, "updated_at", it->updated_ms, 3);
	when_json(out, "completed_at", it->completed_ms, 3);
	json_str(out, "assignee", it->assignee);
	json_int(out, "priority", it->priority);
	if (it->prov != PROV_ATTIO) {
		json_str(out, "description", it->description);
		json_str(out, "project_id", it->project_id);
	}
	if (it->prov == PROV_TODOIST) {
		todoist_json(out, it);
	} else if (it->prov == PROV_LINEAR) {
		linear_json(out, it);
	} else {
		json_raw(out, "url", "null");
		json_bool(out, "is_completed", it->done);
		json_str(out, "deadline_at", it->due_date);
		json_raw(out, "linked_records",
		    it->linked_records ? it->linked_records : "[]");
	}
}

static void
answer_item(struct control *ct, const struct item *it)
{
	json_open(ct->out, NULL, '{');
	item_json(ct->out, it, false);
	json_close(ct->out, '}');
}

static struct item *
item_of_path(struct control *ct)
{
	struct item *it;
	enum prov prov;

	if (!control_provider(ct, ct->part[0], &prov))
		return NULL;
	it = item_find(ct->sim, prov, ct->part[1]);
	if (!it)
		control_refuse(ct, 404, "There is no such item.");
	return it;
}

void
control_item_read(struct control *ct)
{
	struct item *it = item_of_path(ct);

	if (it)
		answer_item(ct, it);
}

void
control_item_purge(struct control *ct)
{
	struct item *it = item_of_path(ct);

	if (!it)
		return;
	item_purge(ct->sim, it);
	json_open(ct->out, NULL, '{');
	json_bool(ct->out, "ok", true);
	json_close(ct->out, '}');
}

static void
list_account(struct control *ct, const struct account *acc, const char *state)
{
	size_t i;

	for (i = 0; i < acc->n; i++) {
		const struct item *it = acc->items[i];

		if (!it || (state && strcmp(item_state(it), state) != 0))
			continue;
		json_open(ct->out, NULL, '{');
		item_json(ct->out, it, false);
		json_close(ct->out, '}');
	}
}

void
control_items_list(struct control *ct)
{
	const char *provider = request_arg(ct->req, "provider");
	const char *name = request_arg(ct->req, "account");
	const char *state = request_arg(ct->req, "state");
	enum prov prov = PROV_COUNT;
	size_t i;

	if (provider && *provider && !control_provider(ct, provider, &prov))
		return;
	if (state && !*state)
		state = NULL;
	if (state && !control_check_state(ct, state))
		return;
	json_open(ct->out, NULL, '{');
	json_open(ct->out, "items", '[');
	for (i = 0; i < ct->sim->naccounts; i++) {
		const struct account *acc = ct->sim->accounts[i];

		if (prov != PROV_COUNT && acc->prov != prov)
			continue;
		if (name && *name &&
		    account_find(ct->sim, acc->prov, name) != acc)
			continue;
		list_account(ct, acc, state);
	}
	json_close(ct->out, ']');
	json_close(ct->out, '}');
}

void
control_item_change(struct control *ct)
{
	struct item *it = item_of_path(ct);

	if (!it || !control_check_members(ct, it->prov, false))
		return;
	if (control_apply_members(ct, it))
		answer_item(ct, it);
}

/* New items */

static bool
read_count(struct control *ct, int *count)
{
	const cJSON *v = control_member(ct, "count");

	*count = 1;
	if (!v || cJSON_IsNull(v))
		return true;
	if (!cJSON_IsNumber(v) || v->valuedouble < 1 || v->valuedouble > 100000)
		return control_refuse(ct, 400, "'count' is 1 to 100000.");
	*count = (int)v->valuedouble;
	return true;
}

static bool
check_id(struct control *ct, enum prov prov, const char *id, int count)
{
	if (!id)
		return true;
	if (count > 1)
		return control_refuse(ct, 400, "One id, but a count.");
	if (!*id || strlen(id) > 190 || strpbrk(id, "/,\""))
		return control_refuse(ct, 400, "That id cannot be used.");
	if (prov == PROV_TODOIST && todoist_is_numeric(id))
		return control_refuse(ct, 400,
		    "A numeric id is one of the old API and is refused.");
	if (item_find(ct->sim, prov, id))
		return control_refuse(
		    ct, 400, "There is an item with that id.");
	return true;
}

static void
init_linear(struct item *it)
{
	struct wstate *s;

	item_set_team(it, it->acc->teams[0]);
	s = team_state_by_type(it->team, "started");
	if (s)
		item_set_wstate(it, s);
}

/*
 * Teams first: one given by name is not a move, and the issue starts in
 * progress there as it would in the default team.
 */
static void
settle_new(struct control *ct, struct item *it)
{
	struct wstate *s;

	it->moved = it->moved && !control_member(ct, "team") &&
		    !control_member(ct, "team_id");
	if (it->prov != PROV_LINEAR || !it->previous)
		return;
	mem_set(&it->previous, NULL);
	s = team_state_by_type(it->team, "started");
	if (s && !control_member(ct, "state_type") &&
	    !control_member(ct, "state_id") &&
	    !control_member(ct, "state_name") && state_is_open(it->state))
		item_set_wstate(it, s);
}

static struct item *
add_one(struct control *ct, struct account *acc, const char *id, int number)
{
	struct item *it = item_make(acc, ct->sim, id);
	const char *title = cJSON_GetStringValue(control_member(ct, "title"));
	char text[40];

	snprintf(text, sizeof(text), "Item %d", number);
	mem_set(&it->title, text);
	if (it->prov == PROV_LINEAR)
		init_linear(it);
	if (!control_apply_members(ct, it)) {
		item_purge(ct->sim, it);
		return NULL;
	}
	settle_new(ct, it);
	if (title && number > 0 && control_member(ct, "count")) {
		struct buf numbered = { 0 };

		buf_fmt(&numbered, "%s %d", title, number);
		mem_set(&it->title, numbered.ptr);
		buf_done(&numbered);
	}
	return it;
}

static void
answer_added(struct control *ct, struct account *acc, size_t first, int count)
{
	bool brief = count > 1000;
	size_t i;

	ct->ans->status = 201;
	json_open(ct->out, NULL, '{');
	json_open(ct->out, "items", '[');
	for (i = first; i < acc->n; i++) {
		if (!acc->items[i])
			continue;
		json_open(ct->out, NULL, '{');
		item_json(ct->out, acc->items[i], brief);
		json_close(ct->out, '}');
	}
	json_close(ct->out, ']');
	if (count == 1)
		item_json(ct->out, acc->items[acc->n - 1], false);
	json_close(ct->out, '}');
}

void
control_items_add(struct control *ct)
{
	const char *provider, *account, *id;
	struct account *acc;
	enum prov prov;
	size_t first;
	int count, i;

	if (!control_text(ct, "provider", &provider) ||
	    !control_text(ct, "account", &account) ||
	    !control_text(ct, "id", &id) ||
	    !control_provider(ct, provider, &prov) || !read_count(ct, &count) ||
	    !check_id(ct, prov, id, count) ||
	    !control_check_members(ct, prov, true))
		return;
	acc = control_account(ct, prov, account, true);
	first = acc->n;
	for (i = 1; i <= count; i++)
		if (!add_one(ct, acc, id, i))
			return;
	answer_added(ct, acc, first, count);
}
