/* keys: a sealed key opens in the row it was sealed for, and nowhere else. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "core/keys.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define SECRET "lin_api_4rT9kW2pQ7"
#define USER "6ba7b810-9dad-11d1-80b4-00c04fd430c8"
#define OTHER_USER "6ba7b811-9dad-11d1-80b4-00c04fd430c8"
#define ID "00000000-0000-4000-8000-000000000001"
#define OTHER_ID "00000000-0000-4000-8000-000000000002"

static char dir[] = "/tmp/flowpin-keys.XXXXXX";
static struct crypto_keys first, second, both; /* both: second seals */

/* As they come in life: out of files, with the id that the key itself has. */
static void
write_key(const char *name, char digit)
{
	char path[64];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	f = fopen(path, "w");
	assert_non_null(f);
	for (int i = 0; i < 2 * CRYPTO_KEY_BYTES; i++)
		assert_int_equal(fputc(digit, f), digit);
	assert_int_equal(fclose(f), 0);
}

static int
load_keys(void **state)
{
	char a[64], b[64], list[130];
	enum err err;

	(void)state;
	if (!mkdtemp(dir))
		return 1;
	write_key("a", '1');
	write_key("b", '2');
	snprintf(a, sizeof(a), "%s/a", dir);
	snprintf(b, sizeof(b), "%s/b", dir);
	snprintf(list, sizeof(list), "%s,%s", b, a);
	err = crypto_keys_load(a, &first);
	if (!err)
		err = crypto_keys_load(b, &second);
	if (!err)
		err = crypto_keys_load(list, &both);
	(void)unlink(a);
	(void)unlink(b);
	return err || rmdir(dir);
}

static int
wipe_keys(void **state)
{
	(void)state;
	crypto_keys_wipe(&first);
	crypto_keys_wipe(&second);
	crypto_keys_wipe(&both);
	return 0;
}

static struct connection
row(const char *user_id, const char *id)
{
	struct connection conn = { 0 };

	snprintf(conn.user_id, sizeof(conn.user_id), "%s", user_id);
	snprintf(conn.id, sizeof(conn.id), "%s", id);
	return conn;
}

/* The sealed form of one row copied into another. */
static struct connection
copy_into(const char *user_id, const char *id, const struct connection *from)
{
	struct connection conn = row(user_id, id);

	conn.key_sealed = malloc(from->key_sealed_len);
	assert_non_null(conn.key_sealed);
	memcpy(conn.key_sealed, from->key_sealed, from->key_sealed_len);
	conn.key_sealed_len = from->key_sealed_len;
	memcpy(conn.key_id, from->key_id, sizeof(conn.key_id));
	return conn;
}

static void
test_what_was_sealed_is_opened_as_it_was(void **state)
{
	static const char *const secrets[] = { "x", SECRET,
		"0123456789abcdef0123456789abcdef01234567", "%s%n" };

	(void)state;
	for (size_t i = 0; i < COUNT(secrets); i++) {
		struct connection conn = row(USER, ID);

		assert_int_equal(keys_seal(&first, secrets[i], &conn), OK);
		assert_string_equal(conn.key_id, first.master[0].id);
		assert_null(conn.key);
		assert_int_equal(keys_open(&first, &conn), OK);
		assert_string_equal(conn.key, secrets[i]);
		connection_done(&conn);
	}
}

static void
test_the_sealed_form_does_not_show_the_key(void **state)
{
	struct connection conn = row(USER, ID), again = row(USER, ID);

	(void)state;
	assert_int_equal(keys_seal(&first, SECRET, &conn), OK);
	assert_int_equal(keys_seal(&first, SECRET, &again), OK);
	assert_null(memmem(conn.key_sealed, conn.key_sealed_len, SECRET, 6));
	/* nor that two connections have the same one */
	assert_int_equal(conn.key_sealed_len, again.key_sealed_len);
	assert_memory_not_equal(
	    conn.key_sealed, again.key_sealed, conn.key_sealed_len);
	connection_done(&conn);
	connection_done(&again);
}

