/* Statements that are run together, against a real database: DATABASE_URL, with
 * a table of accounts; PREPARED=1 names them on the server. For
 * 012_pipeline.sh. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "core/clock.h"
#include "core/log.h"
#include "tests/queries.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static struct db_pool *
open_pool(int query_timeout_ms)
{
	const struct db_options options = {
		.url = getenv("DATABASE_URL"),
		.app_name = "pipeline",
		.connections = 1,
		.query_timeout_ms = query_timeout_ms,
		.connect_timeout_ms = 5000,
		.is_prepared = getenv("PREPARED") != NULL,
	};
	struct db_pool *pool = NULL;

	assert_non_null(options.url);
	assert_int_equal(db_pool_new(&options, &pool), OK);
	return pool;
}

static struct db *
borrow(struct db_pool *pool)
{
	struct db *db = NULL;

	assert_int_equal(db_get(pool, clock_mono_ms() + 5000, &db), OK);
	return db;
}

static int64_t
balance_of(struct db *db, int64_t id)
{
	const struct q_account_add_args nothing = { .id = id, .amount = 0 };
	struct rows rows = { 0 };
	int64_t balance;

	assert_int_equal(db_run(db, q_account_add_with(&nothing), &rows), OK);
	assert_int_equal(rows_count(&rows), 1);
	balance = rows_int(&rows, 0, "balance");
	rows_done(&rows);
	return balance;
}

static void
end_all(struct db_step *steps, size_t count)
{
	for (size_t i = 0; i < count; i++)
		rows_done(&steps[i].rows);
}

static void
assert_no_rows(const struct db_step *steps, size_t count)
{
	for (size_t i = 0; i < count; i++)
		assert_null(steps[i].rows.result);
}

static void
test_steps_see_each_other_and_are_one_transaction(void **state)
{
	struct db_pool *pool = *state;
	struct db *db = borrow(pool);
	int64_t before = balance_of(db, 1);
	const struct q_account_add_args add = { .id = 1, .amount = 5 };
	struct db_step steps[] = {
		{ .statement = q_account_add_with(&add) },
		{ .statement = q_account_add_with(&add) },
		{ .statement = q_account_list_with() },
	};

	assert_int_equal(db_run_all(db, steps, COUNT(steps)), OK);
	assert_int_equal(rows_int(&steps[0].rows, 0, "balance"), before + 5);
	assert_int_equal(rows_int(&steps[1].rows, 0, "balance"), before + 10);
	assert_int_equal(rows_int(&steps[2].rows, 0, "balance"), before + 10);
	assert_string_equal(rows_text(&steps[0].rows, 0, "txid"),
	    rows_text(&steps[1].rows, 0, "txid"));
	end_all(steps, COUNT(steps));
	assert_int_equal(balance_of(db, 1), before + 10);
	db_put(pool, db);
}

static void
test_one_step_alone_is_run_as_well(void **state)
{
	const struct q_account_add_args add = { .id = 1, .amount = 1 };
	struct db_step step = { .statement = q_account_add_with(&add) };

	assert_int_equal(
	    db_pool_run_all(*state, clock_mono_ms() + 5000, &step, 1), OK);
	assert_int_equal(rows_count(&step.rows), 1);
	end_all(&step, 1);
}

static void
test_the_first_failure_undoes_all_and_is_told(void **state)
{
	struct db_pool *pool = *state;
	struct db *db = borrow(pool);
	int64_t before = balance_of(db, 1);
	const struct q_account_add_args add = { .id = 1, .amount = 5 };
	const struct q_account_add_args too_much = { .id = 2,
		.amount = -1000000 };
	const struct q_account_name_as_number_args broken = { .id = 1 };
	struct db_step steps[] = {
		{ .statement = q_account_add_with(&add) },
		{ .statement = q_account_add_with(&too_much) },
		{ .statement = q_account_name_as_number_with(&broken) },
		{ .statement = q_account_list_with() },
	};

	assert_int_equal(db_run_all(db, steps, COUNT(steps)), ERR_CONFLICT);
	assert_string_equal(db_constraint(), "balance_is_positive");
	assert_no_rows(steps, COUNT(steps));
	assert_int_equal(balance_of(db, 1), before);
	db_put(pool, db);
}

static void
test_the_last_step_may_fail_too(void **state)
{
	struct db_pool *pool = *state;
	struct db *db = borrow(pool);
	int64_t before = balance_of(db, 1);
	const struct q_account_add_args add = { .id = 1, .amount = 5 };
	const struct q_account_name_as_number_args broken = { .id = 1 };
	struct db_step steps[] = {
		{ .statement = q_account_add_with(&add) },
		{ .statement = q_account_name_as_number_with(&broken) },
	};

	assert_int_equal(db_run_all(db, steps, COUNT(steps)), ERR_DATA);
	assert_no_rows(steps, COUNT(steps));
	assert_int_equal(balance_of(db, 1), before);
	db_put(pool, db);
}

static void
test_a_commit_that_fails_undoes_all(void **state)
{
	struct db_pool *pool = *state;
	struct db *db = borrow(pool);
	int64_t before = balance_of(db, 1);
	const struct q_account_add_args add = { .id = 1, .amount = 5 };
	const struct q_account_rename_args same = { .id = 1, .name = "two" };
	struct db_step steps[] = {
		{ .statement = q_account_rename_with(&same) },
		{ .statement = q_account_add_with(&add) },
	};

	assert_int_equal(db_run_all(db, steps, COUNT(steps)), ERR_CONFLICT);
	assert_string_equal(db_constraint(), "names_differ");
	assert_no_rows(steps, COUNT(steps));
	assert_int_equal(balance_of(db, 1), before);
	db_put(pool, db);
}

static void
test_a_value_is_blamed_on_caller_or_row_as_the_query_says(void **state)
{
	struct db_pool *pool = *state;
	struct db *db = borrow(pool);
	const struct q_account_name_as_number_args row = { .id = 1 };
	const struct q_text_as_number_args sent = { .text = "one" };

	assert_int_equal(
	    db_run(db, q_account_name_as_number_with(&row), NULL), ERR_DATA);
	assert_non_null(strstr(err_text(), "account_name_as_number"));
	assert_int_equal(
	    db_run(db, q_text_as_number_with(&sent), NULL), ERR_INPUT);
	assert_string_equal(err_text(), "A value is out of its range.");
	db_put(pool, db);
}

/* Server and client would both only write, each waiting for the other to read.
 */
