/* sync/absence: what becomes of a task that a complete list speaks of, for
 * everything that the provider can say of its item by id. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "core/sync/absence.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define SAID_NOTHING ITEM_STATE_COUNT
#define ANYTHING (ITEM_STATE_COUNT + 1)

#define EVERYTHING (~0U)

enum when { ANY = 0, YES, NO };

struct row {
	enum finding finding;
	int item;                /* enum item_state, SAID_NOTHING or ANYTHING */
	enum when first, second; /* flags, as the finding has them */
	enum mark_action action;
	const char *reason;
};

/* The first row that fits counts. */
/* clang-format off */
static const struct row rows[] = {
	/* missing: was_missing, never_seen */

	/* no answer, refused: stays open, tried again next run */
	{ FINDING_MISSING, SAID_NOTHING, ANY, ANY, MARK_NONE, "no_answer" },
	/* paging shifted; what an earlier run missed is forgotten */
	{ FINDING_MISSING, ITEM_OPEN, NO,  ANY, MARK_NONE, "open" },
	{ FINDING_MISSING, ITEM_OPEN, YES, ANY, MARK_VISIBLE, "open" },
	/* not gone, only known under another id */
	{ FINDING_MISSING, ITEM_RENUMBERED, ANY, ANY, MARK_RENUMBER, "renumbered" },
	{ FINDING_MISSING, ITEM_COMPLETED,  ANY, ANY, MARK_COMPLETE, "completed" },
	{ FINDING_MISSING, ITEM_CANCELED,   ANY, ANY, MARK_COMPLETE, "canceled" },
	{ FINDING_MISSING, ITEM_DUPLICATE,  ANY, ANY, MARK_COMPLETE, "duplicate" },
	{ FINDING_MISSING, ITEM_DELETED,    ANY, ANY, MARK_COMPLETE, "deleted" },
	{ FINDING_MISSING, ITEM_ARCHIVED,   ANY, ANY, MARK_COMPLETE, "archived" },
	/* another account's connection is shown what is not its own so */
	{ FINDING_MISSING, ITEM_REASSIGNED, ANY, YES, MARK_NONE, "reassigned" },
	{ FINDING_MISSING, ITEM_MOVED,      ANY, YES, MARK_NONE, "moved" },
	{ FINDING_MISSING, ITEM_REASSIGNED, ANY, ANY, MARK_COMPLETE, "reassigned" },
	{ FINDING_MISSING, ITEM_MOVED,      ANY, ANY, MARK_COMPLETE, "moved" },
	/* may have come through another account: no evidence, ever */
	{ FINDING_MISSING, ITEM_NOT_VISIBLE, ANY, YES, MARK_NONE, "not_visible" },
	/* two complete runs */
	{ FINDING_MISSING, ITEM_NOT_VISIBLE, NO,  NO, MARK_MISSING, "not_visible" },
	{ FINDING_MISSING, ITEM_NOT_VISIBLE, YES, NO, MARK_COMPLETE, "not_visible" },

	/* returned: is_local, and listed later than what was closed */

	/* the list itself is the evidence, whoever closed the one before */
	{ FINDING_RETURNED, ANYTHING, ANY, YES, MARK_REOPEN, "next_occurrence" },
	/* listed again, and by id open; but what was completed here alone is
	 * open there on purpose */
	{ FINDING_RETURNED, ITEM_OPEN, NO, NO, MARK_REOPEN, "reopened" },
	{ FINDING_RETURNED, ANYTHING, ANY, ANY, MARK_NONE, NULL }, /* any reason */
};
/* clang-format on */

static bool
is_so(enum when when, bool value)
{
	return when == ANY || (when == YES) == value;
}

static const struct row *
row_of(const struct candidate *c, int item)
{
	bool is_missing = c->finding == FINDING_MISSING;
	bool first = is_missing ? c->was_missing : c->is_local;
	bool second = is_missing ? c->never_seen : c->closed_due != NULL;

	for (size_t i = 0; i < COUNT(rows); i++) {
		const struct row *r = &rows[i];

		if (r->finding == c->finding &&
		    (r->item == ANYTHING || r->item == item) &&
		    is_so(r->first, first) && is_so(r->second, second))
			return r;
	}
	return NULL;
}

