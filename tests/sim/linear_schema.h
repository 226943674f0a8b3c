/* linear_schema: Linear's types, and what writing them has in common. */
#ifndef SIM_LINEAR_SCHEMA_H
#define SIM_LINEAR_SCHEMA_H

#include <stddef.h>

#include "gqlexec.h"

struct account;
struct team;
struct linear_args;
struct linear_page;

/* clang-format off */
#define DEFS(...) (const struct gql_def[]) { __VA_ARGS__, { 0 } }
#define PLACE(what, how, name, member) \
	{ name, how, offsetof(struct what, member), NULL, NULL, NULL }
#define CALL(name, resolver) { name, GQL_CALL, 0, resolver, NULL, NULL }
#define OBJECT(name, resolver, type, args) \
	{ name, GQL_CALL, 0, resolver, type, args }
/* clang-format on */

/* What a connection takes; filters are checked when they are used. */
#define PAGING                                                                 \
	"first:Int after:String last:Int before:String "                       \
	"includeArchived:Boolean orderBy:PaginationOrderBy filter:Filter"

typedef void resolver(
    struct gql_exec *x, const char *key, void *obj, const struct gql_group *g);

extern const struct gql_type linear_type_issue, linear_type_issue_page;
extern const struct gql_type linear_type_state, linear_type_state_page;
extern const struct gql_type linear_type_team, linear_type_team_page;
extern const struct gql_type linear_type_user;

/* A string member, or NULL. */
const char *linear_text(const cJSON *object, const char *name);
resolver linear_true;

/* NULL id: nobody. */
void linear_write_user(struct gql_exec *x, const char *key,
    const struct gql_group *g, struct account *acc, const char *id);
/* States of one team, or (team NULL) of all that the account has. */
void linear_write_states(struct gql_exec *x, const char *key,
    const struct gql_group *g, const struct team *team);
void linear_write_issues(
    struct gql_exec *x, const char *key, const struct gql_group *g, bool mine);
/*
 * Leave of page's rows what args asks for: for short lists that are all in
 * memory. False after a failure.
 */
bool linear_cut_page(struct gql_exec *x, const struct linear_args *args,
    struct linear_page *page);

#endif
