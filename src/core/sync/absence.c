/* That an item is missing from a list is only a hint; what the provider says of
 * it by id is evidence. */
#include "core/sync/absence.h"
#include "core/words.h"

#include <stdlib.h>
#include <string.h>

#define DROP_LEAST 5 /* this many may vanish from any list */
#define DROP_PER_CENT 20

static const char no_answer[] = "no_answer";
static const char put_off[] = "put_off";

/* clang-format off */
static const enum item_state by_policy[] = {
	ITEM_CANCELED, ITEM_DUPLICATE, ITEM_DELETED, ITEM_ARCHIVED,
	ITEM_REASSIGNED, ITEM_MOVED, ITEM_NOT_VISIBLE, ITEM_COMPLETED,
};
/* clang-format on */

static bool
find_state(const char *word, size_t n, enum item_state *out)
{
	for (size_t i = 0; i < sizeof(by_policy) / sizeof(by_policy[0]); i++) {
		const char *name = item_state_name(by_policy[i]);

		if (strlen(name) != n || strncmp(name, word, n) != 0)
			continue;
		*out = by_policy[i];
		return true;
	}
	return false;
}

enum err
absence_policy_parse(const char *words, unsigned *policy)
{
	unsigned bits = 1U << ITEM_COMPLETED;
	enum item_state state;
	const char *p;
	size_t n;

	while ((p = words_next(&words, &n))) {
		if (!find_state(p, n, &state))
			return err_set(ERR_CONFIG,
			    "complete_on: '%.*s' is not a reason to complete "
			    "a task",
			    (int)n, p);
		bits |= 1U << state;
	}
	*policy = bits;
	return OK;
}

static bool
is_next_occurrence(const struct candidate *c)
{
	return c->finding == FINDING_RETURNED &&
	       due_is_later(c->due, c->closed_due);
}

bool
absence_needs_reading(const struct candidate *candidate)
{
	if (candidate->finding == FINDING_MISSING)
		return !candidate->is_put_off;
	return !candidate->is_local && !is_next_occurrence(candidate);
}

/* The item was seen, or the policy leaves it alone: the next run that misses it
 * counts as the first. */
static void
keep(struct candidate *c)
{
	c->action = c->was_missing ? MARK_VISIBLE : MARK_NONE;
}

/* If this account never showed the item, such an answer proves nothing: the
 * task may have come through another account, for which nothing has changed. */
static bool
depends_on_who_asks(enum item_state state)
{
	return state == ITEM_NOT_VISIBLE || state == ITEM_REASSIGNED ||
	       state == ITEM_MOVED;
}

static enum err
decide_missing(struct candidate *c, const struct item *item, unsigned policy)
{
	c->reason = item_state_name(item->state);
	if (c->never_seen && depends_on_who_asks(item->state))
		return OK;
	switch (item->state) {
	case ITEM_OPEN: /* the pages shifted, and it is there after all */
		keep(c);
		return OK;
	case ITEM_RENUMBERED:
		c->new_id = strdup(item->new_id);
		if (!c->new_id)
			return err_set(ERR_NOMEM, "no memory for an id");
		c->action = MARK_RENUMBER;
		return OK;
	case ITEM_NOT_VISIBLE:
		c->action = c->was_missing ? MARK_NONE : MARK_MISSING;
		if (c->is_long_missing)
			c->action = MARK_COMPLETE;
		break;
	default:
		c->action = MARK_COMPLETE;
	}
	if (!(policy & 1U << item->state))
		keep(c);
	return OK;
}

/* Is the item open, and still at the occurrence that the list showed? A stale
 * page may show one that was done since. */
static bool
is_open_again(const struct candidate *c, const struct item *item)
{
	if (item->state != ITEM_OPEN || !c->due != !item->due)
		return false;
	return !c->due || !strcmp(c->due, item->due);
}

/* Shortly after our last write both the list and a read by id may be from
 * before it. An item that is not visible has a rule of its own. */