static void
check(struct candidate *c, int item, bool is_used[COUNT(rows)])
{
	char new_id[] = "new";
	struct item read = {
		.state = (enum item_state)item,
		.due = c->due,
		.new_id = new_id,
	};
	const struct row *r = row_of(c, item);
	bool is_same;

	if (!r) {
		fail_msg("no row for finding %d, item %d", c->finding, item);
		return; /* for analyzers */
	}
	is_used[r - rows] = true;
	/* what an earlier decision left must not shine through */
	c->action = MARK_REOPEN;
	c->reason = "stale";
	assert_int_equal(
	    absence_decide(c, item == SAID_NOTHING ? NULL : &read, EVERYTHING),
	    OK);
	is_same = !r->reason || !strcmp(c->reason, r->reason);
	if (c->action != r->action || !is_same)
		fail_msg("row %d: %s %s", (int)(r - rows),
		    mark_action_name(c->action), c->reason);
	if (c->action == MARK_RENUMBER)
		assert_string_equal(c->new_id, "new");
	free(c->new_id);
	c->new_id = NULL;
}

static void
test_every_case_is_decided_as_the_table_says(void **state)
{
	char listed[] = "2031-02-04", closed[] = "2031-02-03";
	bool is_used[COUNT(rows)] = { false };

	(void)state;
	for (int i = 0; i < 4 * (SAID_NOTHING + 1); i++) {
		struct candidate missing = { .finding = FINDING_MISSING,
			.was_missing = i & 1,
			.is_long_missing = i & 1,
			.never_seen = i & 2 };
		struct candidate returned = { .finding = FINDING_RETURNED,
			.is_local = i & 1,
			.due = listed,
			.closed_due = i & 2 ? closed : NULL };

		check(&missing, i / 4, is_used);
		check(&returned, i / 4, is_used);
	}
	for (size_t i = 0; i < COUNT(rows); i++)
		if (!is_used[i])
			fail_msg("row %zu speaks of nothing", i);
}

static void
test_absence_alone_never_completes_a_task(void **state)
{
	(void)state;
	for (int i = 0; i < 4; i++) {
		struct candidate c = { .finding = FINDING_MISSING,
			.was_missing = i & 1,
			.is_long_missing = i & 1,
			.never_seen = i & 2 };

		assert_int_equal(absence_decide(&c, NULL, EVERYTHING), OK);
		assert_int_equal(c.action, MARK_NONE);
	}
}

/* A list and a look may be from before our last write. What they cannot show,
 * and the due date of a series, have rules of their own. */
static void
test_what_is_against_a_recent_write_is_a_contradiction(void **state)
{
	(void)state;
	for (int i = 0; i < ITEM_STATE_COUNT; i++) {
		struct candidate missing = { .is_lagging = true,
			.was_missing = true,
			.is_long_missing = true };
		struct candidate returned = { .finding = FINDING_RETURNED,
			.is_lagging = true };
		struct item item = { .state = (enum item_state)i,
			.new_id = (char[]){ "n" } };
		enum mark_action last = MARK_CONTRADICTED;

		if (i == ITEM_NOT_VISIBLE)
			last = MARK_COMPLETE;
		if (i == ITEM_OPEN)
			last = MARK_VISIBLE;
		if (i == ITEM_RENUMBERED)
			last = MARK_RENUMBER;
		assert_int_equal(
		    absence_decide(&missing, &item, EVERYTHING), OK);
		assert_int_equal(missing.action, last);
		free(missing.new_id);
		assert_int_equal(
		    absence_decide(&returned, &item, EVERYTHING), OK);
		assert_int_equal(returned.action,
		    i == ITEM_OPEN ? MARK_CONTRADICTED : MARK_NONE);
	}
}

/* What was asked for often enough waits, and needs no guard; what nobody
 * answered for does. */
static void
test_what_is_put_off_is_not_asked_for(void **state)
{
	struct candidate c = { .is_put_off = true };
	struct candidates all = { &c, 1, 10 };

	(void)state;
	assert_false(absence_needs_reading(&c));
	assert_int_equal(absence_decide(&c, NULL, EVERYTHING), OK);
	assert_int_equal(c.action, MARK_NONE);
	assert_string_equal(c.reason, "put_off");
	assert_int_equal(absence_guard(&all, 0, -1).kind, GUARD_NONE);
	c.is_put_off = false;
	assert_true(absence_needs_reading(&c));
	assert_int_equal(absence_decide(&c, NULL, EVERYTHING), OK);
	assert_int_equal(absence_guard(&all, 0, -1).kind, GUARD_LIST_EMPTIED);
}

/* --- what a policy leaves open ------------------------------------------- */

