/* teams: Linear's teams and their workflow states. */
#ifndef SIM_TEAMS_H
#define SIM_TEAMS_H

#include <stdbool.h>
#include <stddef.h>

struct sim;
struct account;
struct item;

struct wstate {
	char id[64];
	char *name, *type;
	double position;
	struct team *team;
	/* No longer in the team; kept because items may still point at it. */
	bool retired;
};

struct team {
	struct account *acc;
	char id[64];
	char *key, *name;
	struct wstate **states;
	size_t nstates;
	struct wstate *default_state; /* NULL if all are retired */
	int last_number;
};

/* Team ENG with the states that Linear gives to a new team. */
struct team *team_make_default(struct sim *sim, struct account *acc);
/* id NULL: a new one. The team has no states yet. */
struct team *team_make(struct sim *sim, struct account *acc, const char *id,
    const char *key, const char *name);
void team_add_standard_states(struct sim *sim, struct team *team);
/* Adds, or revives and changes, the state with that id (NULL: a new one). */
struct wstate *team_set_state(struct sim *sim, struct team *team,
    const char *id, const char *name, const char *type, double position);
void team_retire_states(struct team *team);
/* Choose the default again: the named one, else the first backlog state. */
void team_set_default(struct team *team, const char *id_or_name);
void team_free(struct team *team);

struct team *team_find(struct account *acc, const char *id_or_key);
struct wstate *team_state_by_id(struct team *team, const char *id);
struct wstate *team_state_by_name(struct team *team, const char *name);
/* The state of that type with the lowest position; NULL if there is none. */
struct wstate *team_state_by_type(struct team *team, const char *type);

bool state_is_open(const struct wstate *s);
/* Put the item there, with the times that Linear sets along with it. */
void item_set_wstate(struct item *it, struct wstate *s);
/* Another team, a new number, that team's backlog. */
void item_set_team(struct item *it, struct team *team);

#endif
