/* token: tokens are made here with OpenSSL's HMAC, independently of the module
 * and of libcjose, so that both sides cannot be wrong in the same way. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "core/token.h"
#include "token_test.h"

#define SECRET "super-secret-jwt-token-with-at-least-32-characters-long"
#define USER "6ba7b810-9dad-11d1-80b4-00c04fd430c8"
#define NOW_S 1795428000
#define NOW_MS (NOW_S * INT64_C(1000))
#define HEADER "{\"alg\":\"HS256\",\"typ\":\"JWT\"}"
#define SUB "\"sub\":\"" USER "\","
#define AUD "\"aud\":\"authenticated\","
#define ROLE "\"role\":\"authenticated\","
#define EXP "\"exp\":1795428100"
#define GOOD "{" SUB AUD ROLE EXP "}"

static const char *const secrets[] = { SECRET, NULL };
static const struct token_options options = {
	.secrets = secrets,
	.audience = "authenticated",
	.leeway_s = 10,
};
static struct token_verifier *verifier;

static int
make_verifier(void **state)
{
	(void)state;
	return token_new(&options, &verifier) != OK;
}

static int
free_verifier(void **state)
{
	(void)state;
	token_free(verifier);
	token_free(NULL);
	return 0;
}

static enum err
verify(const char *text, int64_t now_ms)
{
	struct token_claims claims = { .user_id = "untouched" };
	enum err err = token_verify(verifier, text, now_ms, &claims);

	if (err)
		assert_string_equal(claims.user_id, "untouched");
	return err;
}

static void
test_a_users_token_is_accepted(void **state)
{
	static const char *const rows[] = {
		GOOD,
		"{\"aud\":[\"authenticated\"]," SUB ROLE EXP "}",
		"{\"aud\":[\"x\",\"authenticated\",1]," SUB ROLE EXP "}",
		"{" SUB AUD ROLE EXP ",\"nbf\":1795427999,\"iat\":1795427999,"
		"\"iss\":\"https://ref.supabase.co/auth/v1\",\"aal\":\"aal1\","
		"\"session_id\":\"s\",\"email\":\"\",\"is_anonymous\":false,"
		"\"app_metadata\":{\"providers\":[\"email\"]}}",
		"{\"sub\":\"6BA7B810-9DAD-11D1-80B4-00C04FD430C8\"," AUD ROLE
		    EXP "}",
		"{" SUB AUD ROLE "\"exp\":1795428100.5}",
	};
	struct token_claims claims;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (token_verify(verifier, make_hs256(HEADER, rows[i], SECRET),
			NOW_MS, &claims))
			fail_msg("%s: %s", rows[i], err_text());
		assert_string_equal(claims.user_id, USER);
		assert_true(claims.expires_ms / 1000 == NOW_S + 100);
	}
}

static void
test_missing_and_odd_claims_are_refused(void **state)
{
	static const char *const rows[] = {
		"{" AUD ROLE EXP "}",
		"{" SUB ROLE EXP "}",
		"{" SUB AUD EXP "}",
		"{" SUB AUD "\"role\":\"authenticated\"}",
		"{\"sub\":\"somebody\"," AUD ROLE EXP "}",
		"{\"sub\":null," AUD ROLE EXP "}",
		"{\"sub\":1," AUD ROLE EXP "}",
		"{\"sub\":[\"" USER "\"]," AUD ROLE EXP "}",
		"{\"aud\":\"anon\"," SUB ROLE EXP "}",
		"{\"aud\":[]," SUB ROLE EXP "}",
		"{\"aud\":[[\"authenticated\"]]," SUB ROLE EXP "}",
		"{\"aud\":{\"a\":\"authenticated\"}," SUB ROLE EXP "}",
		"{\"role\":\"service_role\"," SUB AUD EXP "}",
		"{\"role\":\"anon\"," SUB AUD EXP "}",
		"{\"role\":[\"authenticated\"]," SUB AUD EXP "}",
		"{" SUB AUD ROLE "\"exp\":\"1795428100\"}",
		"{" SUB AUD ROLE "\"exp\":null}",
		"{" SUB AUD ROLE "\"exp\":-1}",
		"{" SUB AUD ROLE "\"exp\":1e999}",
		"{" SUB AUD ROLE "\"exp\":1795428100000}", /* milliseconds */
		"{" SUB AUD ROLE EXP ",\"nbf\":\"x\"}",
		"{" SUB AUD ROLE EXP ",\"nbf\":null}",
		"{" SUB AUD ROLE EXP ",\"iat\":\"x\"}",
		"{\"Sub\":\"" USER "\"," AUD ROLE EXP "}",
		"[" EXP "]",
		"[]",
		"\"x\"",
		"{" SUB AUD ROLE EXP,
		GOOD "x",
		"{\"x\":\"\\u0000\"," SUB AUD ROLE EXP "}",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (verify(make_hs256(HEADER, rows[i], SECRET), NOW_MS) !=
		    ERR_AUTH)
			fail_msg("accepted: %s", rows[i]);
	}
}

