/* db_args: values named in C arrive as PostgreSQL reads them, in the order of
 * the query's head. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "core/db_args.h"
#include "tests/queries.h"

enum {
	WORD,
	ID,
	DOCUMENT,
	MOMENT,
	SPAN,
	BIG,
	SMALL,
	IS_SO,
	SEALED,
	BIG_OR,
	IS_OR,
	WORDS,
	NUMBERS,
	ANSWERS,
	KINDS
};

static void
bind(struct statement statement, struct args *out)
{
	memset(out, 0, sizeof(*out));
	statement.query->bind(statement.values, out);
}

static void
test_each_kind_is_written_as_it_is_read(void **state)
{
	const int64_t big_or = INT64_MIN;
	const bool is_or = false;
	struct q_kinds_echo_args values = {
		.answers = { .count = 0 },
		.is_or = &is_or,
		.big_or = &big_or,
		.sealed = { "\0\xff\"", 3 },
		.is_so = true,
		.small = -7,
		.big = INT64_MAX,
		.span = "2 minutes",
		.moment = "2024-02-29T12:00:00Z",
		.document = "{\"a\":1}",
		.id = "00000000-0000-4000-8000-000000000001",
		.word = "a 'word'",
	};
	struct args args;

	(void)state;
	array_text(&values.words, "plain");
	array_int(&values.numbers, -1);
	array_int(&values.numbers, 2);
	array_bool(&values.answers, true);
	array_bool(&values.answers, false);
	bind(q_kinds_echo_with(&values), &args);
	assert_int_equal(args.failed, OK);
	assert_int_equal(args.count, KINDS);
	assert_string_equal(args.values[WORD], "a 'word'");
	assert_string_equal(args.values[ID], values.id);
	assert_string_equal(args.values[DOCUMENT], "{\"a\":1}");
	assert_string_equal(args.values[MOMENT], "2024-02-29T12:00:00Z");
	assert_string_equal(args.values[SPAN], "2 minutes");
	assert_string_equal(args.values[BIG], "9223372036854775807");
	assert_string_equal(args.values[SMALL], "-7");
	assert_string_equal(args.values[IS_SO], "t");
	assert_string_equal(args.values[SEALED], "\\x00ff22");
	assert_string_equal(args.values[BIG_OR], "-9223372036854775808");
	assert_string_equal(args.values[IS_OR], "f");
	assert_string_equal(args.values[WORDS], "{\"plain\"}");
	assert_string_equal(args.values[NUMBERS], "{-1,2}");
	assert_string_equal(args.values[ANSWERS], "{t,f}");
	args_done(&args);
	q_kinds_echo_args_done(&values);
}

static void
test_what_is_not_set_is_null_or_nothing(void **state)
{
	const struct q_kinds_echo_args values = { 0 };
	struct args args;

	(void)state;
	bind(q_kinds_echo_with(&values), &args);
	assert_int_equal(args.count, KINDS);
	for (int i = 0; i < KINDS; i++) {
		if (i >= WORDS)
			assert_string_equal(args.values[i], "{}");
		else if (i == BIG || i == SMALL)
			assert_string_equal(args.values[i], "0");
		else if (i == IS_SO)
			assert_string_equal(args.values[i], "f");
		else
			assert_null(args.values[i]);
	}
	args_done(&args);
}

static void
test_no_bytes_are_not_null(void **state)
{
	const struct q_kinds_echo_args values = { .sealed = { "", 0 } };
	struct args args;

	(void)state;
	bind(q_kinds_echo_with(&values), &args);
	assert_string_equal(args.values[SEALED], "\\x");
	args_done(&args);
}

static void
test_an_array_quotes_what_means_something_in_arrays(void **state)
{
	static const struct {
		const char *element, *text;
	} rows[] = {
		{ "", "{\"\"}" },
		{ "NULL", "{\"NULL\"}" },
		{ "a,b}{", "{\"a,b}{\"}" },
		{ "\"", "{\"\\\"\"}" },
		{ "\\", "{\"\\\\\"}" },
		{ " x ", "{\" x \"}" },
		{ NULL, "{NULL}" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct q_kinds_echo_args values = { 0 };
		struct args args;

		array_text(&values.words, rows[i].element);
		bind(q_kinds_echo_with(&values), &args);
		assert_string_equal(args.values[WORDS], rows[i].text);
		args_done(&args);
		q_kinds_echo_args_done(&values);
	}
}

static void
test_values_may_be_bound_again_and_arrays_go_on(void **state)
{
	struct q_kinds_echo_args values = { 0 };
	struct args args;

	(void)state;
	array_int(&values.numbers, 1);
	for (int i = 0; i < 2; i++) {
		bind(q_kinds_echo_with(&values), &args);
		assert_string_equal(args.values[NUMBERS], "{1}");
		args_done(&args);
	}
	array_int(&values.numbers, 2);
	bind(q_kinds_echo_with(&values), &args);
	assert_string_equal(args.values[NUMBERS], "{1,2}");
	args_done(&args);
	q_kinds_echo_args_done(&values);
	assert_int_equal(values.numbers.count, 0);
	array_int(&values.numbers, 3);
	bind(q_kinds_echo_with(&values), &args);
	assert_string_equal(args.values[NUMBERS], "{3}");
	args_done(&args);
	q_kinds_echo_args_done(&values);
}

static void
test_an_array_that_failed_says_so(void **state)
{
	struct q_kinds_echo_args values = { .words = { .failed = ERR_NOMEM } };
	struct args args;

	(void)state;
	array_text(&values.words, "after that");
	bind(q_kinds_echo_with(&values), &args);
	assert_int_equal(args.failed, ERR_NOMEM);
	args_done(&args);
	q_kinds_echo_args_done(&values);
}

static void
test_a_query_without_parameters_binds_nothing(void **state)
{
	const struct statement statement = q_account_list_with();

	(void)state;
	assert_ptr_equal(statement.query, &q_account_list);
	assert_null(statement.values);
	assert_true(statement.query->bind == NULL);
}

static void
test_the_head_says_who_is_to_blame(void **state)
{
	(void)state;
	assert_true(q_text_as_number.is_input);
	assert_false(q_account_name_as_number.is_input);
}

static void
test_queries_are_numbered_and_named(void **state)
{
	(void)state;
	assert_string_equal(q_account_add.name, "account_add");
	assert_int_equal(q_account_add.index, 0);
	assert_int_equal(q_account_list.index, 1);
}

/* That it stays what it was is the database's to say: tests/integration. */
static void
test_names_become_numbers_with_types(void **state)
{
	(void)state;
	assert_string_equal(q_account_add.sql,
	    "update accounts\n"
	    "   set balance = balance + $2::bigint\n"
	    " where id = $1::integer\n"
	    "returning balance, pg_current_xact_id()::text as txid\n");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each_kind_is_written_as_it_is_read),
		cmocka_unit_test(test_what_is_not_set_is_null_or_nothing),
		cmocka_unit_test(test_no_bytes_are_not_null),
		cmocka_unit_test(
		    test_an_array_quotes_what_means_something_in_arrays),
		cmocka_unit_test(
		    test_values_may_be_bound_again_and_arrays_go_on),
		cmocka_unit_test(test_an_array_that_failed_says_so),
		cmocka_unit_test(test_a_query_without_parameters_binds_nothing),
		cmocka_unit_test(test_the_head_says_who_is_to_blame),
		cmocka_unit_test(test_queries_are_numbered_and_named),
		cmocka_unit_test(test_names_become_numbers_with_types),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
