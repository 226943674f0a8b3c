/* model: names are stable words, because rows, answers and logs hold them; and
 * everything that is done is empty, and may be done again. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "core/model.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* As databases hold them: a change here is a migration. */
/* clang-format off */
static const char *const item_states[ITEM_STATE_COUNT] = {
	[ITEM_OPEN]        = "open",
	[ITEM_COMPLETED]   = "completed",
	[ITEM_CANCELED]    = "canceled",
	[ITEM_DUPLICATE]   = "duplicate",
	[ITEM_DELETED]     = "deleted",
	[ITEM_ARCHIVED]    = "archived",
	[ITEM_REASSIGNED]  = "reassigned",
	[ITEM_MOVED]       = "moved",
	[ITEM_NOT_VISIBLE] = "not_visible",
	[ITEM_RENUMBERED]  = "renumbered",
};

static const char *const outcomes[OUTCOME_COUNT] = {
	[OUTCOME_ACCEPTED]     = "accepted",
	[OUTCOME_REJECTED]     = "rejected",
	[OUTCOME_UNKNOWN]      = "unknown",
	[OUTCOME_RATE_LIMITED] = "rate_limited",
	[OUTCOME_AUTH_FAILED]  = "auth_failed",
};

static const char *const reasons[REASON_COUNT] = {
	[REASON_NONE]            = "none",
	[REASON_DONE]            = "done",
	[REASON_ALREADY_GONE]    = "already_gone",
	[REASON_ALREADY_DONE]    = "already_done",
	[REASON_MANUAL]          = "manual",
	[REASON_NO_CONNECTION]   = "no_connection",
	[REASON_NO_KEY]          = "no_key",
	[REASON_PAUSED]          = "paused",
	[REASON_WRITEBACK_OFF]   = "writeback_off",
	[REASON_CONNECTION_GONE] = "connection_gone",
	[REASON_NO_DONE_STATE]   = "no_done_state",
	[REASON_SOURCE_GONE]     = "source_gone",
	[REASON_SOURCE_CHANGED]  = "source_changed",
	[REASON_NOT_FOUND]       = "not_found",
	[REASON_BAD_ID]          = "bad_id",
	[REASON_UNCOMPLETABLE]   = "uncompletable",
	[REASON_FORBIDDEN]       = "forbidden",
	[REASON_REFUSED]         = "refused",
	[REASON_GONE_API]        = "gone_api",
	[REASON_STATE_REFUSED]   = "state_refused",
	[REASON_AUTH_FAILED]     = "auth_failed",
	[REASON_SCOPE_MISSING]   = "scope_missing",
	[REASON_KEY_UNREADABLE]  = "key_unreadable",
	[REASON_RATE_LIMITED]    = "rate_limited",
	[REASON_CIRCUIT_OPEN]    = "circuit_open",
	[REASON_UNREACHABLE]     = "unreachable",
	[REASON_TIMEOUT]         = "timeout",
	[REASON_NO_ANSWER]       = "no_answer",
	[REASON_SERVER_ERROR]    = "server_error",
	[REASON_BAD_ANSWER]      = "bad_answer",
	[REASON_GIVEN_UP]        = "given_up",
	[REASON_ACCOUNT_CHANGED] = "account_changed",
	[REASON_NEWER_WISH]      = "newer_wish",
	[REASON_NOT_WRITTEN]     = "not_written",
};

static const char *const endings[] = {
	[END_ACCEPTED]    = "accepted",
	[END_SKIPPED]     = "skipped",
	[END_ROLLED_BACK] = "rolled_back",
	[END_QUEUED]      = "queued",
};

static const char *const wishes[] = {
	[WISH_COMPLETE]   = "complete",
	[WISH_UNCOMPLETE] = "uncomplete",
};

static const char *const actions[] = {
	[MARK_NONE]     = "none",
	[MARK_COMPLETE] = "complete",
	[MARK_REOPEN]   = "reopen",
	[MARK_MISSING]  = "missing",
	[MARK_VISIBLE]  = "visible",
	[MARK_RENUMBER] = "renumber",
	[MARK_HELD]     = "held",
};

static const char *const verdicts[] = {
	[FINDING_MISSING]  = "missing",
	[FINDING_RETURNED] = "returned",
};

static const char *const guards[] = {
	[GUARD_NONE]            = "none",
	[GUARD_ACCOUNT_CHANGED] = "account_changed",
	[GUARD_LIST_EMPTIED]    = "list_emptied",
	[GUARD_MASS_DROP]       = "mass_drop",
};
/* clang-format on */