/* Two lists within a moment show the same trouble twice. */
static void
test_two_lists_that_come_at_once_are_one(void **state)
{
	struct candidate c = { .was_missing = true };
	struct candidates all = { &c, 1, 10 };
	struct item gone = { .state = ITEM_NOT_VISIBLE };

	(void)state;
	assert_int_equal(absence_decide(&c, &gone, EVERYTHING), OK);
	assert_int_equal(c.action, MARK_NONE); /* it is noted already */
	assert_string_equal(c.reason, "not_visible");
	assert_true(absence_is_waited_for(&c));
	/* it lacks evidence as any other does */
	assert_int_equal(absence_guard(&all, 0, -1).kind, GUARD_LIST_EMPTIED);
	c.is_long_missing = true;
	assert_int_equal(absence_decide(&c, &gone, EVERYTHING), OK);
	assert_int_equal(c.action, MARK_COMPLETE);
}

static void
test_a_policy_decides_about_every_state_but_two(void **state)
{
	unsigned policy = 0;

	(void)state;
	assert_int_equal(absence_policy_parse("", &policy), OK);
	for (int i = 0; i < ITEM_STATE_COUNT; i++) {
		struct candidate c = { .was_missing = true,
			.is_long_missing = true };
		struct item item = { .state = (enum item_state)i };

		if (i == ITEM_RENUMBERED)
			continue;
		assert_int_equal(absence_decide(&c, &item, policy), OK);
		assert_int_equal(c.action,
		    i == ITEM_COMPLETED ? MARK_COMPLETE : MARK_VISIBLE);
		assert_int_equal(absence_decide(&c, &item, ~0U), OK);
		assert_int_equal(
		    c.action, i == ITEM_OPEN ? MARK_VISIBLE : MARK_COMPLETE);
	}
}

static void
test_a_policy_is_a_list_of_reasons(void **state)
{
	unsigned one = 0, two = 0;

	(void)state;
	assert_int_equal(absence_policy_parse("deleted", &one), OK);
	assert_int_equal(
	    absence_policy_parse(" completed,\tdeleted ,", &two), OK);
	assert_int_equal(one, two);
	assert_int_equal(one, 1U << ITEM_COMPLETED | 1U << ITEM_DELETED);
	assert_int_equal(absence_policy_parse("open", &one), ERR_CONFIG);
	assert_int_equal(absence_policy_parse("renumbered", &one), ERR_CONFIG);
	assert_int_equal(absence_policy_parse("delete", &one), ERR_CONFIG);
	assert_int_equal(
	    absence_policy_parse("deleted moved x", &one), ERR_CONFIG);
	assert_non_null(strstr(err_text(), "'x'"));
	assert_int_equal(one, two);
}

/* --- guards ----------------------------------------------------------------
 */

#define TASKS_MAX 200

struct drop {
	int gone;     /* not visible, missed before */
	int silent;   /* no answer */
	int done;     /* completed there */
	int first;    /* not visible, for the first time */
	int stranger; /* not visible, and never listed by it */
	int active, listed, approved;
	enum guard_kind kind;
	int held; /* tasks without evidence, by the guard */
	int completed;
};

static void
add_missing(struct candidates *all, int n, int item, struct candidate like)
{
	struct item read = { .state = (enum item_state)item };

	for (int i = 0; i < n; i++) {
		struct candidate *c = &all->list[all->count++];

		*c = like;
		assert_int_equal(
		    absence_decide(
			c, item == SAID_NOTHING ? NULL : &read, EVERYTHING),
		    OK);
	}
}

static void
check_drop(const struct drop *d, size_t row)
{
	struct candidate list[TASKS_MAX];
	struct candidates all = { list, 0, d->active };
	const struct candidate missed = { .was_missing = true,
		.is_long_missing = true };
	const struct candidate stranger = { .never_seen = true };
	struct guard guard;
	int completed = 0, held = 0;

	add_missing(&all, d->gone, ITEM_NOT_VISIBLE, missed);
	add_missing(&all, d->silent, SAID_NOTHING, missed);
	add_missing(&all, d->done, ITEM_COMPLETED, missed);
	add_missing(&all, d->first, ITEM_NOT_VISIBLE, (struct candidate){ 0 });
	add_missing(&all, d->stranger, ITEM_NOT_VISIBLE, stranger);
	guard = absence_guard(&all, (size_t)d->listed, d->approved);
	for (size_t i = 0; i < all.count; i++) {
		completed += list[i].action == MARK_COMPLETE;
		held += list[i].action == MARK_HELD;
	}
	if (guard.kind != d->kind || guard.held != d->held ||
	    completed != d->completed)
		fail_msg("row %zu: %s %d, %d completed, %d held", row,
		    guard_kind_name(guard.kind), (int)guard.held, completed,
		    held);
}

