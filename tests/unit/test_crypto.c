/* crypto: what is sealed opens for its own row and key only, and key files
 * that are wrong are named without showing what is in them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "core/crypto.h"

#define KEY_A "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
#define KEY_B "FFFEFDFCFBFAF9F8F7F6F5F4F3F2F1F0efeeedecebeae9e8e7e6e5e4e3e2e1e0"
#define AAD "row-1"

static char dir[64];

static int
make_dir(void **state)
{
	(void)state;
	(void)snprintf(dir, sizeof(dir), "/tmp/flowpin-crypto-XXXXXX");
	return mkdtemp(dir) == NULL;
}

static int
remove_dir(void **state)
{
	char path[128];

	(void)state;
	for (char c = 'a'; c <= 'z'; c++) {
		(void)snprintf(path, sizeof(path), "%s/%c", dir, c);
		(void)unlink(path);
	}
	return rmdir(dir);
}

/* The file is dir/<name>. */
static void
write_file(char name, const char *text)
{
	char path[128];
	FILE *file;

	(void)snprintf(path, sizeof(path), "%s/%c", dir, name);
	file = fopen(path, "w");
	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	assert_int_equal(fclose(file), 0);
}

/* names: the files' letters; separated in the ways that are allowed. */
static enum err
load(const char *names, struct crypto_keys *out)
{
	static const char *const separators[] = { ",", " ", " ,\n", "\t" };
	char paths[2048];
	size_t len = 0;

	paths[0] = '\0';
	for (size_t i = 0; names[i] != '\0'; i++)
		len += (size_t)snprintf(paths + len, sizeof(paths) - len,
		    "%s%s/%c", separators[i % 4], dir, names[i]);
	return crypto_keys_load(paths, out);
}

static void
test_keys_are_loaded_in_order_with_ids_of_their_own(void **state)
{
	struct crypto_keys keys = { 0 };

	(void)state;
	write_file('a', KEY_A "\n");
	write_file('b', " \t" KEY_B "\r\n\n");
	assert_int_equal(load("ab", &keys), OK);
	assert_int_equal(keys.count, 2);
	assert_int_equal(keys.master[0].key[31], 0x1f);
	assert_int_equal(keys.master[1].key[0], 0xff);
	/* printf 'flowpin master key' + the key's bytes | sha256sum */
	assert_string_equal(keys.master[0].id, "100688f8284a60b2");
	assert_string_not_equal(keys.master[0].id, keys.master[1].id);
	crypto_keys_wipe(&keys);
	assert_int_equal(keys.count, 0);
	assert_int_equal(keys.master[0].key[31], 0);
}

static void
test_a_wrong_key_file_is_named_but_not_shown(void **state)
{
	static const char *const rows[] = { "", "\n", "secretsecret",
		KEY_A "00", KEY_A KEY_A, "g" KEY_A, "0x" KEY_A,
		KEY_A "\n" KEY_B };
	struct crypto_keys keys = { 0 };
	char path[128];

	(void)state;
	(void)snprintf(path, sizeof(path), "%s/w", dir);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		write_file('w', rows[i]);
		assert_int_equal(load("w", &keys), ERR_CONFIG);
		assert_non_null(strstr(err_text(), path));
		assert_null(strstr(err_text(), "secret"));
		assert_null(strstr(err_text(), "0001"));
		assert_int_equal(keys.count, 0);
	}
}

static void
test_a_missing_or_endless_key_file_is_refused(void **state)
{
	struct crypto_keys keys = { 0 };

	(void)state;
	assert_int_equal(load("z", &keys), ERR_CONFIG);
	assert_non_null(strstr(err_text(), "/z"));
	assert_int_equal(crypto_keys_load(dir, &keys), ERR_CONFIG);
	assert_int_equal(crypto_keys_load("/dev/zero", &keys), ERR_CONFIG);
	assert_int_equal(crypto_keys_load("", &keys), ERR_CONFIG);
	assert_int_equal(crypto_keys_load(" , ", &keys), ERR_CONFIG);
}

