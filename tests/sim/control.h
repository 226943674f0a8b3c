/* control: the API under /_sim/, for tests and people. */
#ifndef SIM_CONTROL_H
#define SIM_CONTROL_H

#include <cjson/cJSON.h>
#include <stdbool.h>

#include "buf.h"
#include "http.h"
#include "state.h"

struct control {
	struct sim *sim;
	const struct request *req;
	struct answer *ans;
	struct buf *out;     /* the answer's body */
	const cJSON *body;   /* an object; empty if there was none */
	const char *part[2]; /* of the path, after the noun; "" if absent */
};

void control_serve(
    struct sim *sim, const struct request *req, struct answer *ans);
bool control_owns(const char *path);

/* Answers with a sentence; returns false, for callers to return too. */
bool control_refuse(struct control *ct, int status, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* Refuse members that are not among the words of known. */
bool control_check_keys(struct control *ct, const char *known);
/* NULL if it is absent or null; refuses if it is not a string. */
bool control_text(struct control *ct, const char *name, const char **out);
/* The provider named in the body, the query or the path. */
bool control_provider(struct control *ct, const char *name, enum prov *out);
/*
 * The account called that, by name or token. NULL: the provider's default.
 * may_make: an unknown one is made. Refuses otherwise.
 */
struct account *control_account(
    struct control *ct, enum prov prov, const char *name, bool may_make);
const cJSON *control_member(const struct control *ct, const char *name);

/* Handlers kept elsewhere. */
void control_items_list(struct control *ct);
void control_items_add(struct control *ct);
void control_item_read(struct control *ct);
void control_item_change(struct control *ct);
void control_item_purge(struct control *ct);
void control_teams_list(struct control *ct);
void control_team_add(struct control *ct);
void control_team_change(struct control *ct);

/* Refuse members of the body that an item of that provider has not. */
bool control_check_members(struct control *ct, enum prov prov, bool is_new);
bool control_check_state(struct control *ct, const char *name);
/* Do what the body says to the item; false after a refusal. */
bool control_apply_members(struct control *ct, struct item *it);

/* Set one member of an item; false after a refusal. */
bool control_set_description(
    struct control *ct, struct item *it, const cJSON *v);
bool control_set_labels(struct control *ct, struct item *it, const cJSON *v);
bool control_set_duration(struct control *ct, struct item *it, const cJSON *v);
bool control_set_estimate(struct control *ct, struct item *it, const cJSON *v);
bool control_set_linked_records(
    struct control *ct, struct item *it, const cJSON *v);
bool control_set_project_name(
    struct control *ct, struct item *it, const cJSON *v);

/* Used by both items and teams. */
struct team *control_team(
    struct control *ct, struct account *acc, const char *name, bool may_make);

#endif
