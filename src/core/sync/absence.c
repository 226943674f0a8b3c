/* Absence is a hint; what the provider says of the item by id is evidence. */
#include "core/sync/absence.h"

#include <stdlib.h>
#include <string.h>

bool
absence_needs_reading(const struct candidate *candidate)
{
	return candidate->verdict != DIFF_OCCURRENCE;
}

static void
decide_missing(struct candidate *c, const struct item *item)
{
	switch (item->state) {
	case ITEM_OPEN: /* the pages shifted: it is there after all */
		c->action = c->was_missing ? MARK_VISIBLE : MARK_NONE;
		return;
	case ITEM_NOT_VISIBLE:
		/* What this connection never saw can vanish from no list: the
		 * task may have come through another account. */
		if (c->never_seen)
			return;
		c->action = c->was_missing ? MARK_COMPLETE : MARK_MISSING;
		c->reason = item_state_name(item->state);
		return;
	default:
		c->action = MARK_COMPLETE;
		c->reason = item_state_name(item->state);
	}
}

/* Is it open, and the occurrence that the list showed? A stale page may still
 * show one that was done. */
static bool
is_open_again(const struct candidate *c, const struct item *item)
{
	if (item->state != ITEM_OPEN || !c->due != !item->due)
		return false;
	return !c->due || !strcmp(c->due, item->due);
}

void
absence_decide(struct candidate *c, const struct item *item)
{
	c->action = MARK_NONE;
	c->reason = NULL;
	if (c->verdict == DIFF_OCCURRENCE) {
		c->action = MARK_COMPLETE;
		c->reason = "occurrence";
	} else if (item && c->verdict == DIFF_MISSING) {
		decide_missing(c, item);
	} else if (item && is_open_again(c, item)) {
		c->action = MARK_REOPEN;
		c->reason = "reopened";
	}
}

/* Position breaks ties, so that the later of two stays the later. */
struct entry {
	struct item item;
	size_t at;
};

static int
compare(const void *a, const void *b)
{
	const struct entry *x = a, *y = b;
	int order = strcmp(x->item.source_id, y->item.source_id);

	if (order)
		return order;
	return x->at < y->at ? -1 : 1;
}

size_t
absence_dedupe(struct items *items)
{
	struct entry *sorted = calloc(items->count + 1, sizeof(*sorted));
	size_t kept = 0, dropped = 0;

	if (!sorted)
		return 0; /* the statement would fail later, and say so */
	for (size_t i = 0; i < items->count; i++)
		sorted[i] = (struct entry){ items->list[i], i };
	qsort(sorted, items->count, sizeof(*sorted), compare);
	for (size_t i = 0; i < items->count; i++) {
		bool again =
		    i + 1 < items->count && !strcmp(sorted[i].item.source_id,
						sorted[i + 1].item.source_id);

		if (again) {
			item_done(&sorted[i].item);
			dropped++;
		} else {
			items->list[kept++] = sorted[i].item;
		}
	}
	items->count = kept;
	free(sorted);
	return dropped;
}
