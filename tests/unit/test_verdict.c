/* sync/verdict: the design's table of completion calls. Every combination of
 * what a delivery can find out meets exactly the row that speaks of it. */
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "core/sync/verdict.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define ANY_REASON REASON_COUNT
#define SAME_REASON REASON_COUNT
#define SOME_REASON (REASON_COUNT + 1) /* given up, or the same */

enum when { ANY = 0, YES, NO };

struct row {
	enum outcome outcome;
	enum reason reason;
	enum when completing, is_guess, is_patient, is_too_old;
	enum when may_have_happened;
	enum ending ending;
	int ends_as; /* enum reason, SAME_REASON or SOME_REASON */
};

/* The first row that fits counts, as one reads such a table. */
/* clang-format off */
static const struct row rows[] = {
	{ OUTCOME_ACCEPTED, ANY_REASON, ANY, ANY, ANY, ANY, ANY,
	  END_ACCEPTED, SAME_REASON },

	/* the fallback's connection does not know the item: either wish */
	{ OUTCOME_REJECTED, REASON_NOT_FOUND, ANY, YES, ANY, ANY, ANY,
	  END_SKIPPED, REASON_CONNECTION_GONE },
	{ OUTCOME_REJECTED, REASON_NOT_FOUND, YES, NO, ANY, ANY, ANY,
	  END_ACCEPTED, REASON_ALREADY_GONE },
	{ OUTCOME_REJECTED, REASON_NOT_FOUND, NO, NO, ANY, ANY, ANY,
	  END_ROLLED_BACK, REASON_SOURCE_GONE },
	{ OUTCOME_REJECTED, REASON_NO_DONE_STATE, ANY, ANY, ANY, ANY, ANY,
	  END_SKIPPED, REASON_NO_DONE_STATE },
	/* it became so while the wish waited: as if it had been so before */
	{ OUTCOME_REJECTED, REASON_NO_CONNECTION, ANY, ANY, ANY, ANY, ANY,
	  END_SKIPPED, REASON_NO_CONNECTION },
	{ OUTCOME_REJECTED, REASON_NO_KEY, ANY, ANY, ANY, ANY, ANY,
	  END_SKIPPED, REASON_NO_KEY },
	{ OUTCOME_REJECTED, REASON_PAUSED, ANY, ANY, ANY, ANY, ANY,
	  END_SKIPPED, REASON_PAUSED },
	{ OUTCOME_REJECTED, REASON_WRITEBACK_OFF, ANY, ANY, ANY, ANY, ANY,
	  END_SKIPPED, REASON_WRITEBACK_OFF },
	{ OUTCOME_REJECTED, ANY_REASON, ANY, ANY, ANY, ANY, NO,
	  END_ROLLED_BACK, SAME_REASON },
	/* an earlier write may have come through: a no to a later one does not
	 * undo it, so it is read by id before any rollback */
	{ OUTCOME_REJECTED, ANY_REASON, ANY, ANY, ANY, NO, YES,
	  END_QUEUED, SAME_REASON },
	{ OUTCOME_REJECTED, ANY_REASON, ANY, ANY, ANY, YES, YES,
	  END_ROLLED_BACK, SOME_REASON },

	{ OUTCOME_AUTH_FAILED, ANY_REASON, ANY, ANY, ANY, ANY, NO,
	  END_ROLLED_BACK, SAME_REASON },
	/* an earlier write may have come through: there will be another key
	 * to read it with, or it grows too old */
	{ OUTCOME_AUTH_FAILED, ANY_REASON, ANY, ANY, ANY, NO, YES,
	  END_QUEUED, SAME_REASON },
	{ OUTCOME_AUTH_FAILED, ANY_REASON, ANY, ANY, ANY, YES, YES,
	  END_ROLLED_BACK, REASON_GIVEN_UP },

	{ OUTCOME_RATE_LIMITED, ANY_REASON, ANY, ANY, ANY, YES, ANY,
	  END_ROLLED_BACK, REASON_GIVEN_UP },
	{ OUTCOME_RATE_LIMITED, ANY_REASON, ANY, ANY, ANY, NO, YES,
	  END_QUEUED, SAME_REASON },
	{ OUTCOME_RATE_LIMITED, ANY_REASON, ANY, ANY, YES, NO, NO,
	  END_QUEUED, SAME_REASON },
	{ OUTCOME_RATE_LIMITED, REASON_ACCOUNT_CHANGED, ANY, ANY, NO, NO, NO,
	  END_QUEUED, SAME_REASON }, /* nobody says so */
	{ OUTCOME_RATE_LIMITED, ANY_REASON, ANY, ANY, NO, NO, NO,
	  END_ROLLED_BACK, SAME_REASON },

	{ OUTCOME_UNKNOWN, ANY_REASON, ANY, ANY, ANY, YES, ANY,
	  END_ROLLED_BACK, REASON_GIVEN_UP },
	{ OUTCOME_UNKNOWN, ANY_REASON, ANY, ANY, ANY, NO, YES,
	  END_QUEUED, SAME_REASON },
	{ OUTCOME_UNKNOWN, ANY_REASON, ANY, ANY, YES, NO, NO,
	  END_QUEUED, SAME_REASON },
	/* somebody has to say whose the key is, which no caller waits for */
	{ OUTCOME_UNKNOWN, REASON_ACCOUNT_CHANGED, ANY, ANY, NO, NO, NO,
	  END_QUEUED, SAME_REASON },
	{ OUTCOME_UNKNOWN, ANY_REASON, ANY, ANY, NO, NO, NO,
	  END_ROLLED_BACK, SAME_REASON },
};
/* clang-format on */

