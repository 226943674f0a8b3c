/*
 * Accounts, tokens and items, plain data under one lock. The invariant: an
 * item is in its provider's map by id and in its account's array at it->pos,
 * and an account's version moves on whenever either could look different.
 */
#include "state.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "past.h"
#include "teams.h"
#include "when.h"

static const char *const prov_names[PROV_COUNT] = {
	[PROV_TODOIST] = "todoist",
	[PROV_LINEAR] = "linear",
	[PROV_ATTIO] = "attio",
};

const char *
prov_name(enum prov prov)
{
	return prov_names[prov];
}

bool
prov_read(const char *name, enum prov *prov)
{
	int i;

	for (i = 0; name && i < PROV_COUNT; i++) {
		if (strcmp(name, prov_names[i]) != 0)
			continue;
		*prov = (enum prov)i;
		return true;
	}
	return false;
}

void
state_init(struct sim *sim, uint64_t seed)
{
	pthread_mutex_init(&sim->lock, NULL);
	ids_init(&sim->ids, seed);
	sim->next_old_id = 2995104300;
}

static void
item_free(struct item *it)
{
	free(it->id);
	free(it->title);
	free(it->assignee);
	free(it->description);
	free(it->project_id);
	free(it->project_name);
	free(it->estimate);
	free(it->parent_id);
	free(it->labels);
	free(it->duration);
	free(it->linked_records);
	free(it->due_date);
	free(it->due_string);
	free(it->due_zone);
	free(it->previous);
	past_free(it);
	free(it);
}

static void
account_free(struct account *acc)
{
	size_t i;

	for (i = 0; i < acc->n; i++)
		if (acc->items[i])
			item_free(acc->items[i]);
	for (i = 0; i < acc->nteams; i++)
		team_free(acc->teams[i]);
	free(acc->teams);
	free(acc->items);
	free(acc->view.items);
	map_done(&acc->commands);
	free(acc->name);
	free(acc);
}

void
state_reset(struct sim *sim)
{
	struct token *token;
	size_t i, at;

	for (i = 0; i < PROV_COUNT; i++) {
		at = 0;
		while ((token = map_next(&sim->tokens[i], &at, NULL)))
			free(token);
		map_done(&sim->tokens[i]);
		map_done(&sim->names[i]);
		map_done(&sim->items[i]);
		sim->limits[i] = (struct limit){ 0 };
	}
	map_done(&sim->old_ids);
	map_done(&sim->teams);
	for (i = 0; i < sim->naccounts; i++)
		account_free(sim->accounts[i]);
	free(sim->accounts);
	sim->accounts = NULL;
	sim->naccounts = 0;
}

void
state_done(struct sim *sim)
{
	state_reset(sim);
	free(sim->keys.list);
	pthread_mutex_destroy(&sim->lock);
}

struct account *
account_find(struct sim *sim, enum prov prov, const char *name)
{
	struct account *acc = map_get(&sim->names[prov], name);
	struct token *token;

	if (acc)
		return acc;
	token = map_get(&sim->tokens[prov], name);
	return token ? token->acc : NULL;
}

static void
user_id(struct sim *sim, enum prov prov, char out[40])
{
	if (prov == PROV_TODOIST)
		snprintf(out, 40, "%u",
		    2000000 + (unsigned)(ids_random(&sim->ids) % 7000000));
	else
		ids_uuid(&sim->ids, out);
}

struct account *
account_make(struct sim *sim, enum prov prov, const char *name)
{
	struct account *acc = mem_zero(sizeof(*acc));

	acc->prov = prov;
	acc->name = mem_dup(name);
	acc->created_ms = when_now_ms();
	acc->version = 1;
	user_id(sim, prov, acc->user_id);
	user_id(sim, prov, acc->other_id);
	ids_uuid(&sim->ids, acc->org_id);
	ids_todoist(&sim->ids, acc->inbox_id);
	snprintf(acc->email, sizeof(acc->email), "user-%.8s@example.test",
	    acc->user_id);
	sim->accounts = mem_grow(
	    sim->accounts, (sim->naccounts + 1) * sizeof(*sim->accounts));
	sim->accounts[sim->naccounts++] = acc;
	map_put(&sim->names[prov], name, acc);
	if (prov == PROV_LINEAR)
		team_make_default(sim, acc);
	return acc;
}

struct account *
account_default(struct sim *sim, enum prov prov)
{
	struct account *acc;
	size_t i;

	for (i = 0; i < sim->naccounts; i++)
		if (sim->accounts[i]->prov == prov)
			return sim->accounts[i];
	acc = account_make(sim, prov, "demo");
	token_make(sim, prov, "demo", acc);
	return acc;
}

