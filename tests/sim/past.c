#include "past.h"

#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "state.h"

/* So many changes of an item are remembered. */
#define MOMENTS 8

/* What lists and reads tell an open item from another by. */
struct traits {
	int64_t updated_ms, completed_ms, canceled_ms, archived_ms;
	bool done, deleted, archived, moved;
	struct team *team;
	struct wstate *state;
	char *assignee, *due_date;
};

struct moment {
	int64_t from_ms;
	struct traits traits;
};

struct past {
	struct moment moments[MOMENTS]; /* oldest first */
	size_t n;
	struct traits present; /* while it is in the past */
};

static struct traits
traits_of(const struct item *it)
{
	return (struct traits){ .updated_ms = it->updated_ms,
		.completed_ms = it->completed_ms,
		.canceled_ms = it->canceled_ms,
		.archived_ms = it->archived_ms,
		.done = it->done,
		.deleted = it->deleted,
		.archived = it->archived,
		.moved = it->moved,
		.team = it->team,
		.state = it->state,
		.assignee = it->assignee,
		.due_date = it->due_date };
}

static void
give(struct item *it, const struct traits *t)
{
	it->updated_ms = t->updated_ms;
	it->completed_ms = t->completed_ms;
	it->canceled_ms = t->canceled_ms;
	it->archived_ms = t->archived_ms;
	it->done = t->done;
	it->deleted = t->deleted;
	it->archived = t->archived;
	it->moved = t->moved;
	it->team = t->team;
	it->state = t->state;
	it->assignee = t->assignee;
	it->due_date = t->due_date;
}

static void
forget_first(struct past *past)
{
	free(past->moments[0].traits.assignee);
	free(past->moments[0].traits.due_date);
	past->n--;
	memmove(
	    past->moments, past->moments + 1, past->n * sizeof(*past->moments));
}

void
past_note(struct item *it, int64_t at_ms)
{
	struct moment *m;

	if (!it->past)
		it->past = mem_zero(sizeof(*it->past));
	if (it->past->n == MOMENTS)
		forget_first(it->past);
	m = &it->past->moments[it->past->n++];
	*m = (struct moment){ at_ms, traits_of(it) };
	m->traits.assignee = mem_dup(it->assignee);
	m->traits.due_date = mem_dup(it->due_date);
}

void
past_free(struct item *it)
{
	while (it->past && it->past->n > 0)
		forget_first(it->past);
	free(it->past);
}

/* NULL: it is younger, or changed too often since. */
static const struct traits *
traits_at(const struct item *it, int64_t then_ms)
{
	const struct past *past = it->past;

	for (size_t i = past->n; i > 0; i--) {
		const struct moment *m = &past->moments[i - 1];

		if (m->from_ms <= then_ms)
			return it->state && !m->traits.state ? NULL
							     : &m->traits;
	}
	return NULL;
}

void
past_enter(struct account *acc, int64_t then_ms)
{
	for (size_t i = 0; i < acc->n; i++) {
		struct item *it = acc->items[i];
		const struct traits *then = it ? traits_at(it, then_ms) : NULL;

		if (!it)
			continue;
		it->past->present = traits_of(it);
		if (then)
			give(it, then);
	}
	acc->version++;
}

void
past_leave(struct account *acc)
{
	for (size_t i = 0; i < acc->n; i++)
		if (acc->items[i])
			give(acc->items[i], &acc->items[i]->past->present);
	acc->version++;
}