#define FLAGS 5
#define COMBINATIONS ((unsigned)OUTCOME_COUNT * REASON_COUNT << FLAGS)

/* The i-th combination of all. */
static struct evidence
combination(unsigned i)
{
	unsigned bits = i & ((1U << FLAGS) - 1);
	unsigned rest = i >> FLAGS;

	return (struct evidence){
		.wish = bits & 1 ? WISH_COMPLETE : WISH_UNCOMPLETE,
		.is_guess = bits & 2,
		.is_patient = bits & 4,
		.is_too_old = bits & 8,
		.may_have_happened = bits & 16,
		.attempts = 1,
		.random = i * UINT64_C(2654435761),
		.answer = {
			.outcome = (enum outcome)(rest / REASON_COUNT),
			.reason = (enum reason)(rest % REASON_COUNT),
			.retry_after_ms = -1,
			.detail = "as seen",
		},
	};
}

static bool
is_so(enum when when, bool value)
{
	return when == ANY || (when == YES) == value;
}

static const struct row *
row_of(const struct evidence *e)
{
	for (size_t i = 0; i < COUNT(rows); i++) {
		const struct row *r = &rows[i];

		if (r->outcome == e->answer.outcome &&
		    (r->reason == ANY_REASON ||
			r->reason == e->answer.reason) &&
		    is_so(r->completing, e->wish == WISH_COMPLETE) &&
		    is_so(r->is_guess, e->is_guess) &&
		    is_so(r->is_patient, e->is_patient) &&
		    is_so(r->is_too_old, e->is_too_old) &&
		    is_so(r->may_have_happened, e->may_have_happened))
			return r;
	}
	return NULL;
}

static const char *
describe(const struct evidence *e)
{
	static char text[200];

	snprintf(text, sizeof(text),
	    "%s %s, %s, fallback %d, patient %d, too old %d, may have "
	    "happened %d",
	    outcome_name(e->answer.outcome), reason_name(e->answer.reason),
	    wish_name(e->wish), e->is_guess, e->is_patient, e->is_too_old,
	    e->may_have_happened);
	return text;
}