static bool
is_contradiction(const struct candidate *c, const struct item *item)
{
	return c->is_lagging &&
	       (c->action == MARK_REOPEN || c->action == MARK_COMPLETE) &&
	       item->state != ITEM_NOT_VISIBLE;
}

enum err
absence_decide(struct candidate *c, const struct item *item, unsigned policy)
{
	enum err err = OK;

	c->action = MARK_NONE;
	c->reason = item ? item_state_name(item->state) : no_answer;
	if (c->finding == FINDING_MISSING && c->is_put_off)
		c->reason = put_off;
	if (is_next_occurrence(c)) {
		c->action = MARK_REOPEN;
		c->reason = "next_occurrence";
		return OK;
	}
	if (item && c->finding == FINDING_MISSING) {
		err = decide_missing(c, item, policy);
	} else if (item && !c->is_local && is_open_again(c, item)) {
		c->action = MARK_REOPEN;
		c->reason = "reopened";
	}
	if (is_contradiction(c, item))
		c->action = MARK_CONTRADICTED;
	return err;
}

bool
absence_is_waited_for(const struct candidate *c)
{
	return c->action == MARK_NONE && c->was_missing && !c->never_seen &&
	       !strcmp(c->reason, item_state_name(ITEM_NOT_VISIBLE));
}

/* Nobody said what became of the item, and its task is completed without that,
 * now or in a later run. */
static bool
lacks_evidence(const struct candidate *c)
{
	if (c->finding != FINDING_MISSING || c->never_seen)
		return false;
	if (!strcmp(c->reason, item_state_name(ITEM_NOT_VISIBLE)))
		return c->action == MARK_COMPLETE ||
		       c->action == MARK_MISSING || absence_is_waited_for(c);
	return !strcmp(c->reason, no_answer);
}

struct guard
absence_guard(struct candidates *candidates, size_t listed, int64_t approved)
{
	struct guard guard = { GUARD_NONE, 0 };
	int64_t most = candidates->active * DROP_PER_CENT / 100;
	int64_t undecided = 0;

	if (most < DROP_LEAST)
		most = DROP_LEAST;
	for (size_t i = 0; i < candidates->count; i++) {
		const struct candidate *c = &candidates->list[i];

		guard.held += lacks_evidence(c);
		undecided += lacks_evidence(c) && c->action != MARK_COMPLETE;
	}
	if (guard.held > most)
		guard.kind = GUARD_MASS_DROP;
	if (guard.held > 0 && listed == 0)
		guard.kind = GUARD_LIST_EMPTIED;
	if (guard.kind == GUARD_NONE)
		return (struct guard){ GUARD_NONE, 0 };
	if (guard.held <= approved) /* the guard stays for later tasks */
		return undecided ? guard : (struct guard){ GUARD_NONE, 0 };
	for (size_t i = 0; i < candidates->count; i++) {
		struct candidate *c = &candidates->list[i];

		if (lacks_evidence(c) && c->action == MARK_COMPLETE)
			c->action = MARK_HELD;
	}
	return guard;
}

/* The position breaks ties, so that of two rows of one item the later one is
 * still known. */
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
		return 0; /* a later statement fails too, and says so */
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

/* A text with its end, so that texts do not run together. NULL and ""
 * differ. */
static void
add_text(struct crypto_digest *digest, const char *text)
{
	crypto_digest_add(digest, text ? "+" : "-", 1);
	if (text)
		crypto_digest_add(digest, text, strlen(text) + 1);
}

void
absence_digest(const struct items *items, char out[CRYPTO_SHA256_HEX])
{
	struct crypto_digest *digest = crypto_digest_begin();

	/* another version may decide differently about the same list */
	add_text(digest, FLOWPIN_VERSION);
	for (size_t i = 0; i < items->count; i++) {
		const struct item *item = &items->list[i];

		add_text(digest, item->source_id);
		add_text(digest, item->title);
		add_text(digest, item->source_url);
		add_text(digest, item->metadata);
		add_text(digest, item->bag);
		add_text(digest, item->due);
	}
	crypto_digest_end(digest, out);
}
