/* token, with keys that an auth server publishes. Tokens are signed here with
 * OpenSSL, independently of the module and of libcjose. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <cmocka.h>

#include "core/token.h"
#include "token_test.h"

#define SECRET "super-secret-jwt-token-with-at-least-32-characters-long"
#define OTHER_SECRET "another-secret-jwt-token-with-at-least-32-characters"
#define USER "6ba7b810-9dad-11d1-80b4-00c04fd430c8"
#define ISSUER "https://ref.supabase.co/auth/v1"
#define NOW_MS INT64_C(1795428000000)
#define JWK_MAX 2048 /* in which each key of the test fits */
#define REST                                                                   \
	"\"sub\":\"" USER "\",\"aud\":\"authenticated\","                      \
	"\"role\":\"authenticated\",\"exp\":1795428100"
#define GOOD "{\"iss\":\"" ISSUER "\"," REST "}"
#define ES "{\"alg\":\"ES256\",\"typ\":\"JWT\",\"kid\":\"e\"}"
#define RS "{\"alg\":\"RS256\",\"typ\":\"JWT\",\"kid\":\"r\"}"

static const char *const secrets[] = { SECRET, OTHER_SECRET, NULL };
static const struct token_options options = {
	.secrets = secrets,
	.audience = "authenticated",
	.issuer = ISSUER,
	.allows_anonymous = true,
	.leeway_s = 60,
};

static EVP_PKEY *ec, *other_ec, *rsa, *short_rsa, *p384;
static struct token_verifier *verifier;

/* A number of a key, in base64url. */
static const char *
number(EVP_PKEY *key, const char *name, int size, char *out)
{
	unsigned char bytes[1024];
	BIGNUM *n = NULL;

	assert_true(EVP_PKEY_get_bn_param(key, name, &n));
	if (size == 0)
		size = BN_num_bytes(n);
	assert_int_equal(BN_bn2binpad(n, bytes, size), size);
	BN_free(n);
	(void)base64url(bytes, (size_t)size, out);
	return out;
}

/* members: of the key, before those that make it; NULL crv: RSA. */
static const char *
jwk_of(EVP_PKEY *key, const char *crv, const char *members, char *out)
{
	char a[2048], b[2048];

	if (crv)
		(void)snprintf(out, JWK_MAX,
		    "{%s\"kty\":\"EC\",\"crv\":\"%s\",\"x\":\"%s\",\"y\":\"%"
		    "s\"}",
		    members, crv, number(key, OSSL_PKEY_PARAM_EC_PUB_X, 0, a),
		    number(key, OSSL_PKEY_PARAM_EC_PUB_Y, 0, b));
	else
		(void)snprintf(out, JWK_MAX,
		    "{%s\"kty\":\"RSA\",\"n\":\"%s\",\"e\":\"%s\"}", members,
		    number(key, OSSL_PKEY_PARAM_RSA_N, 0, a),
		    number(key, OSSL_PKEY_PARAM_RSA_E, 0, b));
	return out;
}

/* As JSON Web Signature has it: r and s one after the other, not DER. */
static size_t
raw_of(const unsigned char *der, size_t len, unsigned char raw[64])
{
	ECDSA_SIG *sig = d2i_ECDSA_SIG(NULL, &der, (long)len);

	assert_non_null(sig);
	BN_bn2binpad(ECDSA_SIG_get0_r(sig), raw, 32);
	BN_bn2binpad(ECDSA_SIG_get0_s(sig), raw + 32, 32);
	ECDSA_SIG_free(sig);
	return 64;
}

enum form { RAW, DER };