static void
test_every_combination_ends_as_the_table_says(void **state)
{
	bool is_used[COUNT(rows)] = { false };

	(void)state;
	for (unsigned i = 0; i < COMBINATIONS; i++) {
		struct evidence e = combination(i);
		const struct row *r = row_of(&e);
		struct verdict v;
		enum reason reason = e.answer.reason;

		if (!r) {
			fail_msg("no row for %s", describe(&e));
			return; /* for analyzers */
		}
		is_used[r - rows] = true;
		verdict_decide(&e, &v);
		if (r->ends_as == SOME_REASON)
			reason = v.reason;
		else if (r->ends_as != SAME_REASON)
			reason = (enum reason)r->ends_as;
		if (v.ending != r->ending || v.reason != reason)
			fail_msg("%s: %s %s, not %s %s", describe(&e),
			    ending_name(v.ending), reason_name(v.reason),
			    ending_name(r->ending), reason_name(reason));
	}
	for (size_t i = 0; i < COUNT(rows); i++)
		if (!is_used[i])
			fail_msg("row %zu speaks of nothing", i);
}

static void
test_what_else_is_set_follows_from_the_outcome_alone(void **state)
{
	(void)state;
	for (unsigned i = 0; i < COMBINATIONS; i++) {
		struct evidence e = combination(i);
		struct verdict v;

		memset(&v, 0x5a, sizeof(v));
		verdict_decide(&e, &v);
		assert_int_equal(
		    v.auth_failed, e.answer.outcome == OUTCOME_AUTH_FAILED);
		assert_int_equal(
		    v.limit_ms > 0, e.answer.outcome == OUTCOME_RATE_LIMITED);
		assert_int_equal(v.due_ms > 0, v.ending == END_QUEUED);
		assert_string_equal(v.detail, "as seen");
	}
}

/* Promise 4: what may have happened is no rollback before its time. */
static void
test_an_unknown_outcome_is_never_rolled_back_before_its_time(void **state)
{
	(void)state;
	for (unsigned i = 0; i < COMBINATIONS; i++) {
		struct evidence e = combination(i);
		struct verdict v;

		if (e.answer.outcome != OUTCOME_UNKNOWN ||
		    !e.may_have_happened || e.is_too_old)
			continue;
		verdict_decide(&e, &v);
		assert_int_equal(v.ending, END_QUEUED);
	}
}

static void
test_what_may_have_happened_is_remembered_while_it_waits(void **state)
{
	(void)state;
	for (unsigned i = 0; i < COMBINATIONS; i++) {
		struct evidence e = combination(i);
		struct verdict v;

		verdict_decide(&e, &v);
		if (v.ending == END_QUEUED)
			assert_int_equal(v.is_unclear, e.may_have_happened);
	}
}

/* The provider may do it a moment after the look. */
static void
test_what_may_be_done_yet_is_never_rolled_back(void **state)
{
	(void)state;
	for (unsigned i = 0; i < COMBINATIONS; i++) {
		struct evidence e = combination(i);
		struct verdict v;

		if (!e.may_have_happened || e.answer.reason == REASON_NOT_FOUND)
			continue;
		e.doubt_ms = 1;
		verdict_decide(&e, &v);
		assert_int_not_equal(v.ending, END_ROLLED_BACK);
		assert_int_equal(v.doubt_ms, 1);
	}
}

static void
test_an_open_circuit_says_when_to_come_back_and_limits_nobody(void **state)
{
	struct evidence e = { .attempts = 1,
		.answer = { .outcome = OUTCOME_UNKNOWN,
		    .reason = REASON_CIRCUIT_OPEN,
		    .retry_after_ms = 30000 } };
	struct verdict v;

	(void)state;
	verdict_decide(&e, &v);
	assert_int_equal(v.ending, END_ROLLED_BACK);
	assert_true(v.retry_ms == 30000);
	/* other connections may try: this is no rate limit */
	assert_true(v.limit_ms == 0);
	e.is_patient = true;
	verdict_decide(&e, &v);
	assert_int_equal(v.ending, END_QUEUED);
	assert_true(v.due_ms == 30000);
}

static void
test_a_queued_writeback_waits_as_long_as_the_provider_asked(void **state)
{
	struct evidence e = { .is_patient = true,
		.attempts = 1,
		.answer = { .outcome = OUTCOME_RATE_LIMITED,
		    .reason = REASON_RATE_LIMITED,
		    .retry_after_ms = 90000 } };
	struct verdict v;

	(void)state;
	verdict_decide(&e, &v);
	assert_int_equal(v.ending, END_QUEUED);
	assert_true(v.due_ms == 90000);
	/* a short wait does not undercut the backoff */
	e.attempts = 12;
	e.answer.retry_after_ms = 1;
	verdict_decide(&e, &v);
	assert_true(v.due_ms >= 150000);
}