static void
test_the_same_key_twice_and_a_ninth_key_are_refused(void **state)
{
	struct crypto_keys keys = { 0 };
	char text[CRYPTO_KEY_BYTES * 2 + 1] = KEY_A;

	(void)state;
	write_file('a', KEY_A);
	write_file('b', KEY_A "\n");
	assert_int_equal(load("ab", &keys), ERR_CONFIG);
	assert_non_null(strstr(err_text(), "twice"));
	for (char c = 'a'; c <= 'i'; c++) {
		text[0] = c <= 'f' ? c : (char)('0' + (c - 'g') + 1);
		write_file(c, text);
	}
	assert_int_equal(load("abcdefgh", &keys), OK);
	assert_int_equal(keys.count, 8);
	crypto_keys_wipe(&keys);
	assert_int_equal(load("abcdefghi", &keys), ERR_CONFIG);
}

/* Two keys, without files. */
static struct crypto_keys
two_keys(void)
{
	struct crypto_keys keys = { .count = 2 };

	memset(keys.master[0].key, 1, CRYPTO_KEY_BYTES);
	memcpy(keys.master[0].id, "1111111111111111", CRYPTO_KEY_ID);
	memset(keys.master[1].key, 2, CRYPTO_KEY_BYTES);
	memcpy(keys.master[1].id, "2222222222222222", CRYPTO_KEY_ID);
	return keys;
}

static void
test_what_is_sealed_opens_again(void **state)
{
	static const char *const secrets[] = { "lin_api_abc", "", "x",
		"0123456789abcdef0123456789abcdef0123456789abcdef" };
	struct crypto_keys keys = two_keys();
	char id[CRYPTO_KEY_ID], *back;
	unsigned char *sealed;
	size_t len;

	(void)state;
	for (size_t i = 0; i < sizeof(secrets) / sizeof(secrets[0]); i++) {
		back = NULL;
		assert_int_equal(
		    crypto_seal(&keys, AAD, secrets[i], &sealed, &len, id), OK);
		assert_string_equal(id, keys.master[0].id);
		assert_int_equal(len, strlen(secrets[i]) + 29);
		assert_int_equal(sealed[0], 1);
		assert_int_equal(
		    crypto_open(&keys, id, AAD, sealed, len, &back), OK);
		assert_string_equal(back, secrets[i]);
		crypto_free_secret(back);
		free(sealed);
	}
	crypto_free_secret(NULL);
}

static void
test_sealing_twice_gives_different_bytes(void **state)
{
	struct crypto_keys keys = two_keys();
	unsigned char *first, *second;
	char id[CRYPTO_KEY_ID];
	size_t len;

	(void)state;
	assert_int_equal(crypto_seal(&keys, AAD, "same", &first, &len, id), OK);
	assert_int_equal(
	    crypto_seal(&keys, AAD, "same", &second, &len, id), OK);
	assert_memory_not_equal(first, second, len);
	free(first);
	free(second);
}

static void
test_any_changed_bit_or_cut_byte_is_noticed(void **state)
{
	struct crypto_keys keys = two_keys();
	char id[CRYPTO_KEY_ID], *back = NULL;
	unsigned char *sealed;
	size_t len;

	(void)state;
	assert_int_equal(
	    crypto_seal(&keys, AAD, "secret", &sealed, &len, id), OK);
	for (size_t bit = 0; bit < len * 8; bit++) {
		sealed[bit / 8] ^= (unsigned char)(1 << bit % 8);
		assert_int_equal(
		    crypto_open(&keys, id, AAD, sealed, len, &back), ERR_INPUT);
		sealed[bit / 8] ^= (unsigned char)(1 << bit % 8);
	}
	for (size_t n = 0; n < len; n++)
		assert_int_equal(
		    crypto_open(&keys, id, AAD, sealed, n, &back), ERR_INPUT);
	assert_null(back);
	free(sealed);
}

static void
test_a_sealed_key_opens_neither_for_another_row_nor_key(void **state)
{
	struct crypto_keys keys = two_keys();
	char id[CRYPTO_KEY_ID], *back = NULL;
	unsigned char *sealed;
	size_t len;

	(void)state;
	assert_int_equal(
	    crypto_seal(&keys, AAD, "secret", &sealed, &len, id), OK);
	assert_int_equal(
	    crypto_open(&keys, id, "row-2", sealed, len, &back), ERR_INPUT);
	assert_int_equal(
	    crypto_open(&keys, id, "", sealed, len, &back), ERR_INPUT);
	assert_int_equal(
	    crypto_open(&keys, keys.master[1].id, AAD, sealed, len, &back),
	    ERR_INPUT);
	assert_int_equal(
	    crypto_open(&keys, "0123456789abcdef", AAD, sealed, len, &back),
	    ERR_CONFIG);
	assert_null(back);
	free(sealed);
}

