/*
 * What can happen to a Todoist task, whether a client asks for it or a
 * person at the provider (the control API) does it.
 */
#include "todoist_items.h"

#include <string.h>

#include "buf.h"
#include "state.h"
#include "when.h"

static bool
finish(struct sim *sim, struct item *it, int64_t now_ms)
{
	if (it->done)
		return false;
	it->done = true;
	it->completed_ms = now_ms;
	item_touch(sim, it, now_ms);
	return true;
}

/* In passes rather than recursion: a chain of subtasks may be long. */
static void
finish_subtasks(struct sim *sim, struct account *acc, int64_t now_ms)
{
	bool again = acc->subtasks > 0;
	size_t i;

	while (again) {
		again = false;
		for (i = 0; i < acc->n; i++) {
			struct item *it = acc->items[i];
			struct item *parent;

			if (!it || !it->parent_id || it->done)
				continue;
			parent = item_find(sim, PROV_TODOIST, it->parent_id);
			if (parent && parent->done)
				again |= finish(sim, it, now_ms);
		}
	}
}

bool
todoist_complete(struct sim *sim, struct item *it, int64_t now_ms)
{
	if (!finish(sim, it, now_ms))
		return false;
	finish_subtasks(sim, it->acc, now_ms);
	return true;
}

bool
todoist_advance(struct sim *sim, struct item *it, bool back, int64_t now_ms)
{
	char next[40];

	if (!it->recurring || !it->due_date)
		return false;
	when_next(it->due_date, it->due_string, back, next);
	mem_set(&it->due_date, next);
	it->occurrences_done += back ? -1 : 1;
	item_touch(sim, it, now_ms);
	return true;
}

bool
todoist_close(struct sim *sim, struct item *it, int64_t now_ms)
{
	bool changed;

	if (it->done)
		return false;
	if (it->recurring)
		changed = todoist_advance(sim, it, false, now_ms);
	else
		changed = todoist_complete(sim, it, now_ms);
	it->closes += changed;
	return changed;
}

bool
todoist_reopen(struct sim *sim, struct item *it, int64_t now_ms)
{
	bool changed = false;

	while (it) {
		if (it->done) {
			it->done = false;
			it->completed_ms = 0;
			item_touch(sim, it, now_ms);
			item_to_end(it);
			changed = true;
		}
		it = it->parent_id ? item_find(sim, PROV_TODOIST, it->parent_id)
				   : NULL;
	}
	return changed;
}