static void
test_too_much_at_once_without_evidence_is_held(void **state)
{
	/* clang-format off */
	static const struct drop table[] = {
		/* gone silent done first stranger  active listed approved */
		{ 5, 0,  0, 0, 0,   5,  9, -1, GUARD_NONE,         0, 5 },
		{ 6, 0,  0, 0, 0,   6,  9, -1, GUARD_MASS_DROP,    6, 0 },
		{ 20, 0, 0, 0, 0, 100,  9, -1, GUARD_NONE,         0, 20 },
		{ 21, 0, 0, 0, 0, 100,  9, -1, GUARD_MASS_DROP,   21, 0 },
		/* what the provider confirms is no drop */
		{ 5, 0, 90, 0, 0, 100,  9, -1, GUARD_NONE,         0, 95 },
		{ 21, 0, 9, 0, 0, 100,  9, -1, GUARD_MASS_DROP,   21, 9 },
		/* nobody answers: nothing to hold, but to be seen */
		{ 0, 21, 0, 0, 0, 100,  9, -1, GUARD_MASS_DROP,   21, 0 },
		{ 1, 20, 0, 0, 0, 100,  9, -1, GUARD_MASS_DROP,   21, 0 },
		{ 0, 0,  0, 21, 0, 100, 9, -1, GUARD_MASS_DROP,   21, 0 },
		/* an empty list */
		{ 1, 0,  0, 0, 0,   9,  0, -1, GUARD_LIST_EMPTIED, 1, 0 },
		{ 0, 1,  0, 0, 0,   9,  0, -1, GUARD_LIST_EMPTIED, 1, 0 },
		{ 0, 0,  9, 0, 0,   9,  0, -1, GUARD_NONE,         0, 9 },
		{ 9, 0,  0, 0, 0,   9,  0, -1, GUARD_LIST_EMPTIED, 9, 0 },
		/* what it never listed cannot vanish */
		{ 0, 0,  0, 0, 9,   9,  0, -1, GUARD_NONE,         0, 0 },
		/* a person lets pass what was shown, and no more */
		{ 9, 0,  0, 0, 0,   9,  0,  9, GUARD_NONE,         0, 9 },
		{ 9, 0,  0, 0, 0,   9,  0,  8, GUARD_LIST_EMPTIED, 9, 0 },
		{ 21, 0, 0, 0, 0, 100,  9, 21, GUARD_NONE,         0, 21 },
		{ 22, 0, 0, 0, 0, 100,  9, 21, GUARD_MASS_DROP,   22, 0 },
		/* and it stays approved for those that come later */
		{ 20, 1, 0, 0, 0, 100,  9, 21, GUARD_MASS_DROP,   21, 20 },
		{ 20, 0, 0, 1, 0, 100,  9, 21, GUARD_MASS_DROP,   21, 20 },
	};
	/* clang-format on */

	(void)state;
	for (size_t i = 0; i < COUNT(table); i++)
		check_drop(&table[i], i);
}

static void
test_what_a_policy_leaves_open_is_no_drop(void **state)
{
	struct candidate list[9] = { 0 };
	struct candidates all = { list, COUNT(list), 9 };
	struct item item = { .state = ITEM_NOT_VISIBLE };
	struct guard guard;

	(void)state;
	for (size_t i = 0; i < COUNT(list); i++)
		assert_int_equal(absence_decide(&list[i], &item, 0), OK);
	guard = absence_guard(&all, 0, -1);
	assert_int_equal(guard.kind, GUARD_NONE);
}

static void
test_another_occurrence_than_the_listed_one_is_not_reopened(void **state)
{
	/* clang-format off */
	static const struct {
		const char *listed, *read;
		enum mark_action action;
	} cases[] = {
		{ "2031-02-03", "2031-02-03", MARK_REOPEN },
		{ "2031-02-03", "2031-02-04", MARK_NONE },
		{ "2031-02-03", NULL,         MARK_NONE },
		{ NULL,         "2031-02-03", MARK_NONE },
		{ NULL,         NULL,         MARK_REOPEN },
	};
	/* clang-format on */

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct candidate c = { .finding = FINDING_RETURNED,
			.due = (char *)(uintptr_t)cases[i].listed };
		struct item item = { .state = ITEM_OPEN,
			.due = (char *)(uintptr_t)cases[i].read };

		assert_int_equal(absence_decide(&c, &item, EVERYTHING), OK);
		assert_int_equal(c.action, cases[i].action);
	}
}