static void
test_much_goes_in_both_directions_at_once(void **state)
{
	enum { STEPS = 16, BYTES = 1000000 };
	struct db_step steps[STEPS];
	char *text = malloc(BYTES + 1);

	assert_non_null(text);
	memset(text, 'x', BYTES);
	text[BYTES] = '\0';
	const struct q_text_repeat_args much = { .text = text, .times = 2 };
	for (size_t i = 0; i < STEPS; i++)
		steps[i].statement = q_text_repeat_with(&much);
	assert_int_equal(
	    db_pool_run_all(*state, clock_mono_ms() + 5000, steps, STEPS), OK);
	for (size_t i = 0; i < STEPS; i++)
		assert_int_equal(
		    strlen(rows_text(&steps[i].rows, 0, "text")), 2 * BYTES);
	end_all(steps, STEPS);
	free(text);
}

static void
test_who_is_late_is_given_up_and_his_connection_with_him(void **state)
{
	struct db_pool *pool = open_pool(300);
	struct db *db = borrow(pool);
	const struct q_nap_args nap = { .ms = 3000 };
	struct db_step steps[] = {
		{ .statement = q_account_list_with() },
		{ .statement = q_nap_with(&nap) },
		{ .statement = q_account_list_with() },
	};
	int64_t began_ms = clock_mono_ms();

	(void)state;
	assert_int_equal(db_run_all(db, steps, COUNT(steps)), ERR_DB);
	assert_no_rows(steps, COUNT(steps));
	assert_in_range(clock_mono_ms() - began_ms, 250, 2500);
	db_put(pool, db);
	db = borrow(pool);
	assert_true(balance_of(db, 1) > 0);
	db_put(pool, db);
	db_pool_free(pool);
}

static void
test_a_connection_that_breaks_is_replaced(void **state)
{
	struct db_pool *pool = *state;
	struct db *db = borrow(pool);
	int64_t before = balance_of(db, 1);
	const struct q_account_add_args add = { .id = 1, .amount = 5 };
	struct db_step steps[] = {
		{ .statement = q_account_add_with(&add) },
		{ .statement = q_backend_end_with() },
		{ .statement = q_account_list_with() },
	};

	assert_int_equal(db_run_all(db, steps, COUNT(steps)), ERR_DB);
	assert_no_rows(steps, COUNT(steps));
	db_put(pool, db);
	db = borrow(pool);
	assert_int_equal(balance_of(db, 1), before);
	db_put(pool, db);
}