/* header.claims.signature. The next call overwrites it. */
static const char *
make(EVP_PKEY *key, enum form form, const char *header, const char *claims)
{
	static char text[8192];
	unsigned char sig[1024], raw[64];
	size_t len, sig_len = sizeof(sig);
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();

	len = base64url(header, strlen(header), text);
	text[len++] = '.';
	len += base64url(claims, strlen(claims), text + len);
	assert_true(
	    EVP_DigestSignInit(ctx, NULL, EVP_sha256(), NULL, key) == 1 &&
	    EVP_DigestSign(ctx, sig, &sig_len, (unsigned char *)text, len) ==
		1);
	EVP_MD_CTX_free(ctx);
	text[len++] = '.';
	if (EVP_PKEY_get_id(key) == EVP_PKEY_EC && form == RAW &&
	    EVP_PKEY_get_bits(key) == 256)
		(void)base64url(raw, raw_of(sig, sig_len, raw), text + len);
	else
		(void)base64url(sig, sig_len, text + len);
	return text;
}

static enum err
verify(const char *text)
{
	struct token_claims claims;

	return token_verify(verifier, text, NOW_MS, &claims);
}

static enum err
set_keys(const char *jwks)
{
	size_t count;

	return token_set_keys(verifier, jwks, strlen(jwks), &count);
}

/* Both keys, with what a real set has around them. */
static const char *
good_set(void)
{
	static char set[8192];
	char e[2048], r[4096];

	(void)snprintf(set, sizeof(set), "{\"keys\":[%s,%s]}",
	    jwk_of(ec, "P-256",
		"\"alg\":\"ES256\",\"ext\":true,\"key_ops\":[\"verify\"],"
		"\"kid\":\"e\",\"use\":\"sig\",",
		e),
	    jwk_of(rsa, NULL, "\"alg\":\"RS256\",\"kid\":\"r\",", r));
	return set;
}

static int
make_keys(void **state)
{
	(void)state;
	ec = EVP_EC_gen("P-256");
	other_ec = EVP_EC_gen("P-256");
	p384 = EVP_EC_gen("P-384");
	rsa = EVP_RSA_gen(2048);
	short_rsa = EVP_RSA_gen(1024);
	return !ec || !other_ec || !p384 || !rsa || !short_rsa;
}

static int
free_keys(void **state)
{
	(void)state;
	EVP_PKEY_free(ec);
	EVP_PKEY_free(other_ec);
	EVP_PKEY_free(p384);
	EVP_PKEY_free(rsa);
	EVP_PKEY_free(short_rsa);
	return 0;
}

static int
fresh(void **state)
{
	(void)state;
	return token_new(&options, &verifier) != OK ||
	       set_keys(good_set()) != OK;
}

static int
done(void **state)
{
	(void)state;
	token_free(verifier);
	verifier = NULL;
	return 0;
}

static void
test_each_kind_of_key_vouches_for_a_user_at_once(void **state)
{
	static const char plain[] = "{\"alg\":\"HS256\"}";

	(void)state;
	assert_int_equal(verify(make(ec, RAW, ES, GOOD)), OK);
	assert_int_equal(verify(make(rsa, RAW, RS, GOOD)), OK);
	assert_int_equal(verify(make_hs256(plain, GOOD, SECRET)), OK);
	assert_int_equal(verify(make_hs256(plain, GOOD, OTHER_SECRET)), OK);
}

static void
test_without_a_name_each_key_of_the_algorithm_is_tried(void **state)
{
	(void)state;
	assert_int_equal(
	    verify(make(ec, RAW, "{\"alg\":\"ES256\"}", GOOD)), OK);
	assert_int_equal(
	    verify(make(other_ec, RAW, "{\"alg\":\"ES256\"}", GOOD)), ERR_AUTH);
}

static void
test_a_key_that_is_not_known_is_told_apart(void **state)
{
	(void)state;
	assert_int_equal(verify(make(other_ec, RAW,
			     "{\"alg\":\"ES256\",\"kid\":\"new\"}", GOOD)),
	    ERR_NOTFOUND);
	assert_int_equal(verify(make(other_ec, RAW, ES, GOOD)), ERR_AUTH);
	token_drop_keys(verifier);
	assert_int_equal(
	    verify(make(ec, RAW, "{\"alg\":\"ES256\"}", GOOD)), ERR_NOTFOUND);
}