static void
test_what_the_list_decides_alone_is_not_read_by_id(void **state)
{
	char listed[] = "2031-02-04", closed[] = "2031-02-03";
	struct candidate c = { .finding = FINDING_MISSING };

	(void)state;
	assert_true(absence_needs_reading(&c));
	c.is_local = true;
	assert_true(absence_needs_reading(&c));
	c.finding = FINDING_RETURNED;
	assert_false(absence_needs_reading(&c));
	c.is_local = false;
	assert_true(absence_needs_reading(&c));
	/* the next occurrence */
	c.due = listed;
	c.closed_due = closed;
	assert_false(absence_needs_reading(&c));
	/* the very one that was closed */
	c.closed_due = listed;
	assert_true(absence_needs_reading(&c));
	/* moved back by hand */
	c.due = closed;
	assert_true(absence_needs_reading(&c));
}

/* What was closed is listed again, later: the series goes on, whatever the item
 * says of itself. The same date, an earlier one or none is no next one. */
static void
test_a_later_date_than_the_closed_one_is_the_next_occurrence(void **state)
{
	/* clang-format off */
	static const struct {
		const char *listed, *closed;
		bool is_next;
	} cases[] = {
		{ "2031-02-04", "2031-02-03", true },
		{ "2031-02-03", "2031-02-03", false },
		{ "2031-02-02", "2031-02-03", false },
		{ NULL,         "2031-02-03", false },
		{ "2031-02-04", NULL,         false },
		{ "2031-02-03T18:00:00", "2031-02-03T09:00:00", true },
		{ "2031-02-03T18:00:00", "2031-02-03", false },
	};
	/* clang-format on */

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct candidate c = { .finding = FINDING_RETURNED,
			.is_local = i & 1,
			.due = (char *)(uintptr_t)cases[i].listed,
			.closed_due = (char *)(uintptr_t)cases[i].closed };

		assert_int_equal(absence_decide(&c, NULL, EVERYTHING), OK);
		assert_int_equal(
		    c.action, cases[i].is_next ? MARK_REOPEN : MARK_NONE);
		assert_string_equal(c.reason,
		    cases[i].is_next ? "next_occurrence" : "no_answer");
	}
}

/* --- items that came twice ------------------------------------------------ */

static void
add(struct items *items, const char *source_id, size_t at)
{
	struct item *item = items_add(items);
	char title[32];

	assert_non_null(item);
	snprintf(title, sizeof(title), "%zu", at);
	item->source_id = strdup(source_id);
	item->title = strdup(title);
	item->metadata = strdup("{}");
	assert_non_null(item->source_id);
	assert_non_null(item->title);
}

static void
test_of_items_that_came_twice_the_later_stays(void **state)
{
	/* id and position of what is left, in order */
	static const struct {
		const char *listed[8];
		const char *left[8];
		size_t at[8];
		size_t dropped;
	} table[] = {
		{ { NULL }, { NULL }, { 0 }, 0 },
		{ { "a" }, { "a" }, { 0 }, 0 },
		{ { "b", "a", "c" }, { "a", "b", "c" }, { 1, 0, 2 }, 0 },
		{ { "a", "a" }, { "a" }, { 1 }, 1 },
		{ { "b", "a", "b" }, { "a", "b" }, { 1, 2 }, 1 },
		{ { "a", "b", "a", "a" }, { "a", "b" }, { 3, 1 }, 2 },
		{ { "c", "b", "a", "c", "b", "a" }, { "a", "b", "c" },
		    { 5, 4, 3 }, 3 },
		{ { "10", "9", "1" }, { "1", "10", "9" }, { 2, 0, 1 }, 0 },
		{ { "A", "a" }, { "A", "a" }, { 0, 1 }, 0 },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(table); i++) {
		struct items items = { 0 };
		char at[32];
		size_t n = 0;

		for (; n < 8 && table[i].listed[n]; n++)
			add(&items, table[i].listed[n], n);
		assert_int_equal(absence_dedupe(&items), table[i].dropped);
		assert_int_equal(items.count, n - table[i].dropped);
		for (size_t k = 0; k < items.count; k++) {
			snprintf(at, sizeof(at), "%zu", table[i].at[k]);
			assert_string_equal(
			    items.list[k].source_id, table[i].left[k]);
			assert_string_equal(items.list[k].title, at);
		}
		items_done(&items);
	}
}

