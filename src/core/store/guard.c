/* Guards, as operators and monitors see them. */
#include "core/store/guard.h"

#include <stdio.h>
#include <stdlib.h>

#include "queries.h"

static void
read_guard(const struct rows *rows, size_t i, struct held_guard *g)
{
	snprintf(g->connection_id, sizeof(g->connection_id), "%s",
	    rows_text(rows, i, "connection_id"));
	snprintf(g->user_id, sizeof(g->user_id), "%s",
	    rows_text(rows, i, "user_id"));
	snprintf(g->type, sizeof(g->type), "%s", rows_text(rows, i, "type"));
	snprintf(g->kind, sizeof(g->kind), "%s", rows_text(rows, i, "kind"));
	snprintf(g->raised_at, sizeof(g->raised_at), "%s",
	    rows_text(rows, i, "raised_at"));
	g->held = rows_int(rows, i, "held");
	g->is_approved = rows_bool(rows, i, "is_approved");
}

enum err
guard_list(const struct store *store, struct held_guard **list, size_t *count)
{
	struct rows rows = { 0 };
	struct held_guard *found = NULL;
	size_t n = 0;
	enum err err = store_run(store, q_guard_list_with(), &rows);

	if (!err) {
		n = rows_count(&rows);
		found = calloc(n ? n : 1, sizeof(*found));
		if (!found)
			err = err_set(ERR_NOMEM, "no memory for guards");
	}
	if (!err) {
		for (size_t i = 0; i < n; i++)
			read_guard(&rows, i, &found[i]);
		*list = found;
		*count = n;
	}
	rows_done(&rows);
	return err;
}

enum err
guard_approve(const struct store *store, const char *connection_id)
{
	const struct q_guard_approve_args args = { .connection_id =
						       connection_id };
	struct rows rows = { 0 };
	enum err err = store_run(store, q_guard_approve_with(&args), &rows);

	if (!err && rows_count(&rows) == 0)
		err = err_set(ERR_NOTFOUND, "no guard holds this connection");
	rows_done(&rows);
	return err;
}

static void
read_counts(const struct rows *rows, struct guard_counts *out)
{
	size_t n = rows_count(rows);

	out->count = n < GUARD_COUNTS_MAX ? n : GUARD_COUNTS_MAX;
	for (size_t i = 0; i < out->count; i++) {
		struct guard_count *c = &out->list[i];

		snprintf(
		    c->type, sizeof(c->type), "%s", rows_text(rows, i, "type"));
		snprintf(
		    c->kind, sizeof(c->kind), "%s", rows_text(rows, i, "kind"));
		c->guards = rows_int(rows, i, "guards");
		out->healed = rows_int(rows, i, "healed");
	}
}

enum err
guard_count(const struct store *store, const char *const *types, size_t count,
    struct guard_counts *out)
{
	struct q_guard_count_args args = { 0 };
	struct rows rows = { 0 };
	enum err err;

	for (size_t i = 0; i < count; i++)
		array_text(&args.types, types[i]);
	for (int k = GUARD_NONE + 1; k <= GUARD_MASS_DROP; k++)
		array_text(&args.kinds, guard_kind_name((enum guard_kind)k));
	err = store_run(store, q_guard_count_with(&args), &rows);
	if (!err)
		read_counts(&rows, out);
	rows_done(&rows);
	q_guard_count_args_done(&args);
	return err;
}