/* --- sentences ------------------------------------------------------------ */

/* Fit for a toast, whatever the wish. */
static void
check_sentence(const char *sentence, const char *title, enum wish wish)
{
	size_t n = strlen(sentence);

	if (n < 20 || n >= 399)
		fail_msg("its length is %zu: %s", n, sentence);
	if (!strstr(sentence, title))
		fail_msg("%s is not in: %s", title, sentence);
	if (strchr(sentence, '%'))
		fail_msg("a percent sign is left in: %s", sentence);
	if (sentence[0] < 'A' || sentence[0] > 'Z' || sentence[n - 1] != '.')
		fail_msg("not a sentence: %s", sentence);
	if (!strstr(sentence, wish == WISH_COMPLETE ? "completed" : "reopened"))
		fail_msg("the wish is not in: %s", sentence);
}

static void
test_every_end_and_every_doubt_has_a_sentence(void **state)
{
	static const char *const titles[] = { "Todoist", "Linear", "Attio",
		"The provider" };

	(void)state;
	for (unsigned i = 0; i < COMBINATIONS; i++) {
		struct evidence e = combination(i);
		const char *title = titles[i % COUNT(titles)];
		struct verdict v;
		char text[400];

		verdict_decide(&e, &v);
		verdict_sentence(&v, e.wish, title, text, sizeof(text));
		check_sentence(text, title, e.wish);
	}
}

static void
test_a_rollback_says_that_nothing_changed_and_a_doubt_does_not(void **state)
{
	(void)state;
	for (int reason = 0; reason < REASON_COUNT; reason++) {
		struct verdict v = { .ending = END_ROLLED_BACK,
			.reason = (enum reason)reason };
		char text[400];

		verdict_sentence(
		    &v, WISH_COMPLETE, "Linear", text, sizeof(text));
		assert_non_null(strstr(text, "was not completed"));
		v.ending = END_QUEUED;
		verdict_sentence(
		    &v, WISH_COMPLETE, "Linear", text, sizeof(text));
		assert_null(strstr(text, "was not completed"));
		assert_non_null(strstr(text, "not certain"));
	}
}

static void
test_reasons_that_a_user_can_act_on_read_differently(void **state)
{
	static const enum reason reasons[] = { REASON_SOURCE_GONE,
		REASON_FORBIDDEN, REASON_REFUSED, REASON_GONE_API,
		REASON_STATE_REFUSED, REASON_AUTH_FAILED, REASON_SCOPE_MISSING,
		REASON_KEY_UNREADABLE, REASON_RATE_LIMITED, REASON_CIRCUIT_OPEN,
		REASON_UNREACHABLE, REASON_TIMEOUT, REASON_NO_ANSWER,
		REASON_SERVER_ERROR, REASON_BAD_ANSWER, REASON_GIVEN_UP,
		REASON_SOURCE_CHANGED, REASON_ACCOUNT_CHANGED, REASON_BAD_ID };
	char text[COUNT(reasons)][400];

	(void)state;
	for (size_t i = 0; i < COUNT(reasons); i++) {
		struct verdict v = { .ending = END_ROLLED_BACK,
			.reason = reasons[i] };

		verdict_sentence(
		    &v, WISH_COMPLETE, "Todoist", text[i], sizeof(text[i]));
		for (size_t j = 0; j < i; j++)
			assert_string_not_equal(text[i], text[j]);
	}
}

/* Nobody is told what he did by hand; of the others an event tells, as they
 * only became so while the wish waited. */