static void
test_a_long_list_is_in_order_and_has_none_twice(void **state)
{
	enum { ITEMS = 5000, IDS = 3000 };
	struct items items = { 0 };
	size_t last[IDS];
	unsigned long seed = 12345;
	size_t different = 0;

	(void)state;
	memset(last, 0xff, sizeof(last));
	for (size_t i = 0; i < ITEMS; i++) {
		char id[16];
		unsigned long k;

		seed = (seed * 1103515245 + 12345) & 0x7fffffff;
		k = (seed >> 8) % IDS;
		different += last[k] == SIZE_MAX;
		last[k] = i;
		snprintf(id, sizeof(id), "%05lu", k);
		add(&items, id, i);
	}
	assert_int_equal(absence_dedupe(&items), ITEMS - different);
	assert_int_equal(items.count, different);
	for (size_t i = 0; i < items.count; i++) {
		unsigned long k = strtoul(items.list[i].source_id, NULL, 10);

		assert_int_equal(
		    strtoul(items.list[i].title, NULL, 10), last[k]);
		assert_true(i == 0 || strcmp(items.list[i - 1].source_id,
					  items.list[i].source_id) < 0);
	}
	items_done(&items);
}

/* Whatever a run looks at makes another digest of it. */
static void
test_a_list_that_differs_anywhere_has_another_digest(void **state)
{
	static const struct item lists[][2] = {
		{ { .source_id = "a", .title = "t" }, { .source_id = "b" } },
		{ { .source_id = "a", .title = "u" }, { .source_id = "b" } },
		{ { .source_id = "a", .title = "t" }, { .source_id = "c" } },
		{ { .source_id = "a", .title = "" }, { .source_id = "b" } },
		{ { .source_id = "a" }, { .source_id = "b" } },
		{ { .source_id = "a", .source_url = "t" },
		    { .source_id = "b" } },
		{ { .source_id = "a", .metadata = "t" }, { .source_id = "b" } },
		{ { .source_id = "a", .bag = "t" }, { .source_id = "b" } },
		{ { .source_id = "a", .due = "t" }, { .source_id = "b" } },
		{ { .source_id = "a" }, { .source_id = "b", .title = "t" } },
		{ { .source_id = "at" }, { .source_id = "b" } },
	};
	enum { LISTS = sizeof(lists) / sizeof(lists[0]) };
	char digests[LISTS + 1][CRYPTO_SHA256_HEX], again[CRYPTO_SHA256_HEX];

	(void)state;
	for (size_t i = 0; i < LISTS; i++) {
		struct items items = { (struct item *)lists[i], 2, 2 };

		absence_digest(&items, digests[i]);
		absence_digest(&items, again);
		assert_string_equal(digests[i], again);
		items.count = 1;
		absence_digest(&items, digests[LISTS]);
		for (size_t k = 0; k < i; k++)
			assert_string_not_equal(digests[i], digests[k]);
		assert_string_not_equal(digests[i], digests[LISTS]);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_case_is_decided_as_the_table_says),
		cmocka_unit_test(test_absence_alone_never_completes_a_task),
		cmocka_unit_test(
		    test_another_occurrence_than_the_listed_one_is_not_reopened),
		cmocka_unit_test(
		    test_what_the_list_decides_alone_is_not_read_by_id),
		cmocka_unit_test(
		    test_a_later_date_than_the_closed_one_is_the_next_occurrence),
		cmocka_unit_test(test_two_lists_that_come_at_once_are_one),
		cmocka_unit_test(
		    test_what_is_against_a_recent_write_is_a_contradiction),
		cmocka_unit_test(test_what_is_put_off_is_not_asked_for),
		cmocka_unit_test(
		    test_a_policy_decides_about_every_state_but_two),
		cmocka_unit_test(test_a_policy_is_a_list_of_reasons),
		cmocka_unit_test(
		    test_too_much_at_once_without_evidence_is_held),
		cmocka_unit_test(test_what_a_policy_leaves_open_is_no_drop),
		cmocka_unit_test(test_of_items_that_came_twice_the_later_stays),
		cmocka_unit_test(
		    test_a_long_list_is_in_order_and_has_none_twice),
		cmocka_unit_test(
		    test_a_list_that_differs_anywhere_has_another_digest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