static void
test_another_algorithm_is_refused_whatever_the_signature(void **state)
{
	static const char *const rows[] = {
		"{\"alg\":\"none\"}",
		"{\"alg\":\"None\"}",
		"{\"alg\":\"HS384\"}",
		"{\"alg\":\"HS512\"}",
		"{\"alg\":\"hs256\"}",
		"{\"alg\":\"RS256\"}",
		"{\"alg\":\"ES256\"}",
		"{\"alg\":\"\"}",
		"{\"alg\":null}",
		"{\"alg\":[\"HS256\"]}",
		"{\"typ\":\"JWT\"}",
		"{}",
		"[]",
		"{\"alg\":\"HS256\",\"crit\":[\"exp\"]}",
		"{\"alg\":\"HS256\",\"crit\":[\"b64\"],\"b64\":false}",
		"{\"alg\":\"HS256\"",
		"x",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (verify(make_hs256(rows[i], GOOD, SECRET), NOW_MS) == OK)
			fail_msg("accepted: %s", rows[i]);
	}
}

static void
test_a_key_id_in_the_header_changes_nothing(void **state)
{
	(void)state;
	assert_int_equal(
	    verify(make_hs256(
		       "{\"alg\":\"HS256\",\"kid\":\"../../x\"}", GOOD, SECRET),
		NOW_MS),
	    OK);
}

static void
test_another_secret_is_refused(void **state)
{
	(void)state;
	assert_int_equal(
	    verify(make_hs256(HEADER, GOOD, SECRET "x"), NOW_MS), ERR_AUTH);
	assert_non_null(strstr(err_text(), "signature"));
	assert_int_equal(
	    verify(make_hs256(HEADER, GOOD, ""), NOW_MS), ERR_AUTH);
}

static void
test_texts_that_are_no_token_are_refused(void **state)
{
	static const char *const rows[] = { "", ".", "..", "...", "a.b.c",
		"eyJhbGciOiJub25lIn0.e30.", "Bearer x", "\xff\xfe" };

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_int_equal(verify(rows[i], NOW_MS), ERR_AUTH);
}

static void
test_a_token_with_anything_changed_or_cut_is_refused(void **state)
{
	const char *good = make_hs256(HEADER, GOOD, SECRET);
	size_t len = strlen(good);
	char text[1024], kept;

	(void)state;
	assert_true(len + 2 < sizeof(text));
	memcpy(text, good, len + 1);
	/* The last character's low bits are not part of the signature. */
	for (size_t i = 0; i < len - 1; i++) {
		kept = text[i];
		text[i] = kept == 'A' ? 'B' : 'A';
		assert_int_equal(verify(text, NOW_MS), ERR_AUTH);
		text[i] = kept;
	}
	for (size_t i = 0; i < len; i++) {
		kept = text[i];
		text[i] = '\0';
		assert_int_equal(verify(text, NOW_MS), ERR_AUTH);
		text[i] = kept;
	}
	text[len] = 'A';
	text[len + 1] = '\0';
	assert_int_equal(verify(text, NOW_MS), ERR_AUTH);
	text[len] = '=';
	assert_int_equal(verify(text, NOW_MS), ERR_AUTH);
	text[len] = '\n';
	assert_int_equal(verify(text, NOW_MS), ERR_AUTH);
	text[len] = '\0';
	assert_int_equal(verify(text, NOW_MS), OK);
}

static void
test_a_token_over_8_kib_is_refused(void **state)
{
	static char claims[9000];

	(void)state;
	(void)snprintf(claims, sizeof(claims), "{%s%s%s%s,\"x\":\"%05000d\"}",
	    SUB, AUD, ROLE, EXP, 0);
	assert_int_equal(
	    verify(make_hs256(HEADER, claims, SECRET), NOW_MS), OK);
	(void)snprintf(claims, sizeof(claims), "{%s%s%s%s,\"x\":\"%08000d\"}",
	    SUB, AUD, ROLE, EXP, 0);
	assert_int_equal(
	    verify(make_hs256(HEADER, claims, SECRET), NOW_MS), ERR_AUTH);
	assert_non_null(strstr(err_text(), "long"));
}