/* A word of lower-case letters, and no other of the list has it. */
static void
check_words(const char *const *words, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (!words[i])
			fail_msg("value %zu has no name here", i);
		assert_true(words[i][0] != '\0');
		assert_int_equal(
		    strspn(words[i], "abcdefghijklmnopqrstuvwxyz_"),
		    strlen(words[i]));
		for (size_t j = 0; j < i; j++)
			assert_string_not_equal(words[i], words[j]);
	}
}

static void
test_every_value_has_its_own_stable_word(void **state)
{
	(void)state;
	check_words(item_states, COUNT(item_states));
	check_words(outcomes, COUNT(outcomes));
	check_words(reasons, COUNT(reasons));
	check_words(endings, COUNT(endings));
	check_words(wishes, COUNT(wishes));
	check_words(actions, COUNT(actions));
	check_words(verdicts, COUNT(verdicts));
	check_words(guards, COUNT(guards));
	for (size_t i = 0; i < COUNT(item_states); i++)
		assert_string_equal(
		    item_state_name((enum item_state)i), item_states[i]);
	for (size_t i = 0; i < COUNT(outcomes); i++)
		assert_string_equal(outcome_name((enum outcome)i), outcomes[i]);
	for (size_t i = 0; i < COUNT(reasons); i++)
		assert_string_equal(reason_name((enum reason)i), reasons[i]);
	for (size_t i = 0; i < COUNT(endings); i++)
		assert_string_equal(ending_name((enum ending)i), endings[i]);
	for (size_t i = 0; i < COUNT(wishes); i++)
		assert_string_equal(wish_name((enum wish)i), wishes[i]);
	for (size_t i = 0; i < COUNT(actions); i++)
		assert_string_equal(
		    mark_action_name((enum mark_action)i), actions[i]);
	for (size_t i = 0; i < COUNT(verdicts); i++)
		assert_string_equal(finding_name((enum finding)i), verdicts[i]);
	for (size_t i = 0; i < COUNT(guards); i++)
		assert_string_equal(
		    guard_kind_name((enum guard_kind)i), guards[i]);
}

static void
test_a_reason_is_found_by_its_word(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(reasons); i++)
		assert_int_equal(reason_by_name(reasons[i]), i);
	assert_int_equal(reason_by_name("unheard_of"), REASON_NONE);
	assert_int_equal(reason_by_name(""), REASON_NONE);
	assert_int_equal(reason_by_name(NULL), REASON_NONE);
}

/* --- dates ---------------------------------------------------------------- */

static void
test_a_due_date_is_later_only_than_its_like(void **state)
{
	/* clang-format off */
	static const struct {
		const char *now, *then;
		bool is_later;
	} table[] = {
		{ "2031-02-04", "2031-02-03", true },
		{ "2031-03-01", "2031-02-28", true },
		{ "2032-01-01", "2031-12-31", true },
		{ "2031-02-03", "2031-02-03", false },
		{ "2031-02-02", "2031-02-03", false },
		/* another day tells, whatever stands behind it */
		{ "2031-02-04", "2031-02-03T23:59:59Z", true },
		{ "2031-02-04T00:00:00", "2031-02-03", true },
		{ "2031-02-04T00:00:00Z", "2031-02-03T23:59:59", true },
		{ "2031-02-02T23:59:59", "2031-02-03", false },
		/* within a day a time compares with a time of its kind */
		{ "2031-02-03T09:00:01", "2031-02-03T09:00:00", true },
		{ "2031-02-03T09:00:01Z", "2031-02-03T09:00:00Z", true },
		{ "2031-02-03T09:00:00", "2031-02-03T09:00:00", false },
		{ "2031-02-03T08:59:59", "2031-02-03T09:00:00", false },
		{ "2031-02-03T09:00:00", "2031-02-03", false },
		{ "2031-02-03", "2031-02-03T09:00:00", false },
		{ "2031-02-03T10:00:00Z", "2031-02-03T09:00:00", false },
		{ "2031-02-03T10:00:00", "2031-02-03T09:00:00Z", false },
		/* parts of a second are no time of their own */
		{ "2031-02-03T09:00:00.000000Z", "2031-02-03T09:00:00Z", false },
		{ "2031-02-03T09:00:01Z", "2031-02-03T09:00:00.000000Z", true },
		{ NULL, "2031-02-03", false },
		{ "2031-02-03", NULL, false },
		{ NULL, NULL, false },
	};
	/* clang-format on */

	(void)state;
	for (size_t i = 0; i < COUNT(table); i++)
		if (due_is_later(table[i].now, table[i].then) !=
		    table[i].is_later)
			fail_msg("row %zu: %s and %s", i,
			    table[i].now ? table[i].now : "none",
			    table[i].then ? table[i].then : "none");
}

