#include "token_key.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/crypto.h"
#include "core/json.h"

#define MIN_SECRET_BYTES 32 /* RFC 7518, 3.2 */
#define MIN_RSA_BITS 2048   /* RFC 7518, 3.3 */
#define MAX_RSA_BITS 8192   /* what verifying one token may cost */
#define KID_MAX 200

enum err
token_cjose_failure(const cjose_err *why, enum err otherwise, const char *what)
{
	if (why->code == CJOSE_ERR_NO_MEMORY)
		return err_set(ERR_NOMEM, "token: no memory");
	return err_set(otherwise, "token: %s", what);
}

void
token_key_done(struct token_key *key)
{
	cjose_err why = { 0 };

	/* cjose frees the bytes of a secret without wiping them; other keys are
	 * OpenSSL's, which wipes them */
	if (key->jwk != NULL && strcmp(key->alg, TOKEN_HS256) == 0)
		crypto_wipe(cjose_jwk_get_keydata(key->jwk, &why),
		    cjose_jwk_get_keysize(key->jwk, &why) / 8);
	(void)cjose_jwk_release(key->jwk);
	free(key->kid);
	memset(key, 0, sizeof(*key));
}

void
token_keys_done(struct token_keys *keys)
{
	for (size_t i = 0; i < keys->count; i++)
		token_key_done(&keys->list[i]);
	keys->count = 0;
}

static size_t
letters(size_t bytes)
{
	return (bytes * 8 + 5) / 6;
}

enum err
token_keys_add_secret(struct token_keys *keys, const char *secret)
{
	struct token_key key = { .alg = TOKEN_HS256,
		.signature_text = letters(32) };
	cjose_err why = { 0 };

	if (strlen(secret) < MIN_SECRET_BYTES)
		return err_set(ERR_CONFIG,
		    "jwt_secret_files: a secret is shorter than %d bytes",
		    MIN_SECRET_BYTES);
	if (keys->count == TOKEN_KEYS_MAX)
		return err_set(ERR_CONFIG,
		    "jwt_secret_files: more than %d secrets", TOKEN_KEYS_MAX);
	key.jwk = cjose_jwk_create_oct_spec(
	    (const uint8_t *)secret, strlen(secret), &why);
	if (key.jwk == NULL)
		return token_cjose_failure(&why, ERR_CONFIG, "unusable secret");
	keys->list[keys->count++] = key;
	return OK;
}

/* --- JSON Web Keys -------------------------------------------------------- */

/* The members of a key of this kind, the public half first. cjose is shown no
 * others. */
static const struct kind {
	const char *kty, *crv, *alg;
	const char *members[5], *secrets[7];
} kinds[] = {
	{ "EC", "P-256", TOKEN_ES256, { "kty", "crv", "x", "y" }, { "d" } },
	{ "RSA", NULL, TOKEN_RS256, { "kty", "n", "e" },
	    { "d", "p", "q", "dp", "dq", "qi" } },
};

static bool
is_absent_or(const cJSON *jwk, const char *name, const char *want)
{
	const cJSON *value = cJSON_GetObjectItemCaseSensitive(jwk, name);

	return value == NULL ||
	       (cJSON_IsString(value) && strcmp(value->valuestring, want) == 0);
}

static bool
is_for(const cJSON *jwk, const char *operation)
{
	const cJSON *ops = cJSON_GetObjectItemCaseSensitive(jwk, "key_ops"),
		    *each;

	if (!is_absent_or(jwk, "use", "sig"))
		return false;
	if (ops == NULL)
		return true;
	cJSON_ArrayForEach(each, ops)
	{
		if (cJSON_IsString(each) &&
		    strcmp(each->valuestring, operation) == 0)
			return true;
	}
	return false;
}