static void
test_another_rows_identity_is_refused(void **state)
{
	static const struct {
		const char *user_id, *id;
	} others[] = {
		{ OTHER_USER, ID },
		{ USER, OTHER_ID },
		{ OTHER_USER, OTHER_ID },
		{ ID, USER }, /* the same two, the other way round */
		{ "", ID },
		{ USER, "" },
	};
	struct connection conn = row(USER, ID);

	(void)state;
	assert_int_equal(keys_seal(&first, SECRET, &conn), OK);
	for (size_t i = 0; i < COUNT(others); i++) {
		struct connection thief =
		    copy_into(others[i].user_id, others[i].id, &conn);

		if (keys_open(&first, &thief) != ERR_INPUT)
			fail_msg(
			    "opened by %s %s", others[i].user_id, others[i].id);
		assert_null(thief.key);
		assert_null(strstr(err_text(), SECRET));
		connection_done(&thief);
	}
	connection_done(&conn);
}

static void
test_an_altered_or_cut_key_is_refused(void **state)
{
	struct connection conn = row(USER, ID);

	(void)state;
	assert_int_equal(keys_seal(&first, SECRET, &conn), OK);
	for (size_t i = 0; i < conn.key_sealed_len; i++) {
		struct connection bad = copy_into(USER, ID, &conn);

		bad.key_sealed[i] ^= 1;
		assert_int_equal(keys_open(&first, &bad), ERR_INPUT);
		assert_null(bad.key);
		bad.key_sealed[i] ^= 1;
		bad.key_sealed_len = i;
		assert_int_equal(keys_open(&first, &bad), ERR_INPUT);
		assert_null(bad.key);
		connection_done(&bad);
	}
	connection_done(&conn);
}

static void
test_a_connection_without_a_key_is_nobody_we_know(void **state)
{
	struct connection conn = row(USER, ID);

	(void)state;
	assert_int_equal(keys_open(&first, &conn), ERR_AUTH);
	assert_null(conn.key);
	connection_done(&conn);
}

static void
test_a_key_that_is_open_stays_as_it_is(void **state)
{
	struct connection conn = row(USER, ID);
	char *key = strdup(SECRET);

	(void)state;
	assert_non_null(key);
	conn.key = key;
	assert_int_equal(keys_open(&first, &conn), OK);
	assert_ptr_equal(conn.key, key);
	connection_done(&conn);
}

static void
test_a_new_key_takes_the_place_of_the_old(void **state)
{
	struct connection conn = row(USER, ID);

	(void)state;
	assert_int_equal(keys_seal(&first, "old", &conn), OK);
	assert_int_equal(keys_seal(&first, SECRET, &conn), OK);
	assert_int_equal(keys_open(&first, &conn), OK);
	assert_string_equal(conn.key, SECRET);
	connection_done(&conn);
}

static void
test_after_a_rotation_old_keys_open_and_new_ones_are_sealed_anew(void **state)
{
	struct connection conn = row(USER, ID);

	(void)state;
	assert_int_equal(keys_seal(&first, SECRET, &conn), OK);
	assert_int_equal(keys_open(&both, &conn), OK);
	assert_string_equal(conn.key, SECRET);
	assert_int_equal(keys_seal(&both, SECRET, &conn), OK);
	assert_string_equal(conn.key_id, second.master[0].id);
	crypto_free_secret(conn.key);
	conn.key = NULL;
	assert_int_equal(keys_open(&second, &conn), OK);
	assert_string_equal(conn.key, SECRET);
	connection_done(&conn);
}

static void
test_a_master_key_that_is_not_here_is_a_wrong_configuration(void **state)
{
	struct connection conn = row(USER, ID);

	(void)state;
	assert_int_equal(keys_seal(&first, SECRET, &conn), OK);
	assert_int_equal(keys_open(&second, &conn), ERR_CONFIG);
	assert_null(conn.key);
	assert_null(strstr(err_text(), "1111"));
	connection_done(&conn);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_was_sealed_is_opened_as_it_was),
		cmocka_unit_test(test_the_sealed_form_does_not_show_the_key),
		cmocka_unit_test(test_another_rows_identity_is_refused),
		cmocka_unit_test(test_an_altered_or_cut_key_is_refused),
		cmocka_unit_test(
		    test_a_connection_without_a_key_is_nobody_we_know),
		cmocka_unit_test(test_a_key_that_is_open_stays_as_it_is),
		cmocka_unit_test(test_a_new_key_takes_the_place_of_the_old),
		cmocka_unit_test(
		    test_after_a_rotation_old_keys_open_and_new_ones_are_sealed_anew),
		cmocka_unit_test(
		    test_a_master_key_that_is_not_here_is_a_wrong_configuration),
	};

	return cmocka_run_group_tests(tests, load_keys, wipe_keys);
}