static void
test_the_key_fixes_the_algorithm(void **state)
{
	char jwk[2048];

	(void)state;
	assert_int_equal(
	    verify(make(ec, RAW, "{\"alg\":\"RS256\",\"kid\":\"e\"}", GOOD)),
	    ERR_AUTH);
	assert_int_equal(
	    verify(make(rsa, RAW, "{\"alg\":\"ES256\",\"kid\":\"r\"}", GOOD)),
	    ERR_AUTH);
	assert_int_equal(
	    verify(make(rsa, RAW, "{\"alg\":\"RS512\",\"kid\":\"r\"}", GOOD)),
	    ERR_AUTH);
	assert_int_equal(
	    verify(make(ec, RAW, "{\"alg\":\"none\",\"kid\":\"e\"}", GOOD)),
	    ERR_AUTH);
	/* what is public is no secret */
	assert_int_equal(verify(make_hs256("{\"alg\":\"HS256\",\"kid\":\"e\"}",
			     GOOD, jwk_of(ec, "P-256", "", jwk))),
	    ERR_AUTH);
	assert_int_equal(
	    verify(make_hs256(ES, GOOD, jwk_of(ec, "P-256", "", jwk))),
	    ERR_AUTH);
	assert_int_equal(
	    verify(make_hs256("{\"alg\":\"HS256\"}", GOOD, good_set())),
	    ERR_AUTH);
}

static void
test_a_signature_of_another_form_is_refused(void **state)
{
	char text[8192];
	size_t len;

	(void)state;
	assert_int_equal(verify(make(ec, DER, ES, GOOD)), ERR_AUTH);
	(void)snprintf(text, sizeof(text), "%s", make(ec, RAW, ES, GOOD));
	len = strlen(text);
	text[len - 2] = text[len - 2] == 'A' ? 'B' : 'A';
	assert_int_equal(verify(text), ERR_AUTH);
	/* r and s of nothing */
	memset(text + len - 86, 'A', 86);
	assert_int_equal(verify(text), ERR_AUTH);
	text[len - 1] = '\0';
	assert_int_equal(verify(text), ERR_AUTH);
}