/* --- how they die: leaks are the sanitizers' to find ---------------------- */

#define assert_empty(thing)                                                    \
	do {                                                                   \
		static const char none_[sizeof(thing)];                        \
                                                                               \
		assert_memory_equal(&(thing), none_, sizeof(thing));           \
	} while (0)

static char *
text(const char *from)
{
	char *copy = strdup(from);

	assert_non_null(copy);
	return copy;
}

static void
fill_connection(struct connection *conn)
{
	memset(conn, 0x5a, sizeof(*conn));
	conn->label = text("My Todoist");
	conn->key = text("a key");
	conn->key_sealed = (unsigned char *)text("sealed");
	conn->metadata = text("{}");
	conn->account_id = text("7");
}

static void
fill_item(struct item *item)
{
	memset(item, 0x5a, sizeof(*item));
	item->source_id = text("1");
	item->title = text("Milk");
	item->source_url = text("https://example.com/1");
	item->metadata = text("{}");
	item->bag = text("{}");
	item->due = text("2026-11-23");
	item->new_id = text("2");
}

static void
test_a_connection_that_is_done_is_empty(void **state)
{
	struct connection conn;

	(void)state;
	fill_connection(&conn);
	connection_done(&conn);
	assert_empty(conn);
	connection_done(&conn);
	assert_empty(conn);
}

static void
test_an_item_that_is_done_is_empty(void **state)
{
	struct item item;

	(void)state;
	fill_item(&item);
	item_done(&item);
	assert_empty(item);
	item_done(&item);
	assert_empty(item);
}

static void
test_a_page_that_is_done_is_empty(void **state)
{
	struct page page;
	struct item *item;

	(void)state;
	memset(&page, 0x5a, sizeof(page));
	memset(&page.items, 0, sizeof(page.items));
	item = items_add(&page.items);
	assert_non_null(item);
	fill_item(item);
	page.next_cursor = text("next");
	page.account_id = text("7");
	page_done(&page);
	assert_empty(page);
	page_done(&page);
	assert_empty(page);
}

static void
test_a_writeback_that_is_done_is_empty(void **state)
{
	struct writeback w;

	(void)state;
	memset(&w, 0x5a, sizeof(w));
	w.source_id = text("1");
	w.source_metadata = text("{}");
	w.shown_to = text("account");
	fill_connection(&w.connection);
	writeback_done(&w);
	assert_empty(w);
	writeback_done(&w);
	assert_empty(w);
}

static void
test_candidates_that_are_done_are_empty(void **state)
{
	struct candidates candidates = { .count = 3 };

	(void)state;
	candidates.list = calloc(candidates.count, sizeof(*candidates.list));
	assert_non_null(candidates.list);
	candidates.list[0].source_id = text("1");
	candidates.list[2].source_id = text("3");
	candidates.list[2].due = text("2031-02-04");
	candidates.list[2].closed_due = text("2031-02-03");
	candidates.list[2].new_id = text("4");
	candidates_done(&candidates);
	assert_empty(candidates);
	candidates_done(&candidates);
	assert_empty(candidates);
}

static void
test_items_grow_and_every_new_one_is_empty(void **state)
{
	static const char zero[sizeof(struct item)];
	struct items items = { 0 };
	char id[2] = "a";

	(void)state;
	for (size_t i = 0; i < 1000; i++) {
		struct item *item = items_add(&items);

		assert_non_null(item);
		assert_ptr_equal(item, &items.list[i]);
		assert_memory_equal(item, zero, sizeof(zero));
		fill_item(item);
		item->source_id[0] = (char)('a' + i % 26);
	}
	assert_int_equal(items.count, 1000);
	for (size_t i = 0; i < items.count; i++) {
		id[0] = (char)('a' + i % 26);
		assert_string_equal(items.list[i].source_id, id);
	}
	items_done(&items);
	assert_empty(items);
	items_done(&items);
	assert_empty(items);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_value_has_its_own_stable_word),
		cmocka_unit_test(test_a_reason_is_found_by_its_word),
		cmocka_unit_test(test_a_due_date_is_later_only_than_its_like),
		cmocka_unit_test(test_a_connection_that_is_done_is_empty),
		cmocka_unit_test(test_an_item_that_is_done_is_empty),
		cmocka_unit_test(test_a_page_that_is_done_is_empty),
		cmocka_unit_test(test_a_writeback_that_is_done_is_empty),
		cmocka_unit_test(test_candidates_that_are_done_are_empty),
		cmocka_unit_test(test_items_grow_and_every_new_one_is_empty),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
