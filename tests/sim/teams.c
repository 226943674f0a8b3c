/*
 * Linear's teams and their workflow states. A state that a team loses is
 * retired, not freed: items may still be in it, as they may at Linear while a
 * state is being replaced, and naming it in an update is refused.
 */
#include "teams.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "state.h"
#include "when.h"

bool
state_is_open(const struct wstate *s)
{
	return strcmp(s->type, "completed") != 0 &&
	       strcmp(s->type, "canceled") != 0 &&
	       strcmp(s->type, "duplicate") != 0;
}

void
team_free(struct team *team)
{
	size_t i;

	for (i = 0; i < team->nstates; i++) {
		free(team->states[i]->name);
		free(team->states[i]->type);
		free(team->states[i]);
	}
	free(team->states);
	free(team->key);
	free(team->name);
	free(team);
}

struct team *
team_make(struct sim *sim, struct account *acc, const char *id, const char *key,
    const char *name)
{
	struct team *team = mem_zero(sizeof(*team));

	if (id)
		snprintf(team->id, sizeof(team->id), "%s", id);
	else
		ids_uuid(&sim->ids, team->id);
	team->acc = acc;
	team->key = mem_dup(key);
	team->name = mem_dup(name);
	acc->teams =
	    mem_grow(acc->teams, (acc->nteams + 1) * sizeof(*acc->teams));
	acc->teams[acc->nteams++] = team;
	map_put(&sim->teams, team->id, team);
	return team;
}

struct wstate *
team_set_state(struct sim *sim, struct team *team, const char *id,
    const char *name, const char *type, double position)
{
	struct wstate *s = NULL;
	size_t i;

	for (i = 0; id && i < team->nstates; i++)
		if (strcmp(team->states[i]->id, id) == 0)
			s = team->states[i];
	if (!s) {
		s = mem_zero(sizeof(*s));
		s->team = team;
		if (id)
			snprintf(s->id, sizeof(s->id), "%s", id);
		else
			ids_uuid(&sim->ids, s->id);
		team->states = mem_grow(
		    team->states, (team->nstates + 1) * sizeof(*team->states));
		team->states[team->nstates++] = s;
	}
	mem_set(&s->name, name);
	mem_set(&s->type, type);
	s->position = position;
	s->retired = false;
	return s;
}

void
team_retire_states(struct team *team)
{
	size_t i;

	for (i = 0; i < team->nstates; i++)
		team->states[i]->retired = true;
	team->default_state = NULL;
}

void
team_add_standard_states(struct sim *sim, struct team *team)
{
	static const struct {
		const char *name, *type;
	} states[] = {
		{ "Backlog", "backlog" },
		{ "Todo", "unstarted" },
		{ "In Progress", "started" },
		{ "Done", "completed" },
		{ "Canceled", "canceled" },
		{ "Duplicate", "duplicate" },
	};
	size_t i;

	for (i = 0; i < sizeof(states) / sizeof(*states); i++)
		team_set_state(
		    sim, team, NULL, states[i].name, states[i].type, (double)i);
	team_set_default(team, NULL);
}

struct team *
team_make_default(struct sim *sim, struct account *acc)
{
	struct team *team = team_make(sim, acc, NULL, "ENG", "Engineering");

	team_add_standard_states(sim, team);
	return team;
}

struct team *
team_find(struct account *acc, const char *id_or_key)
{
	size_t i;

	for (i = 0; id_or_key && i < acc->nteams; i++)
		if (strcmp(acc->teams[i]->id, id_or_key) == 0 ||
		    strcmp(acc->teams[i]->key, id_or_key) == 0)
			return acc->teams[i];
	return NULL;
}

struct wstate *
team_state_by_id(struct team *team, const char *id)
{
	size_t i;

	for (i = 0; i < team->nstates; i++)
		if (!team->states[i]->retired &&
		    strcmp(team->states[i]->id, id) == 0)
			return team->states[i];
	return NULL;
}

struct wstate *
team_state_by_name(struct team *team, const char *name)
{
	size_t i;

	for (i = 0; i < team->nstates; i++)
		if (!team->states[i]->retired &&
		    strcmp(team->states[i]->name, name) == 0)
			return team->states[i];
	return NULL;
}

struct wstate *
team_state_by_type(struct team *team, const char *type)
{
	struct wstate *best = NULL;
	size_t i;

	for (i = 0; i < team->nstates; i++) {
		struct wstate *s = team->states[i];

		if (s->retired || strcmp(s->type, type) != 0)
			continue;
		if (!best || s->position < best->position)
			best = s;
	}
	return best;
}

void
team_set_default(struct team *team, const char *id_or_name)
{
	static const char *const types[] = { "backlog", "unstarted", "triage",
		"started" };
	struct wstate *s = NULL;
	size_t i;

	if (id_or_name) {
		s = team_state_by_id(team, id_or_name);
		if (!s)
			s = team_state_by_name(team, id_or_name);
	}
	for (i = 0; !s && i < sizeof(types) / sizeof(*types); i++)
		s = team_state_by_type(team, types[i]);
	for (i = 0; !s && i < team->nstates; i++)
		if (!team->states[i]->retired)
			s = team->states[i];
	team->default_state = s;
}

void
item_set_wstate(struct item *it, struct wstate *s)
{
	bool was_completed = it->done;
	int64_t now = when_now_ms();

	it->state = s;
	it->done = strcmp(s->type, "completed") == 0;
	if (state_is_open(s))
		it->open_state = s;
	if (!it->done)
		it->completed_ms = 0;
	else if (!was_completed)
		it->completed_ms = now;
	if (state_is_open(s) || it->done)
		it->canceled_ms = 0;
	else if (!it->canceled_ms)
		it->canceled_ms = now;
}

void
item_set_team(struct item *it, struct team *team)
{
	struct wstate *s = team_state_by_type(team, "backlog");
	struct buf was = { 0 };

	if (it->team) {
		buf_fmt(&was, "%s-%d", it->team->key, it->number);
		free(it->previous);
		it->previous = was.ptr;
	}
	it->team = team;
	it->number = ++team->last_number;
	it->open_state = NULL;
	item_set_wstate(it, s ? s : team->default_state);
}