static void
test_odd_headers_are_refused(void **state)
{
	static const char *const rows[] = {
		"{\"alg\":\"ES256\",\"kid\":\"e\",\"crit\":[\"exp\"]}",
		"{\"alg\":\"ES256\",\"kid\":\"e\",\"crit\":[]}",
		"{\"alg\":\"ES256\",\"kid\":\"e\",\"crit\":null}",
		"{\"alg\":\"ES256\",\"alg\":\"ES256\",\"kid\":\"e\"}",
		"{\"alg\":\"ES256\",\"kid\":\"e\",\"kid\":\"e\"}",
		"{\"alg\":\"ES256\",\"kid\":1}",
		"{\"alg\":[\"ES256\"],\"kid\":\"e\"}",
		"{\"kid\":\"e\"}",
		"[]",
		"",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (verify(make(ec, RAW, rows[i], GOOD)) != ERR_AUTH)
			fail_msg("accepted: %s", rows[i]);
}

static void
test_whose_token_it_is_decides(void **state)
{
	static const char *const rows[] = {
		"{" REST "}",
		"{\"iss\":\"https://other.supabase.co/auth/v1\"," REST "}",
		"{\"iss\":[\"" ISSUER "\"]," REST "}",
		"{\"iss\":\"" ISSUER "\",\"iss\":\"" ISSUER "\"," REST "}",
		"{\"iss\":\"" ISSUER "\",\"client_id\":\"app\"," REST "}",
		"{\"iss\":\"" ISSUER "\",\"client_id\":null," REST "}",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (verify(make(ec, RAW, ES, rows[i])) != ERR_AUTH)
			fail_msg("accepted: %s", rows[i]);
}

static void
test_settings_let_clients_and_anonymous_users_in_or_not(void **state)
{
	static const char client[] =
	    "{\"iss\":\"" ISSUER "\",\"client_id\":\"app\"," REST "}";
	static const char anonymous[] =
	    "{\"iss\":\"" ISSUER "\",\"is_anonymous\":true," REST "}";
	struct token_options open = options;

	(void)state;
	assert_int_equal(verify(make(ec, RAW, ES, anonymous)), OK);
	token_free(verifier);
	open.allows_clients = true;
	open.allows_anonymous = false;
	open.issuer = NULL;
	assert_int_equal(token_new(&open, &verifier), OK);
	assert_int_equal(set_keys(good_set()), OK);
	assert_int_equal(verify(make(ec, RAW, ES, client)), OK);
	assert_int_equal(verify(make(ec, RAW, ES, anonymous)), ERR_AUTH);
	assert_int_equal(verify(make(ec, RAW, ES, "{" REST "}")), OK);
}

static void
test_what_a_key_vouched_for_goes_with_it(void **state)
{
	char token[8192], set[4096], jwk[2048];

	(void)state;
	(void)snprintf(token, sizeof(token), "%s", make(ec, RAW, ES, GOOD));
	assert_int_equal(verify(token), OK);
	(void)snprintf(set, sizeof(set), "{\"keys\":[%s]}",
	    jwk_of(other_ec, "P-256", "\"kid\":\"n\",", jwk));
	assert_int_equal(set_keys(set), OK);
	assert_int_equal(verify(token), ERR_NOTFOUND);
	assert_int_equal(verify(make(other_ec, RAW,
			     "{\"alg\":\"ES256\",\"kid\":\"n\"}", GOOD)),
	    OK);
}

static void
test_keys_of_no_use_are_passed_over(void **state)
{
	char set[16384], e[2048], text[4096];
	const char *const rows[] = {
		"{\"kty\":\"oct\",\"kid\":\"x\",\"alg\":\"HS256\",\"k\":"
		"\"c3VwZXItc2VjcmV0LWp3dC10b2tlbi13aXRoLWF0LWxlYXN0\"}",
		"{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"AAAA\"}",
		"{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"AAAA\",\"y\":"
		"\"AAAA\"}",
		"{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":1,\"y\":2}",
		"{\"kty\":\"EC\"}",
		"{}",
		"1",
		"null",
	};
	struct {
		EVP_PKEY *key;
		const char *crv, *members;
	} made[] = {
		{ p384, "P-384", "" },
		{ short_rsa, NULL, "" },
		{ ec, "P-256", "\"alg\":\"ES384\"," },
		{ rsa, NULL, "\"alg\":\"PS256\"," },
		{ ec, "P-256", "\"use\":\"enc\"," },
		{ ec, "P-256", "\"key_ops\":[\"sign\"]," },
		{ ec, "P-256", "\"kid\":7," },
	};
	size_t count;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		(void)snprintf(set, sizeof(set), "{\"keys\":[%s]}", rows[i]);
		if (token_set_keys(verifier, set, strlen(set), &count) ||
		    count != 0)
			fail_msg("taken: %s", rows[i]);
		(void)snprintf(set, sizeof(set), "{\"keys\":[%s,%s]}", rows[i],
		    jwk_of(ec, "P-256", "", e));
		assert_int_equal(
		    token_set_keys(verifier, set, strlen(set), &count), OK);
		assert_int_equal(count, 1);
	}
	for (size_t i = 0; i < sizeof(made) / sizeof(made[0]); i++) {
		(void)snprintf(set, sizeof(set), "{\"keys\":[%s]}",
		    jwk_of(made[i].key, made[i].crv, made[i].members, text));
		if (token_set_keys(verifier, set, strlen(set), &count) ||
		    count != 0)
			fail_msg("taken: %s", set);
	}
}

/* All were withdrawn. */
static void
test_an_empty_set_lets_nobody_in(void **state)
{
	(void)state;
	assert_int_equal(verify(make(ec, RAW, ES, GOOD)), OK);
	assert_int_equal(set_keys("{\"keys\":[]}"), OK);
	assert_int_equal(verify(make(ec, RAW, ES, GOOD)), ERR_NOTFOUND);
	assert_int_equal(
	    verify(make_hs256("{\"alg\":\"HS256\"}", GOOD, SECRET)), OK);
}

static void
test_what_is_no_key_set_changes_nothing(void **state)
{
	static const char *const rows[] = { "", "[]", "{}", "{\"keys\":{}}",
		"<html>", "{\"keys\":[]" };
	char set[4096], e[JWK_MAX];

	(void)state;
	(void)snprintf(set, sizeof(set), "{\"keys\":{\"a\":%s}}",
	    jwk_of(ec, "P-256", "", e));
	assert_int_equal(set_keys(set), ERR_INPUT);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_int_equal(set_keys(rows[i]), ERR_INPUT);
	assert_int_equal(verify(make(ec, RAW, ES, GOOD)), OK);
}

static void
test_what_is_signed_here_is_accepted_here(void **state)
{
	char *jwk = NULL, *jwks = NULL, *text = NULL;

	(void)state;
	assert_int_equal(token_new_key(&jwk, &jwks), OK);
	assert_null(strstr(jwks, "\"d\""));
	assert_int_equal(
	    token_sign(&options, jwk, USER, NOW_MS, 60, &text), OK);
	assert_int_equal(verify(text), ERR_NOTFOUND);
	assert_int_equal(set_keys(jwks), OK);
	assert_int_equal(verify(text), OK);
	crypto_free_secret(text);
	assert_int_equal(
	    token_sign(&options, jwks, USER, NOW_MS, 60, &text), ERR_INPUT);
	crypto_free_secret(jwk);
	crypto_free_secret(jwks);
}

/* RFC 7515, A.2 and A.3: what they claim is no user's, but they are signed. */
static void
test_the_published_vectors_are_signed(void **state)
{
	static const char set[] =
	    "{\"keys\":[{\"kty\":\"EC\",\"crv\":\"P-256\","
	    "\"x\":\"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU\","
	    "\"y\":\"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0\"},"
	    "{\"kty\":\"RSA\",\"e\":\"AQAB\",\"n\":\""
	    "ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-V"
	    "aw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b"
	    "32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-K"
	    "XBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5"
	    "IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb5"
	    "4h4FRWyuXpoQ\"}]}";
	static const char claims[] =
	    ".eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtc"
	    "GxlLmNvbS9pc19yb290Ijp0cnVlfQ.";
	static const char es256[] =
	    "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApm"
	    "WQxfKTUJqPP3-Kg6NU1Q";
	static const char rs256[] =
	    "cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AA"
	    "uHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAyn"
	    "RFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZR"
	    "mB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnv"
	    "Wh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_Ioy"
	    "pGlUPQGe77Rw";
	struct token_claims found;
	char text[2048];

	(void)state;
	assert_int_equal(set_keys(set), OK);
	for (int i = 0; i < 2; i++) {
		(void)snprintf(text, sizeof(text), "%s%s%s",
		    i ? "eyJhbGciOiJSUzI1NiJ9" : "eyJhbGciOiJFUzI1NiJ9", claims,
		    i ? rs256 : es256);
		assert_int_equal(token_verify(verifier, text,
				     INT64_C(1300819000000), &found),
		    ERR_AUTH);
		assert_non_null(strstr(err_text(), "another issuer"));
	}
}

int
main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, fresh, done)
	const struct CMUnitTest tests[] = {
		CASE(test_each_kind_of_key_vouches_for_a_user_at_once),
		CASE(test_without_a_name_each_key_of_the_algorithm_is_tried),
		CASE(test_a_key_that_is_not_known_is_told_apart),
		CASE(test_the_key_fixes_the_algorithm),
		CASE(test_a_signature_of_another_form_is_refused),
		CASE(test_odd_headers_are_refused),
		CASE(test_whose_token_it_is_decides),
		CASE(test_settings_let_clients_and_anonymous_users_in_or_not),
		CASE(test_what_a_key_vouched_for_goes_with_it),
		CASE(test_keys_of_no_use_are_passed_over),
		CASE(test_an_empty_set_lets_nobody_in),
		CASE(test_what_is_no_key_set_changes_nothing),
		CASE(test_what_is_signed_here_is_accepted_here),
		CASE(test_the_published_vectors_are_signed),
	};

	return cmocka_run_group_tests(tests, make_keys, free_keys);
}
