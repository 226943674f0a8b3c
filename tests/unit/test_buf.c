/* buf: what it holds, and that it never holds more than it was allowed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "core/buf.h"

static void
test_pieces_are_joined_and_nul_terminated(void **state)
{
	struct buf b = BUF_INIT(100);

	(void)state;
	assert_int_equal(buf_add(&b, "ab", 2), OK);
	assert_int_equal(buf_add_str(&b, "cd"), OK);
	assert_int_equal(buf_addf(&b, "%d-%s", 7, "e"), OK);
	assert_string_equal(b.ptr, "abcd7-e");
	assert_int_equal(b.len, 7);
	buf_done(&b);
	assert_null(b.ptr);
}

static void
test_the_ceiling_is_exact_and_a_failure_changes_nothing(void **state)
{
	struct buf b = BUF_INIT(5);

	(void)state;
	assert_int_equal(buf_add(&b, "12345", 5), OK);
	assert_int_equal(buf_add(&b, "6", 1), ERR_TOOBIG);
	assert_int_equal(buf_add_str(&b, "6"), ERR_TOOBIG);
	assert_int_equal(buf_addf(&b, "%d", 6), ERR_TOOBIG);
	assert_int_equal(buf_add_url(&b, "6"), ERR_TOOBIG);
	assert_int_equal(buf_add(&b, "", SIZE_MAX), ERR_TOOBIG);
	assert_string_equal(b.ptr, "12345");
	assert_true(b.cap <= 6);
	buf_done(&b);
}

static void
test_a_percent_escape_counts_as_three_bytes(void **state)
{
	struct buf b = BUF_INIT(4);

	(void)state;
	assert_int_equal(buf_add_url(&b, "//"), ERR_TOOBIG);
	assert_int_equal(b.len, 0);
	assert_int_equal(buf_add_url(&b, "a/"), OK);
	assert_string_equal(b.ptr, "a%2F");
	buf_done(&b);
}

static void
test_url_text_keeps_only_unreserved_characters(void **state)
{
	struct buf b = BUF_INIT(200);

	(void)state;
	assert_int_equal(buf_add_url(&b, "Az09-._~ &=?#/%+\n\xc3\xa9"), OK);
	assert_string_equal(b.ptr, "Az09-._~%20%26%3D%3F%23%2F%25%2B%0A%C3%A9");
	buf_done(&b);
}

static void
test_many_small_adds_grow_it_correctly(void **state)
{
	struct buf b = BUF_INIT(10000);

	(void)state;
	for (int i = 0; i < 10000; i++) {
		char c = (char)('a' + i % 26);
		assert_int_equal(buf_add(&b, &c, 1), OK);
	}
	assert_int_equal(buf_add(&b, "x", 1), ERR_TOOBIG);
	for (int i = 0; i < 10000; i++)
		assert_int_equal(b.ptr[i], 'a' + i % 26);
	assert_int_equal(b.ptr[10000], '\0');
	buf_done(&b);
}

static void
test_bytes_may_be_nul(void **state)
{
	struct buf b = BUF_INIT(10);

	(void)state;
	assert_int_equal(buf_add(&b, "a\0b", 3), OK);
	assert_memory_equal(b.ptr, "a\0b", 4);
	buf_done(&b);
}

static void
test_taking_gives_the_bytes_away_and_leaves_it_usable(void **state)
{
	struct buf b = BUF_INIT(10);
	size_t len = 99;
	char *text;

	(void)state;
	text = buf_take(&b, &len); /* nothing was ever added */
	assert_string_equal(text, "");
	assert_int_equal(len, 0);
	free(text);
	assert_int_equal(buf_add_str(&b, "one"), OK);
	text = buf_take(&b, NULL);
	assert_string_equal(text, "one");
	free(text);
	assert_int_equal(b.len, 0);
	assert_int_equal(buf_add_str(&b, "0123456789"), OK);
	buf_done(&b);
}

static void
test_clearing_empties_it_and_keeps_the_memory(void **state)
{
	struct buf b = BUF_INIT(10);
	const char *before;

	(void)state;
	buf_clear(&b); /* an empty one is fine */
	assert_int_equal(buf_add_str(&b, "0123456789"), OK);
	before = b.ptr;
	buf_clear(&b);
	assert_string_equal(b.ptr, "");
	assert_int_equal(buf_add_str(&b, "9876543210"), OK);
	assert_ptr_equal(b.ptr, before);
	buf_done(&b);
	buf_done(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pieces_are_joined_and_nul_terminated),
		cmocka_unit_test(
		    test_the_ceiling_is_exact_and_a_failure_changes_nothing),
		cmocka_unit_test(test_a_percent_escape_counts_as_three_bytes),
		cmocka_unit_test(
		    test_url_text_keeps_only_unreserved_characters),
		cmocka_unit_test(test_many_small_adds_grow_it_correctly),
		cmocka_unit_test(test_bytes_may_be_nul),
		cmocka_unit_test(
		    test_taking_gives_the_bytes_away_and_leaves_it_usable),
		cmocka_unit_test(test_clearing_empties_it_and_keeps_the_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