struct token *
token_make(
    struct sim *sim, enum prov prov, const char *name, struct account *acc)
{
	struct token *token = map_get(&sim->tokens[prov], name);

	if (!token) {
		token = mem_zero(sizeof(*token));
		map_put(&sim->tokens[prov], name, token);
	}
	token->acc = acc;
	token->revoked = false;
	return token;
}

static void
append(struct account *acc, struct item *it)
{
	if (acc->n == acc->cap) {
		acc->cap = acc->cap ? acc->cap * 2 : 64;
		acc->items =
		    mem_grow(acc->items, acc->cap * sizeof(*acc->items));
	}
	it->pos = acc->n;
	acc->items[acc->n++] = it;
}

struct item *
item_find(struct sim *sim, enum prov prov, const char *id)
{
	return map_get(&sim->items[prov], id);
}

static void
new_id(struct sim *sim, enum prov prov, char out[40])
{
	do {
		if (prov == PROV_TODOIST)
			ids_todoist(&sim->ids, out);
		else
			ids_uuid(&sim->ids, out);
	} while (item_find(sim, prov, out));
}

struct item *
item_make(struct account *acc, struct sim *sim, const char *id)
{
	struct item *it = mem_zero(sizeof(*it));
	char fresh[40], old[24];

	if (!id) {
		new_id(sim, acc->prov, fresh);
		id = fresh;
	}
	it->prov = acc->prov;
	it->acc = acc;
	it->id = mem_dup(id);
	it->created_ms = when_now_ms();
	if (it->prov == PROV_TODOIST) {
		it->priority = 1;
		it->project_id = mem_dup(acc->inbox_id);
		it->old_id = ++sim->next_old_id;
		snprintf(old, sizeof(old), "%lld", (long long)it->old_id);
		map_put(&sim->old_ids, old, it);
	} else {
		it->assignee = mem_dup(acc->user_id);
	}
	map_put(&sim->items[it->prov], it->id, it);
	append(acc, it);
	item_touch(sim, it, it->created_ms);
	return it;
}

void
item_touch(struct sim *sim, struct item *it, int64_t now_ms)
{
	it->acc->version++;
	it->rev = ++sim->rev;
	it->updated_ms = now_ms;
	past_note(it, now_ms);
}

void
item_purge(struct sim *sim, struct item *it)
{
	struct account *acc = it->acc;
	char old[24];

	map_del(&sim->items[it->prov], it->id);
	if (it->prov == PROV_TODOIST) {
		snprintf(old, sizeof(old), "%lld", (long long)it->old_id);
		map_del(&sim->old_ids, old);
	}
	acc->items[it->pos] = NULL;
	acc->version++;
	if (it->parent_id)
		acc->subtasks--;
	item_free(it);
}

void
item_to_end(struct item *it)
{
	struct account *acc = it->acc;

	if (it->pos + 1 == acc->n)
		return;
	acc->items[it->pos] = NULL;
	append(acc, it);
	acc->version++;
}

bool
item_is_others(const struct item *it)
{
	if (it->prov == PROV_TODOIST && !it->assignee)
		return false;
	return !it->assignee || strcmp(it->assignee, it->acc->user_id) != 0;
}

const char *
item_state(const struct item *it)
{
	if (it->deleted)
		return "deleted";
	if (it->moved && it->prov == PROV_TODOIST)
		return "moved";
	if (it->prov == PROV_LINEAR && !state_is_open(it->state))
		return it->state->type;
	if (it->prov != PROV_LINEAR && it->done)
		return "completed";
	if (it->archived)
		return "archived";
	if (item_is_others(it))
		return "reassigned";
	return it->moved ? "moved" : "open";
}

const struct view *
account_view(struct account *acc, const struct view_plan *plan)
{
	struct view *v = &acc->view;
	size_t i;

	if (v->version == acc->version && strcmp(v->key, plan->key) == 0)
		return v;
	snprintf(v->key, sizeof(v->key), "%s", plan->key);
	v->version = acc->version;
	v->items = mem_grow(v->items, acc->n * sizeof(*v->items));
	v->n = 0;
	for (i = 0; i < acc->n; i++)
		if (acc->items[i] && plan->keep(acc->items[i], plan->arg))
			v->items[v->n++] = acc->items[i];
	if (plan->order)
		qsort(v->items, v->n, sizeof(*v->items), plan->order);
	return v;
}
