/*
 * Linear's teams through the control API: tests make teams without a done
 * state here, and take away a state that somebody remembers.
 */
#include "control.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "teams.h"

static void
team_json(struct buf *out, const struct team *team)
{
	size_t i;

	json_open(out, NULL, '{');
	json_str(out, "team_id", team->id);
	json_str(out, "account", team->acc->name);
	json_str(out, "key", team->key);
	json_str(out, "name", team->name);
	json_str(out, "default_state",
	    team->default_state ? team->default_state->id : NULL);
	json_open(out, "states", '[');
	for (i = 0; i < team->nstates; i++) {
		const struct wstate *s = team->states[i];

		if (s->retired)
			continue;
		json_open(out, NULL, '{');
		json_str(out, "id", s->id);
		json_str(out, "name", s->name);
		json_str(out, "type", s->type);
		json_num(out, "position", s->position);
		json_close(out, '}');
	}
	json_close(out, ']');
	json_close(out, '}');
}

/* Up to four letters of the name, made unlike the account's other keys. */
static void
make_key(const struct account *acc, const char *name, char out[16])
{
	size_t n = 0;
	int i;

	for (; *name && n < 4; name++)
		if (isalpha((unsigned char)*name))
			out[n++] = (char)toupper((unsigned char)*name);
	if (n == 0)
		out[n++] = 'T';
	out[n] = '\0';
	for (i = 2; team_find((struct account *)acc, out); i++)
		snprintf(out + n, 16 - n, "%d", i);
}

struct team *
control_team(
    struct control *ct, struct account *acc, const char *name, bool may_make)
{
	struct team *team = team_find(acc, name);
	char key[16];

	if (team)
		return team;
	if (!may_make) {
		control_refuse(ct, 400, "The account has no such team.");
		return NULL;
	}
	make_key(acc, name, key);
	team = team_make(ct->sim, acc, NULL, key, name);
	team_add_standard_states(ct->sim, team);
	return team;
}

void
control_teams_list(struct control *ct)
{
	const char *name = request_arg(ct->req, "account");
	struct account *only = NULL;
	size_t i, j;

	if (name && *name) {
		only = control_account(ct, PROV_LINEAR, name, false);
		if (!only)
			return;
	}
	json_open(ct->out, NULL, '{');
	json_open(ct->out, "teams", '[');
	for (i = 0; i < ct->sim->naccounts; i++) {
		const struct account *acc = ct->sim->accounts[i];

		if (only && acc != only)
			continue;
		for (j = 0; j < acc->nteams; j++)
			team_json(ct->out, acc->teams[j]);
	}
	json_close(ct->out, ']');
	json_close(ct->out, '}');
}

static const char *
text_of(const cJSON *object, const char *name)
{
	return cJSON_GetStringValue(
	    cJSON_GetObjectItemCaseSensitive(object, name));
}

static bool
check_states(struct control *ct, const cJSON *states)
{
	const cJSON *v;

	if (!cJSON_IsArray(states) || !states->child)
		return control_refuse(
		    ct, 400, "'states' is a list of at least one.");
	cJSON_ArrayForEach(v, states)
	{
		const char *id = text_of(v, "id");

		if (!text_of(v, "type"))
			return control_refuse(
			    ct, 400, "Every state needs a type.");
		if (id && strlen(id) > 60)
			return control_refuse(
			    ct, 400, "A state's id is too long.");
	}
	return true;
}

static void
replace_states(struct control *ct, struct team *team, const cJSON *states)
{
	const cJSON *v;
	int n = 0;

	team_retire_states(team);
	cJSON_ArrayForEach(v, states)
	{
		const char *name = text_of(v, "name");
		const char *type = text_of(v, "type");
		const cJSON *position =
		    cJSON_GetObjectItemCaseSensitive(v, "position");

		team_set_state(ct->sim, team, text_of(v, "id"),
		    name ? name : type, type,
		    cJSON_IsNumber(position) ? position->valuedouble : n);
		n++;
	}
}

/* What add and change have in common, after the team is known. */
static void
apply(struct control *ct, struct team *team, const char *dflt)
{
	const cJSON *states = control_member(ct, "states");

	if (states)
		replace_states(ct, team, states);
	team_set_default(team, dflt);
	ct->sim->rev++;
	team->acc->version++;
	team_json(ct->out, team);
}

void
control_team_add(struct control *ct)
{
	const char *account, *id, *key, *name, *dflt;
	const cJSON *states = control_member(ct, "states");
	struct account *acc;
	struct team *team;
	char made[16];

	if (!control_check_keys(
		ct, "account team_id key name states default_state") ||
	    !control_text(ct, "account", &account) ||
	    !control_text(ct, "team_id", &id) ||
	    !control_text(ct, "key", &key) ||
	    !control_text(ct, "name", &name) ||
	    !control_text(ct, "default_state", &dflt) ||
	    (states && !check_states(ct, states)))
		return;
	if (id && (strlen(id) > 60 || map_get(&ct->sim->teams, id))) {
		control_refuse(ct, 400, "That team id cannot be used.");
		return;
	}
	acc = control_account(ct, PROV_LINEAR, account, true);
	if (key && team_find(acc, key)) {
		control_refuse(ct, 400, "There is a team with that key.");
		return;
	}
	if (!key) {
		make_key(acc, name ? name : "TEAM", made);
		key = made;
	}
	team = team_make(ct->sim, acc, id, key, name ? name : key);
	if (!states)
		team_add_standard_states(ct->sim, team);
	ct->ans->status = 201;
	apply(ct, team, dflt);
}

void
control_team_change(struct control *ct)
{
	struct team *team = map_get(&ct->sim->teams, ct->part[0]);
	const cJSON *states = control_member(ct, "states");
	const char *name, *dflt;

	if (!team) {
		control_refuse(ct, 404, "There is no such team.");
		return;
	}
	if (!control_check_keys(ct, "name states default_state") ||
	    !control_text(ct, "name", &name) ||
	    !control_text(ct, "default_state", &dflt) ||
	    (states && !check_states(ct, states)))
		return;
	if (name)
		mem_set(&team->name, name);
	/* Naming neither keeps the default that there is. */
	if (!dflt && !states && team->default_state)
		dflt = team->default_state->id;
	apply(ct, team, dflt);
}