static void
test_values_that_could_not_be_written_are_not_sent(void **state)
{
	struct db_pool *pool = *state;
	struct db *db = borrow(pool);
	int64_t before = balance_of(db, 1);
	const struct q_account_add_args add = { .id = 1, .amount = 5 };
	const struct q_kinds_echo_args broken = {
		.words = { .count = 1, .failed = ERR_TOOBIG },
	};
	struct db_step steps[] = {
		{ .statement = q_account_add_with(&add) },
		{ .statement = q_kinds_echo_with(&broken) },
	};

	assert_int_equal(db_run_all(db, steps, COUNT(steps)), ERR_TOOBIG);
	db_put(pool, db);
	db = borrow(pool);
	assert_int_equal(balance_of(db, 1), before);
	db_put(pool, db);
}

static void
test_every_kind_of_value_arrives(void **state)
{
	const int64_t big_or = -1;
	const bool is_or = true;
	struct q_kinds_echo_args values = {
		.word = "it's",
		.id = "00000000-0000-4000-8000-000000000001",
		.document = "{\"a\": \"b\"}",
		.moment = "2024-02-29T12:00:00Z",
		.span = "2 minutes",
		.big = INT64_MAX,
		.small = -7,
		.is_so = true,
		.sealed = { "\0\xff", 2 },
		.big_or = &big_or,
		.is_or = &is_or,
	};
	struct db_step step = { .statement = q_kinds_echo_with(&values) };
	struct rows *rows = &step.rows;
	unsigned char *bytes = NULL;
	size_t len = 0;

	array_text(&values.words, "a \"b\" \\ {,}");
	array_text(&values.words, NULL);
	array_int(&values.numbers, INT64_MIN);
	array_bool(&values.answers, false);
	assert_int_equal(
	    db_pool_run_all(*state, clock_mono_ms() + 5000, &step, 1), OK);
	assert_string_equal(rows_text(rows, 0, "word"), "it's");
	assert_string_equal(rows_text(rows, 0, "id"), values.id);
	assert_string_equal(rows_text(rows, 0, "document"), "b");
	assert_string_equal(
	    rows_text(rows, 0, "moment"), "2024-02-29 12:00:00");
	assert_int_equal(rows_int(rows, 0, "span"), 120);
	assert_true(rows_int(rows, 0, "big") == -INT64_MAX);
	assert_int_equal(rows_int(rows, 0, "small"), -7);
	assert_false(rows_bool(rows, 0, "is_so"));
	assert_int_equal(rows_bytes(rows, 0, "sealed", &bytes, &len), OK);
	assert_int_equal(len, 2);
	assert_memory_equal(bytes, "\0\xff", 2);
	assert_int_equal(rows_int(rows, 0, "big_or"), -1);
	assert_true(rows_bool(rows, 0, "is_or"));
	assert_string_equal(rows_text(rows, 0, "first_word"), "a \"b\" \\ {,}");
	assert_int_equal(rows_int(rows, 0, "words"), 2);
	assert_string_equal(
	    rows_text(rows, 0, "numbers"), "{-9223372036854775808}");
	assert_string_equal(rows_text(rows, 0, "answers"), "{f}");
	assert_string_equal(rows_text(rows, 0, "\":word\""), ":word $1");
	assert_string_equal(rows_text(rows, 0, "quoted"), "it's :id");
	assert_string_equal(rows_text(rows, 0, "escaped"), "\\ \"");
	assert_string_equal(rows_text(rows, 0, "slice"), "{10,20}");
	free(bytes);
	end_all(&step, 1);
	q_kinds_echo_args_done(&values);
}

static int
open_all(void **state)
{
	log_open("pipeline", LOG_ERROR);
	*state = open_pool(10000);
	return 0;
}

static int
close_all(void **state)
{
	db_pool_free(*state);
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    test_steps_see_each_other_and_are_one_transaction),
		cmocka_unit_test(test_one_step_alone_is_run_as_well),
		cmocka_unit_test(test_the_first_failure_undoes_all_and_is_told),
		cmocka_unit_test(test_the_last_step_may_fail_too),
		cmocka_unit_test(test_a_commit_that_fails_undoes_all),
		cmocka_unit_test(
		    test_a_value_is_blamed_on_caller_or_row_as_the_query_says),
		cmocka_unit_test(test_much_goes_in_both_directions_at_once),
		cmocka_unit_test(
		    test_who_is_late_is_given_up_and_his_connection_with_him),
		cmocka_unit_test(test_a_connection_that_breaks_is_replaced),
		cmocka_unit_test(
		    test_values_that_could_not_be_written_are_not_sent),
		cmocka_unit_test(test_every_kind_of_value_arrives),
	};

	return cmocka_run_group_tests(tests, open_all, close_all);
}