static void
test_an_older_master_key_still_opens_after_rotation(void **state)
{
	struct crypto_keys keys = two_keys(), rotated = keys;
	char id[CRYPTO_KEY_ID], *back = NULL;
	unsigned char *sealed;
	size_t len;

	(void)state;
	rotated.master[0] = keys.master[1];
	rotated.master[1] = keys.master[0];
	assert_int_equal(
	    crypto_seal(&keys, AAD, "secret", &sealed, &len, id), OK);
	assert_int_equal(
	    crypto_open(&rotated, id, AAD, sealed, len, &back), OK);
	assert_string_equal(back, "secret");
	crypto_free_secret(back);
	free(sealed);
}

static void
test_random_uuids_are_version_4_and_differ(void **state)
{
	char first[CRYPTO_UUID], second[CRYPTO_UUID], back[CRYPTO_UUID];

	(void)state;
	for (int i = 0; i < 100; i++) {
		crypto_uuid(first);
		crypto_uuid(second);
		assert_string_not_equal(first, second);
		assert_int_equal(first[14], '4');
		assert_non_null(strchr("89ab", first[19]));
		assert_true(crypto_uuid_parse(first, back));
		assert_string_equal(first, back);
	}
	assert_true(crypto_random() != crypto_random());
}

static void
test_only_hyphenated_uuids_are_read(void **state)
{
	static const char *const bad[] = { "",
		"6ba7b8109dad11d180b400c04fd430c8",
		"{6ba7b810-9dad-11d1-80b4-00c04fd430c8}",
		"6ba7b810-9dad-11d1-80b4-00c04fd430c",
		"6ba7b810-9dad-11d1-80b4-00c04fd430c88",
		"6ba7b810-9dad-11d1-80b4-00c04fd430cg",
		"6ba7b8109-dad-11d1-80b4-00c04fd430c8",
		" 6ba7b810-9dad-11d1-80b4-00c04fd430c" };
	char out[CRYPTO_UUID] = "untouched";

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_false(crypto_uuid_parse(bad[i], out));
	assert_false(crypto_uuid_parse(NULL, out));
	assert_string_equal(out, "untouched");
	assert_true(
	    crypto_uuid_parse("6BA7B810-9DAD-11D1-80B4-00C04FD430C8", out));
	assert_string_equal(out, "6ba7b810-9dad-11d1-80b4-00c04fd430c8");
}

static void
test_sha256_is_that_of_the_standard(void **state)
{
	struct crypto_digest *digest = crypto_digest_begin();
	char out[CRYPTO_SHA256_HEX];

	(void)state;
	crypto_sha256_hex("abc", 3, out);
	assert_string_equal(out, "ba7816bf8f01cfea414140de5dae2223"
				 "b00361a396177a9cb410ff61f20015ad");
	crypto_sha256_hex("", 0, out);
	assert_string_equal(out, "e3b0c44298fc1c149afbf4c8996fb924"
				 "27ae41e4649b934ca495991b7852b855");
	crypto_digest_add(digest, "a", 1);
	crypto_digest_add(digest, "bc", 2);
	crypto_digest_end(digest, out);
	assert_string_equal(out, "ba7816bf8f01cfea414140de5dae2223"
				 "b00361a396177a9cb410ff61f20015ad");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    test_keys_are_loaded_in_order_with_ids_of_their_own),
		cmocka_unit_test(test_a_wrong_key_file_is_named_but_not_shown),
		cmocka_unit_test(test_a_missing_or_endless_key_file_is_refused),
		cmocka_unit_test(
		    test_the_same_key_twice_and_a_ninth_key_are_refused),
		cmocka_unit_test(test_what_is_sealed_opens_again),
		cmocka_unit_test(test_sealing_twice_gives_different_bytes),
		cmocka_unit_test(test_any_changed_bit_or_cut_byte_is_noticed),
		cmocka_unit_test(
		    test_a_sealed_key_opens_neither_for_another_row_nor_key),
		cmocka_unit_test(
		    test_an_older_master_key_still_opens_after_rotation),
		cmocka_unit_test(test_random_uuids_are_version_4_and_differ),
		cmocka_unit_test(test_only_hyphenated_uuids_are_read),
		cmocka_unit_test(test_sha256_is_that_of_the_standard),
	};

	return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