static const struct kind *
kind_of(const cJSON *jwk)
{
	const char *kty = json_str(jwk, "kty");

	for (size_t i = 0; kty && i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (strcmp(kinds[i].kty, kty) == 0 &&
		    (!kinds[i].crv || is_absent_or(jwk, "crv", kinds[i].crv)) &&
		    is_absent_or(jwk, "alg", kinds[i].alg))
			return &kinds[i];
	return NULL;
}

static bool
copy_members(const cJSON *jwk, const char *const *names, cJSON *out)
{
	for (; *names; names++) {
		const char *text = json_str(jwk, *names);

		if (text == NULL ||
		    cJSON_AddStringToObject(out, *names, text) == NULL)
			return false;
	}
	return true;
}

/* The key's own members as text for cjose; NULL: one is missing, or memory is
 * out. */
static char *
write_members(const cJSON *jwk, const struct kind *kind, bool is_private)
{
	cJSON *clean = cJSON_CreateObject();
	char *text = NULL;

	if (clean != NULL && copy_members(jwk, kind->members, clean) &&
	    (!is_private || copy_members(jwk, kind->secrets, clean)))
		text = cJSON_PrintUnformatted(clean);
	cJSON_Delete(clean);
	return text;
}

static bool
has_fit_size(const struct kind *kind, cjose_jwk_t *jwk)
{
	cjose_err why = { 0 };
	size_t bits = cjose_jwk_get_keysize(jwk, &why);

	return kind->crv ||
	       (bits >= MIN_RSA_BITS && bits <= MAX_RSA_BITS && bits % 8 == 0);
}

/* False: it is not a key that could be used. */
static bool
read_key(const cJSON *jwk, bool is_private, struct token_key *out)
{
	const struct kind *kind = kind_of(jwk);
	const cJSON *kid = cJSON_GetObjectItemCaseSensitive(jwk, "kid");
	struct token_key key = { 0 };
	cjose_err why = { 0 };
	char *text;

	if (!kind || !is_for(jwk, is_private ? "sign" : "verify") ||
	    (kid &&
		(!cJSON_IsString(kid) || strlen(kid->valuestring) > KID_MAX)))
		return false;
	text = write_members(jwk, kind, is_private);
	if (text == NULL)
		return false;
	key.alg = kind->alg;
	key.jwk = cjose_jwk_import(text, strlen(text), &why);
	crypto_free_secret(text);
	if (key.jwk && kid)
		key.kid = strdup(kid->valuestring);
	if (!key.jwk || (kid && !key.kid) || !has_fit_size(kind, key.jwk)) {
		token_key_done(&key);
		return false;
	}
	key.signature_text =
	    letters(kind->crv ? 64 : cjose_jwk_get_keysize(key.jwk, &why) / 8);
	*out = key;
	return true;
}

enum err
token_keys_read(const char *jwks, size_t len, struct token_keys *out)
{
	const cJSON *list, *each;
	cJSON *json = NULL;
	enum err err = json_parse(jwks, len, &json);

	memset(out, 0, sizeof(*out));
	if (err)
		return err_set(err, "key set: %s", err_text());
	list = cJSON_GetObjectItemCaseSensitive(json, "keys");
	cJSON_ArrayForEach(each, list)
	{
		if (out->count < TOKEN_KEYS_MAX &&
		    read_key(each, false, &out->list[out->count]))
			out->count++;
	}
	if (!cJSON_IsArray(list))
		err = err_set(ERR_INPUT, "key set: it has no array keys");
	if (err)
		token_keys_done(out);
	cJSON_Delete(json);
	return err;
}

enum err
token_key_read_private(const char *jwk, size_t len, struct token_key *out)
{
	cJSON *json = NULL;
	enum err err = json_parse(jwk, len, &json);

	if (err)
		return err_set(err, "key: %s", err_text());
	if (!read_key(json, true, out))
		err = err_set(ERR_INPUT,
		    "key: no private JSON Web Key for ES256 or RS256");
	cJSON_Delete(json);
	return err;
}

enum err
token_key_make(char **private_jwk, char **jwks)
{
	char kid[CRYPTO_UUID];
	cjose_err why = { 0 };
	cjose_jwk_t *jwk = cjose_jwk_create_EC_random(CJOSE_JWK_EC_P_256, &why);
	char *whole = NULL, *half = NULL;
	enum err err = OK;

	crypto_uuid(kid);
	if (jwk != NULL && cjose_jwk_set_kid(jwk, kid, strlen(kid), &why)) {
		whole = cjose_jwk_to_json(jwk, true, &why);
		half = cjose_jwk_to_json(jwk, false, &why);
	}
	if (whole == NULL || half == NULL ||
	    asprintf(jwks, "{\"keys\":[%s]}", half) < 0)
		err = token_cjose_failure(&why, ERR_BUG, "no key can be made");
	else
		*private_jwk = whole;
	if (err)
		crypto_free_secret(whole);
	free(half);
	(void)cjose_jwk_release(jwk);
	return err;
}
