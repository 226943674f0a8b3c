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

enum when { ANY = 0, YES, NO };

struct row {
	enum diff_verdict verdict;
	int item; /* enum item_state, SAID_NOTHING or ANYTHING */
	enum when was_missing, never_seen;
	enum mark_action action;
	const char *reason;
};

/* The first row that fits counts. */
/* clang-format off */
static const struct row rows[] = {
	/* no answer, refused: stays open, tried again next run */
	{ DIFF_MISSING, SAID_NOTHING, ANY, ANY, MARK_NONE, NULL },
	/* paging shifted; what an earlier run missed is forgotten */
	{ DIFF_MISSING, ITEM_OPEN, NO,  ANY, MARK_NONE, NULL },
	{ DIFF_MISSING, ITEM_OPEN, YES, ANY, MARK_VISIBLE, NULL },
	{ DIFF_MISSING, ITEM_COMPLETED,  ANY, ANY, MARK_COMPLETE, "completed" },
	{ DIFF_MISSING, ITEM_CANCELED,   ANY, ANY, MARK_COMPLETE, "canceled" },
	{ DIFF_MISSING, ITEM_DUPLICATE,  ANY, ANY, MARK_COMPLETE, "duplicate" },
	{ DIFF_MISSING, ITEM_DELETED,    ANY, ANY, MARK_COMPLETE, "deleted" },
	{ DIFF_MISSING, ITEM_ARCHIVED,   ANY, ANY, MARK_COMPLETE, "archived" },
	{ DIFF_MISSING, ITEM_REASSIGNED, ANY, ANY, MARK_COMPLETE, "reassigned" },
	{ DIFF_MISSING, ITEM_MOVED,      ANY, ANY, MARK_COMPLETE, "moved" },
	/* may have come through another account: no evidence, ever */
	{ DIFF_MISSING, ITEM_NOT_VISIBLE, ANY, YES, MARK_NONE, NULL },
	/* two complete runs */
	{ DIFF_MISSING, ITEM_NOT_VISIBLE, NO,  NO, MARK_MISSING, "not_visible" },
	{ DIFF_MISSING, ITEM_NOT_VISIBLE, YES, NO, MARK_COMPLETE, "not_visible" },

	/* the list itself is the evidence */
	{ DIFF_OCCURRENCE, ANYTHING, ANY, ANY, MARK_COMPLETE, "occurrence" },

	/* listed again, and by id open */
	{ DIFF_RETURNED, ITEM_OPEN, ANY, ANY, MARK_REOPEN, "reopened" },
	{ DIFF_RETURNED, ANYTHING, ANY, ANY, MARK_NONE, NULL },
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
	for (size_t i = 0; i < COUNT(rows); i++) {
		const struct row *r = &rows[i];

		if (r->verdict == c->verdict &&
		    (r->item == ANYTHING || r->item == item) &&
		    is_so(r->was_missing, c->was_missing) &&
		    is_so(r->never_seen, c->never_seen))
			return r;
	}
	return NULL;
}

static void
check(struct candidate *c, int item, bool is_used[COUNT(rows)])
{
	struct item read = { .state = (enum item_state)item };
	const struct row *r = row_of(c, item);
	bool is_same;

	if (!r) {
		fail_msg("no row for verdict %d, item %d", c->verdict, item);
		return; /* for analyzers */
	}
	is_used[r - rows] = true;
	/* what an earlier decision left must not shine through */
	c->action = MARK_REOPEN;
	c->reason = "stale";
	absence_decide(c, item == SAID_NOTHING ? NULL : &read);
	is_same =
	    r->reason ? c->reason && !strcmp(c->reason, r->reason) : !c->reason;
	if (c->action != r->action || !is_same)
		fail_msg("row %d: %s %s", (int)(r - rows),
		    mark_action_name(c->action), c->reason ? c->reason : "-");
}

static void
test_every_case_is_decided_as_the_table_says(void **state)
{
	static const enum diff_verdict verdicts[] = { DIFF_MISSING,
		DIFF_OCCURRENCE, DIFF_RETURNED };
	bool is_used[COUNT(rows)] = { false };

	(void)state;
	for (size_t v = 0; v < COUNT(verdicts); v++) {
		for (int i = 0; i < 4 * (SAID_NOTHING + 1); i++) {
			struct candidate c = { .verdict = verdicts[v],
				.was_missing = i & 1,
				.never_seen = i & 2 };

			check(&c, i / 4, is_used);
		}
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
		struct candidate c = { .verdict = DIFF_MISSING,
			.was_missing = i & 1,
			.never_seen = i & 2 };

		absence_decide(&c, NULL);
		assert_int_equal(c.action, MARK_NONE);
	}
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
		struct candidate c = { .verdict = DIFF_RETURNED,
			.due = (char *)(uintptr_t)cases[i].listed };
		struct item item = { .state = ITEM_OPEN,
			.due = (char *)(uintptr_t)cases[i].read };

		absence_decide(&c, &item);
		assert_int_equal(c.action, cases[i].action);
	}
}

static void
test_all_but_a_moved_due_date_is_read_by_id_first(void **state)
{
	struct candidate c = { .verdict = DIFF_MISSING };

	(void)state;
	assert_true(absence_needs_reading(&c));
	c.verdict = DIFF_RETURNED;
	assert_true(absence_needs_reading(&c));
	c.verdict = DIFF_OCCURRENCE;
	assert_false(absence_needs_reading(&c));
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

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_case_is_decided_as_the_table_says),
		cmocka_unit_test(test_absence_alone_never_completes_a_task),
		cmocka_unit_test(
		    test_another_occurrence_than_the_listed_one_is_not_reopened),
		cmocka_unit_test(
		    test_all_but_a_moved_due_date_is_read_by_id_first),
		cmocka_unit_test(test_of_items_that_came_twice_the_later_stays),
		cmocka_unit_test(
		    test_a_long_list_is_in_order_and_has_none_twice),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
