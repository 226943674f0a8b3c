/*
 * Runs a checked document: walks selections beside objects and writes JSON.
 * Every fallible field here is non-null up to the root, as at Linear, so any
 * error makes the whole data null.
 */

#include "gqlexec.h"

#include <stdlib.h>
#include <string.h>

#include "when.h"

struct groups {
	struct gql_group *list;
	size_t n, cap;
};

static bool
condition(const struct gql_exec *x, const struct gql_value *args, bool dflt)
{
	cJSON *v;
	bool yes;

	if (!args)
		return dflt;
	v = gql_value_json(x, args);
	yes = cJSON_IsTrue(v);
	cJSON_Delete(v);
	return yes;
}

static void
add_to_groups(struct groups *gs, const struct gql_sel *sel)
{
	struct gql_group *g = NULL;
	size_t i;

	for (i = 0; i < gs->n && !g; i++)
		if (strcmp(gs->list[i].sel->key, sel->key) == 0)
			g = &gs->list[i];
	if (!g) {
		if (gs->n == gs->cap) {
			gs->cap = gs->cap ? gs->cap * 2 : 16;
			gs->list =
			    mem_grow(gs->list, gs->cap * sizeof(*gs->list));
		}
		g = &gs->list[gs->n++];
		*g = (struct gql_group){ .sel = sel };
	}
	if (sel->sub && g->nsubs < GQL_MERGED)
		g->subs[g->nsubs++] = sel->sub;
}

static void
collect(const struct gql_exec *x, const struct gql_sel *sel, struct groups *gs)
{
	for (; sel; sel = sel->next) {
		if (condition(x, sel->skip, false) ||
		    !condition(x, sel->include, true))
			continue;
		if (sel->kind == GQL_FIELD)
			add_to_groups(gs, sel);
		else if (sel->kind == GQL_INLINE)
			collect(x, sel->sub, gs);
		else
			collect(
			    x, gql_fragment_named(x->doc, sel->name)->sub, gs);
	}
}

static void
write_place(struct gql_exec *x, const struct gql_def *def, const char *key,
    const void *obj)
{
	const char *place = (const char *)obj + def->at;

	switch (def->how) {
	case GQL_TEXT:
		json_str(x->out, key, *(char *const *)place);
		break;
	case GQL_CHARS:
		json_str(x->out, key, place);
		break;
	case GQL_TIME:
		when_json(x->out, key, *(const int64_t *)place, 3);
		break;
	case GQL_COUNT:
		json_int(x->out, key, *(const int *)place);
		break;
	case GQL_FLOAT:
		json_num(x->out, key, *(const double *)place);
		break;
	case GQL_FLAG:
		json_bool(x->out, key, *(const bool *)place);
		break;
	default:
		break;
	}
}

static void
write_field(struct gql_exec *x, const struct gql_type *type, void *obj,
    const struct gql_group *g)
{
	const struct gql_def *def = g->sel->def;

	x->points++;
	if (!def)
		json_str(x->out, g->sel->key, type->name);
	else if (def->how == GQL_CALL)
		def->resolve(x, g->sel->key, obj, g);
	else
		write_place(x, def, g->sel->key, obj);
}

static void
write_object(struct gql_exec *x, const char *key, const struct gql_type *type,
    void *obj, const struct groups *gs)
{
	size_t i;

	x->points += 10;
	json_open(x->out, key, '{');
	for (i = 0; i < gs->n && !x->failed; i++)
		write_field(x, type, obj, &gs->list[i]);
	json_close(x->out, '}');
}

static void
collect_group(
    const struct gql_exec *x, const struct gql_group *g, struct groups *gs)
{
	size_t i;

	for (i = 0; i < g->nsubs; i++)
		collect(x, g->subs[i], gs);
}

void
gql_object(struct gql_exec *x, const char *key, const struct gql_type *type,
    void *obj, const struct gql_group *g)
{
	struct groups gs = { 0 };

	if (!obj) {
		json_raw(x->out, key, "null");
		return;
	}
	collect_group(x, g, &gs);
	write_object(x, key, type, obj, &gs);
	free(gs.list);
}

/* The selections are sorted out once for all rows. */
void
gql_list(struct gql_exec *x, const char *key, const struct gql_type *type,
    void **objs, size_t n, const struct gql_group *g)
{
	struct groups gs = { 0 };
	size_t i;

	collect_group(x, g, &gs);
	json_open(x->out, key, '[');
	for (i = 0; i < n && !x->failed; i++)
		write_object(x, NULL, type, objs[i], &gs);
	json_close(x->out, ']');
	free(gs.list);
}

void
gql_run(struct gql_exec *x, const struct gql_type *root, void *obj)
{
	struct groups gs = { 0 };
	size_t i;

	collect(x, x->op->sub, &gs);
	json_open(x->out, NULL, '{');
	for (i = 0; i < gs.n && !x->failed; i++) {
		x->path = gs.list[i].sel->key;
		write_field(x, root, obj, &gs.list[i]);
	}
	json_close(x->out, '}');
	free(gs.list);
}
