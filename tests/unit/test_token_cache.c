/* What the cache of verified tokens may say, and when it must not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

#include "core/token_cache.h"

#define VERIFIED_MS 1000
#define EXPIRES_MS 5000

/* the same first digits: both want one slot */
static const char one[] =
    "abc1111111111111111111111111111111111111111111111111111111111111";
static const char other[] =
    "abc2222222222222222222222222222222222222222222222222222222222222";
static const struct token_claims claims = { .user_id =
						"6ba7b810-9dad-11d1-80b4-"
						"00c04fd430c8",
	.expires_ms = EXPIRES_MS };
static struct token_cache *cache;

static int
fresh(void **state)
{
	(void)state;
	if (token_cache_new(&cache))
		return 1;
	token_cache_add(cache, one, VERIFIED_MS, &claims);
	return 0;
}

static int
done(void **state)
{
	(void)state;
	token_cache_free(cache);
	token_cache_free(NULL);
	return 0;
}

static void
test_what_was_verified_is_known_for_its_life(void **state)
{
	struct token_claims found;

	(void)state;
	assert_true(token_cache_find(cache, one, VERIFIED_MS, &found));
	assert_string_equal(found.user_id, claims.user_id);
	assert_true(found.expires_ms == EXPIRES_MS);
	assert_true(token_cache_find(cache, one, EXPIRES_MS - 1, &found));
}

static void
test_what_has_expired_is_not_known(void **state)
{
	struct token_claims found;

	(void)state;
	assert_false(token_cache_find(cache, one, EXPIRES_MS, &found));
}

/* It may not have been valid yet. */
static void
test_a_clock_that_was_set_back_makes_it_unknown(void **state)
{
	struct token_claims found;

	(void)state;
	assert_false(token_cache_find(cache, one, VERIFIED_MS - 1, &found));
}

static void
test_another_token_of_the_same_slot_is_another(void **state)
{
	struct token_claims found;

	(void)state;
	assert_false(token_cache_find(cache, other, VERIFIED_MS, &found));
	token_cache_add(cache, other, VERIFIED_MS, &claims);
	assert_true(token_cache_find(cache, other, VERIFIED_MS, &found));
	assert_false(token_cache_find(cache, one, VERIFIED_MS, &found));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
		    test_what_was_verified_is_known_for_its_life, fresh, done),
		cmocka_unit_test_setup_teardown(
		    test_what_has_expired_is_not_known, fresh, done),
		cmocka_unit_test_setup_teardown(
		    test_a_clock_that_was_set_back_makes_it_unknown, fresh,
		    done),
		cmocka_unit_test_setup_teardown(
		    test_another_token_of_the_same_slot_is_another, fresh,
		    done),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
