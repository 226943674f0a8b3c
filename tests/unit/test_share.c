/* Fair shares: who has enough is told so, and what is given back is free again.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "core/share.h"

static int
open_share(void **state)
{
	return share_new(3, (struct share **)state);
}

static int
close_share(void **state)
{
	share_free(*state);
	return 0;
}

static void
test_a_holder_has_so_many_at_most(void **state)
{
	struct share *share = *state;

	assert_true(share_take(share, "a", 2));
	assert_true(share_take(share, "a", 2));
	assert_false(share_take(share, "a", 2));
	assert_true(share_take(share, "a", 3)); /* each asks for its own most */
	assert_true(share_take(share, "b", 1)); /* others have their own */
}

static void
test_what_is_given_back_is_free(void **state)
{
	struct share *share = *state;

	assert_true(share_take(share, "a", 1));
	share_give(share, "a");
	assert_true(share_take(share, "a", 1));
}

static void
test_giving_back_what_one_has_not_changes_nothing(void **state)
{
	struct share *share = *state;

	share_give(share, "a");
	assert_true(share_take(share, "a", 1));
	share_give(share, "b");
	assert_false(share_take(share, "a", 1));
}

/* A row is reused once its holder has nothing. */
static void
test_so_many_holders_at_once(void **state)
{
	struct share *share = *state;

	assert_true(share_take(share, "a", 1));
	assert_true(share_take(share, "b", 1));
	assert_true(share_take(share, "c", 1));
	assert_false(share_take(share, "d", 1));
	assert_true(share_take(share, "c", 2));
	share_give(share, "b");
	assert_true(share_take(share, "d", 1));
	assert_false(share_take(share, "b", 1));
}

static void
add(void *context, const char *holder)
{
	char *text = context;
	size_t used = strlen(text);

	snprintf(text + used, 32 - used, "%s ", holder);
}

static void
test_who_has_enough_is_named(void **state)
{
	struct share *share = *state;
	char full[32] = "";

	assert_true(share_take(share, "a", 9));
	assert_true(share_take(share, "a", 9));
	assert_true(share_take(share, "b", 9));
	share_full(share, 2, add, full);
	assert_string_equal(full, "a ");
	full[0] = '\0';
	share_full(share, 1, add, full);
	assert_string_equal(full, "a b ");
	share_give(share, "a");
	full[0] = '\0';
	share_full(share, 2, add, full);
	assert_string_equal(full, "");
}

static void
test_a_long_name_is_a_name(void **state)
{
	static const char one[] = "00000000-0000-4000-8000-00000000000a";
	static const char other[] = "00000000-0000-4000-8000-00000000000b";
	struct share *share = *state;

	assert_true(share_take(share, one, 1));
	assert_true(share_take(share, other, 1));
	assert_false(share_take(share, one, 1));
}

#define CASE(name)                                                             \
	cmocka_unit_test_setup_teardown(name, open_share, close_share)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_a_holder_has_so_many_at_most),
		CASE(test_what_is_given_back_is_free),
		CASE(test_giving_back_what_one_has_not_changes_nothing),
		CASE(test_so_many_holders_at_once),
		CASE(test_who_has_enough_is_named),
		CASE(test_a_long_name_is_a_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