static void
test_what_stays_local_is_said_with_its_reason(void **state)
{
	static const struct {
		enum reason reason;
		bool is_said;
	} table[] = {
		{ REASON_MANUAL, false },
		{ REASON_NO_CONNECTION, true },
		{ REASON_NO_KEY, true },
		{ REASON_PAUSED, true },
		{ REASON_WRITEBACK_OFF, true },
		{ REASON_CONNECTION_GONE, true },
		{ REASON_NO_DONE_STATE, true },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(table); i++) {
		struct verdict v = { .ending = END_SKIPPED,
			.reason = table[i].reason };
		char text[400];

		verdict_sentence(
		    &v, WISH_COMPLETE, "Linear", text, sizeof(text));
		if (table[i].is_said)
			check_sentence(text, "Linear", WISH_COMPLETE);
		else
			assert_string_equal(text, "");
	}
}

/* --- events ----------------------------------------------------------------
 */

#define NOBODY "The provider"

/* Every code that the statements write. */
static const struct event events[] = {
	{ .type = "task.completed", .reason = "completed" },
	{ .type = "task.completed", .reason = "canceled" },
	{ .type = "task.completed", .reason = "duplicate" },
	{ .type = "task.completed", .reason = "deleted" },
	{ .type = "task.completed", .reason = "archived" },
	{ .type = "task.completed", .reason = "reassigned" },
	{ .type = "task.completed", .reason = "moved" },
	{ .type = "task.completed", .reason = "not_visible" },
	{ .type = "task.reopened", .reason = "reopened" },
	{ .type = "task.reopened", .reason = "next_occurrence" },
	{ .type = "connection.auth_failed", .reason = "auth_failed" },
	{ .type = "guard.raised", .reason = "account_changed" },
	{ .type = "guard.raised", .reason = "list_emptied", .held = 3 },
	{ .type = "guard.raised", .reason = "mass_drop", .held = 31 },
	{ .type = "guard.released", .reason = "account_changed" },
	{ .type = "guard.released", .reason = "list_emptied" },
	{ .type = "guard.released", .reason = "mass_drop" },
	{ .type = "writeback.accepted", .reason = "done" },
	{ .type = "writeback.accepted", .reason = "already_done" },
	{ .type = "writeback.accepted", .reason = "already_gone" },
	{ .type = "writeback.skipped", .reason = "no_connection" },
	{ .type = "writeback.skipped", .reason = "no_key" },
	{ .type = "writeback.skipped", .reason = "paused" },
	{ .type = "writeback.skipped", .reason = "writeback_off" },
	{ .type = "writeback.skipped", .reason = "no_done_state" },
	{ .type = "writeback.skipped", .reason = "connection_gone" },
	{ .type = "task.rolled_back", .reason = "source_gone" },
	{ .type = "task.rolled_back", .reason = "source_changed" },
	{ .type = "task.rolled_back", .reason = "bad_id" },
	{ .type = "task.rolled_back", .reason = "forbidden" },
	{ .type = "task.rolled_back", .reason = "refused" },
	{ .type = "task.rolled_back", .reason = "gone_api" },
	{ .type = "task.rolled_back", .reason = "state_refused" },
	{ .type = "task.rolled_back", .reason = "auth_failed" },
	{ .type = "task.rolled_back", .reason = "scope_missing" },
	{ .type = "task.rolled_back", .reason = "key_unreadable" },
	{ .type = "task.rolled_back", .reason = "given_up" },
};

static void
check_told(const struct event *e, const char *title)
{
	char text[400];
	size_t n;

	memset(text, 'x', sizeof(text));
	event_sentence(e, title, text, sizeof(text));
	n = strnlen(text, sizeof(text));
	if (n < 20 || n >= sizeof(text) - 1)
		fail_msg("%s %s: its length is %zu", e->type, e->reason, n);
	if (strchr(text, '%') || strchr(text, '(') || strchr(text, '_'))
		fail_msg(
		    "%s %s: a code is left in: %s", e->type, e->reason, text);
	if (!strstr(text, title) || text[0] < 'A' || text[0] > 'Z' ||
	    text[n - 1] != '.')
		fail_msg("%s %s: not a sentence: %s", e->type, e->reason, text);
}