static void
test_time_limits_hold_with_the_leeway(void **state)
{
	static const char later[] = "{" SUB AUD ROLE EXP ",\"nbf\":1795428050}";
	const char *token = make_hs256(HEADER, GOOD, SECRET);

	(void)state;
	assert_int_equal(verify(token, NOW_MS + 100000 + 9999), OK);
	assert_int_equal(verify(token, NOW_MS + 100000 + 10000), ERR_AUTH);
	assert_non_null(strstr(err_text(), "expired"));
	token = make_hs256(HEADER, later, SECRET);
	assert_int_equal(verify(token, NOW_MS + 50000 - 10000), OK);
	assert_int_equal(verify(token, NOW_MS + 50000 - 10001), ERR_AUTH);
	assert_non_null(strstr(err_text(), "not valid yet"));
}

static void
test_what_is_signed_here_is_accepted_here(void **state)
{
	struct token_claims claims;
	char *text = NULL;

	(void)state;
	assert_int_equal(
	    token_sign(&options, NULL, USER, NOW_MS, 60, &text), OK);
	assert_int_equal(token_verify(verifier, text, NOW_MS, &claims), OK);
	assert_string_equal(claims.user_id, USER);
	assert_true(claims.expires_ms == NOW_MS + 60000);
	assert_int_equal(verify(text, NOW_MS + 71000), ERR_AUTH);
	free(text);
	assert_int_equal(
	    token_sign(&options, NULL, "me", NOW_MS, 60, &text), ERR_INPUT);
}

static void
test_a_short_secret_is_a_wrong_configuration(void **state)
{
	static const char *const shorts[] = { SECRET,
		"0123456789012345678901234567890", NULL };
	struct token_options wrong = options;
	struct token_verifier *v = NULL;
	char *text = NULL;

	(void)state;
	wrong.secrets = shorts;
	assert_int_equal(token_new(&wrong, &v), ERR_CONFIG);
	assert_null(strstr(err_text(), "0123"));
	assert_null(v);
	wrong.secrets = shorts + 1;
	assert_int_equal(
	    token_sign(&wrong, NULL, USER, NOW_MS, 60, &text), ERR_CONFIG);
	wrong.secrets = NULL;
	assert_int_equal(
	    token_sign(&wrong, NULL, USER, NOW_MS, 60, &text), ERR_CONFIG);
}

static void *
verify_often(void *text)
{
	struct token_claims claims;
	uintptr_t failures = 0;

	for (int i = 0; i < 500; i++)
		failures += token_verify(verifier, text, NOW_MS, &claims) != OK;
	return (void *)failures; /* a count, not an address */
}

static void
test_threads_share_one_verifier(void **state)
{
	enum { THREADS = 8 };
	pthread_t threads[THREADS];
	char *text = strdup(make_hs256(HEADER, GOOD, SECRET));
	void *failures;

	(void)state;
	assert_non_null(text);
	for (int i = 0; i < THREADS; i++)
		assert_int_equal(
		    pthread_create(&threads[i], NULL, verify_often, text), 0);
	for (int i = 0; i < THREADS; i++) {
		assert_int_equal(pthread_join(threads[i], &failures), 0);
		assert_null(failures);
	}
	free(text);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_users_token_is_accepted),
		cmocka_unit_test(test_missing_and_odd_claims_are_refused),
		cmocka_unit_test(
		    test_another_algorithm_is_refused_whatever_the_signature),
		cmocka_unit_test(test_a_key_id_in_the_header_changes_nothing),
		cmocka_unit_test(test_another_secret_is_refused),
		cmocka_unit_test(test_texts_that_are_no_token_are_refused),
		cmocka_unit_test(
		    test_a_token_with_anything_changed_or_cut_is_refused),
		cmocka_unit_test(test_a_token_over_8_kib_is_refused),
		cmocka_unit_test(test_time_limits_hold_with_the_leeway),
		cmocka_unit_test(test_what_is_signed_here_is_accepted_here),
		cmocka_unit_test(test_a_short_secret_is_a_wrong_configuration),
		cmocka_unit_test(test_threads_share_one_verifier),
	};

	return cmocka_run_group_tests(tests, make_verifier, free_verifier);
}