static void
test_every_event_has_a_sentence_of_its_own(void **state)
{
	static const char *const titles[] = { "Todoist", "Linear", "Attio",
		NOBODY };
	char first[400], second[400];

	(void)state;
	for (size_t i = 0; i < COUNT(events); i++) {
		struct event e = events[i];

		for (size_t t = 0; t < COUNT(titles); t++) {
			e.wish = WISH_COMPLETE;
			check_told(&e, titles[t]);
			e.wish = WISH_UNCOMPLETE;
			check_told(&e, titles[t]);
		}
		/* a writeback's speaks of its wish, another one's does not */
		event_sentence(&e, NOBODY, first, sizeof(first));
		e.wish = WISH_COMPLETE;
		event_sentence(&e, NOBODY, second, sizeof(second));
		assert_int_equal(strcmp(first, second) != 0,
		    !strncmp(e.type, "writeback.", 10) ||
			!strcmp(e.type, "task.rolled_back"));
	}
}

/* As an older or a newer gateway may have written it. */
static void
test_an_event_of_an_unknown_reason_says_something(void **state)
{
	static const char *const types[] = { "task.reopened",
		"connection.auth_failed", "guard.raised", "guard.released",
		"writeback.accepted", "writeback.skipped", "task.completed",
		"task.rolled_back" };
	static const char *const unknown[] = { "", "unheard_of" };

	(void)state;
	for (size_t i = 0; i < COUNT(types); i++) {
		for (size_t r = 0; r < COUNT(unknown); r++) {
			struct event e = { 0 };

			snprintf(e.type, sizeof(e.type), "%s", types[i]);
			snprintf(e.reason, sizeof(e.reason), "%s", unknown[r]);
			check_told(&e, "Todoist");
		}
	}
}

static void
test_an_event_counts_in_english(void **state)
{
	struct event e = { .type = "guard.raised", .reason = "list_emptied" };
	char text[400];

	(void)state;
	e.held = 1;
	event_sentence(&e, "Attio", text, sizeof(text));
	assert_non_null(strstr(text, " 1 task stays "));
	e.held = 12;
	event_sentence(&e, "Attio", text, sizeof(text));
	assert_non_null(strstr(text, " 12 tasks stay "));
}

static void
test_a_title_is_copied_and_a_small_buffer_is_not_overrun(void **state)
{
	struct verdict v = { .ending = END_ROLLED_BACK,
		.reason = REASON_REFUSED };
	char text[400], small[12];

	(void)state;
	verdict_sentence(&v, WISH_COMPLETE, "%s%n", text, sizeof(text));
	assert_non_null(strstr(text, ": %s%n refused"));
	memset(small, 'x', sizeof(small));
	verdict_sentence(&v, WISH_COMPLETE, "Todoist", small, 8);
	assert_int_equal(strlen(small), 7);
	assert_memory_equal(small + 8, "xxxx", 4);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_combination_ends_as_the_table_says),
		cmocka_unit_test(
		    test_what_else_is_set_follows_from_the_outcome_alone),
		cmocka_unit_test(
		    test_an_unknown_outcome_is_never_rolled_back_before_its_time),
		cmocka_unit_test(
		    test_what_may_have_happened_is_remembered_while_it_waits),
		cmocka_unit_test(
		    test_what_may_be_done_yet_is_never_rolled_back),
		cmocka_unit_test(
		    test_an_open_circuit_says_when_to_come_back_and_limits_nobody),
		cmocka_unit_test(
		    test_a_queued_writeback_waits_as_long_as_the_provider_asked),
		cmocka_unit_test(test_every_end_and_every_doubt_has_a_sentence),
		cmocka_unit_test(
		    test_a_rollback_says_that_nothing_changed_and_a_doubt_does_not),
		cmocka_unit_test(
		    test_reasons_that_a_user_can_act_on_read_differently),
		cmocka_unit_test(test_what_stays_local_is_said_with_its_reason),
		cmocka_unit_test(test_every_event_has_a_sentence_of_its_own),
		cmocka_unit_test(
		    test_an_event_of_an_unknown_reason_says_something),
		cmocka_unit_test(test_an_event_counts_in_english),
		cmocka_unit_test(
		    test_a_title_is_copied_and_a_small_buffer_is_not_overrun),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
