/* Supabase access tokens. libcjose checks the signature; what RFC 8725 asks
 * beyond that is done here: one algorithm, bound to the key, no extension that
 * we do not know, and every claim of the right type.
 *
 * One cjose_jwk_t serves all threads: verifying reads its bytes and touches no
 * reference count (cjose 0.6.2, jws.c). All else lives for one call. */
#include "core/token.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <cjose/cjose.h>

#include "core/json.h"
#include "token_cache.h"

#define MAX_TOKEN_BYTES 8192
#define MIN_SECRET_BYTES 32        /* RFC 7518, 3.2 */
#define HS256_TEXT 43              /* 32 bytes in base64url */
#define MAX_SECONDS 253402300799.0 /* the end of 9999 */
#define USER_ROLE "authenticated"

struct token_verifier {
	cjose_jwk_t *key;
	char *audience;
	int64_t leeway_ms;
	struct token_cache *verified;
};

static enum err
cjose_failure(const cjose_err *why, enum err otherwise, const char *what)
{
	if (why->code == CJOSE_ERR_NO_MEMORY)
		return err_set(ERR_NOMEM, "token: no memory");
	return err_set(otherwise, "token: %s", what);
}

static enum err
key_new(const char *secret, cjose_jwk_t **out)
{
	cjose_err why = { 0 };

	if (secret == NULL || strlen(secret) < MIN_SECRET_BYTES)
		return err_set(ERR_CONFIG,
		    "jwt_secret_file: the secret is shorter than %d bytes",
		    MIN_SECRET_BYTES);
	*out = cjose_jwk_create_oct_spec(
	    (const uint8_t *)secret, strlen(secret), &why);
	if (*out == NULL)
		return cjose_failure(&why, ERR_CONFIG, "unusable secret");
	return OK;
}

static void
key_free(cjose_jwk_t *key)
{
	cjose_err why = { 0 };

	if (key == NULL)
		return;
	/* cjose frees the bytes as they are. */
	crypto_wipe(cjose_jwk_get_keydata(key, &why),
	    cjose_jwk_get_keysize(key, &why) / 8);
	(void)cjose_jwk_release(key);
}

enum err
token_new(const struct token_options *options, struct token_verifier **out)
{
	struct token_verifier *v;
	enum err err;

	assert(options->audience != NULL && options->leeway_s >= 0);
	v = calloc(1, sizeof(*v));
	if (v == NULL)
		return err_set(ERR_NOMEM, "token: no memory");
	v->leeway_ms = options->leeway_s * INT64_C(1000);
	v->audience = strdup(options->audience);
	if (v->audience == NULL) {
		err = err_set(ERR_NOMEM, "token: no memory");
		goto out;
	}
	err = key_new(options->hs256_secret, &v->key);
	if (!err)
		err = token_cache_new(&v->verified);
	if (err)
		goto out;
	*out = v;
	v = NULL; /* the caller's now */
out:
	token_free(v);
	return err;
}

void
token_free(struct token_verifier *v)
{
	if (v == NULL)
		return;
	key_free(v->key);
	token_cache_free(v->verified);
	free(v->audience);
	free(v);
}

/* Three parts of base64url, the last as long as an HS256 signature is. This
 * goes before cjose: its HMAC comparison reads 32 bytes of the signature
 * before it looks at the signature's length. */
static bool
has_jws_shape(const char *text, size_t len)
{
	size_t dots = 0, part = 0;

	for (size_t i = 0; i < len; i++) {
		char c = text[i];
		if (c == '.') {
			if (part == 0)
				return false;
			dots++;
			part = 0;
			continue;
		}
		if (!(c >= 'A' && c <= 'Z') && !(c >= 'a' && c <= 'z') &&
		    !(c >= '0' && c <= '9') && c != '-' && c != '_')
			return false;
		part++;
	}
	return dots == 2 && part == HS256_TEXT;
}

/* The header names the key's algorithm and nothing that must be understood
 * (RFC 7515, 4.1.11). */
static enum err
check_header(cjose_jws_t *jws)
{
	cjose_header_t *header = cjose_jws_get_protected(jws);
	cjose_err why = { 0 };
	const char *alg;
	char *crit;

	alg = header != NULL ? cjose_header_get(header, CJOSE_HDR_ALG, &why)
			     : NULL;
	if (alg == NULL || strcmp(alg, CJOSE_HDR_ALG_HS256) != 0)
		return err_set(ERR_AUTH, "token: not signed with HS256");
	crit = cjose_header_get_raw(header, "crit", &why);
	if (crit != NULL) {
		cjose_get_dealloc()(crit);
		return err_set(ERR_AUTH, "token: unknown extension");
	}
	return OK;
}

/* Verify the signature and parse what was signed; the caller deletes it. */
static enum err
open_jws(const struct token_verifier *v, const char *text, size_t len,
    cJSON **claims)
{
	cjose_err why = { 0 };
	cjose_jws_t *jws;
	uint8_t *plain; /* the jws owns it */
	size_t plain_len;
	enum err err;

	jws = cjose_jws_import(text, len, &why);
	if (jws == NULL)
		return cjose_failure(&why, ERR_AUTH, "malformed");
	err = check_header(jws);
	if (err)
		goto out;
	if (!cjose_jws_verify(jws, v->key, &why)) {
		err = cjose_failure(&why, ERR_AUTH, "bad signature");
		goto out;
	}
	if (!cjose_jws_get_plaintext(jws, &plain, &plain_len, &why)) {
		err = cjose_failure(&why, ERR_AUTH, "no payload");
		goto out;
	}
	err = json_parse((const char *)plain, plain_len, claims);
	if (err == ERR_INPUT)
		err = err_set(ERR_AUTH, "token: claims are not JSON");
out:
	cjose_jws_release(jws);
	return err;
}

static bool
is_text(const cJSON *value, const char *want)
{
	return cJSON_IsString(value) && strcmp(value->valuestring, want) == 0;
}

static bool
has_audience(const cJSON *claims, const char *want)
{
	const cJSON *aud = json_path(claims, "aud", NULL), *each;

	if (!cJSON_IsArray(aud))
		return is_text(aud, want);
	cJSON_ArrayForEach(each, aud)
	{
		if (is_text(each, want))
			return true;
	}
	return false;
}

/* A NumericDate as milliseconds; what is later than any clock shows (such as
 * milliseconds for seconds) is a mistake and none. */
static bool
read_date(const cJSON *value, int64_t *ms)
{
	double seconds = cJSON_GetNumberValue(value);

	if (isnan(seconds) || seconds < 0 || seconds > MAX_SECONDS)
		return false;
	*ms = (int64_t)(seconds * 1000);
	return true;
}

/* exp must be there, nbf and iat may be. */
static enum err
check_times(const struct token_verifier *v, const cJSON *claims, int64_t now_ms,
    int64_t *expires_ms)
{
	const cJSON *not_before = json_path(claims, "nbf", NULL);
	const cJSON *issued = json_path(claims, "iat", NULL);
	int64_t ms;

	if (!read_date(json_path(claims, "exp", NULL), expires_ms))
		return err_set(ERR_AUTH, "token: exp is missing or odd");
	if (now_ms >= *expires_ms + v->leeway_ms)
		return err_set(ERR_AUTH, "token: expired");
	if (issued != NULL && !read_date(issued, &ms))
		return err_set(ERR_AUTH, "token: iat is odd");
	if (not_before == NULL)
		return OK;
	if (!read_date(not_before, &ms))
		return err_set(ERR_AUTH, "token: nbf is odd");
	if (now_ms < ms - v->leeway_ms)
		return err_set(ERR_AUTH, "token: not valid yet");
	return OK;
}

static enum err
read_claims(const struct token_verifier *v, const cJSON *claims, int64_t now_ms,
    struct token_claims *out)
{
	struct token_claims found;
	enum err err;

	if (!cJSON_IsObject(claims))
		return err_set(ERR_AUTH, "token: claims are no object");
	err = check_times(v, claims, now_ms, &found.expires_ms);
	if (err)
		return err;
	if (!has_audience(claims, v->audience))
		return err_set(ERR_AUTH, "token: another audience");
	/* Supabase's anon and service_role keys are tokens of this secret
	 * too; they are no user. */
	if (!is_text(json_path(claims, "role", NULL), USER_ROLE))
		return err_set(ERR_AUTH, "token: not a user's");
	if (!crypto_uuid_parse(json_str(claims, "sub"), found.user_id))
		return err_set(ERR_AUTH, "token: sub is no UUID");
	*out = found;
	return OK;
}

enum err
token_verify(const struct token_verifier *v, const char *text, int64_t now_ms,
    struct token_claims *out)
{
	size_t len = strnlen(text, MAX_TOKEN_BYTES + 1);
	char digest[CRYPTO_SHA256_HEX];
	cJSON *claims = NULL;
	enum err err;

	if (len > MAX_TOKEN_BYTES)
		return err_set(ERR_AUTH, "token: too long");
	crypto_sha256_hex(text, len, digest);
	if (token_cache_find(v->verified, digest, now_ms, out))
		return OK;
	if (!has_jws_shape(text, len))
		return err_set(ERR_AUTH, "token: not a JWT signed with HS256");
	err = open_jws(v, text, len, &claims);
	if (err)
		return err;
	err = read_claims(v, claims, now_ms, out);
	cJSON_Delete(claims);
	if (!err)
		token_cache_add(v->verified, digest, now_ms, out);
	return err;
}

/* The claims that Supabase puts in, as far as anyone here looks at them. The
 * caller frees; NULL when memory is out. */
static char *
write_claims(const struct token_options *options, const char *user_id,
    int64_t now_s, int64_t life_s)
{
	cJSON *claims = cJSON_CreateObject();
	char *text = NULL;

	if (cJSON_AddStringToObject(claims, "sub", user_id) != NULL &&
	    cJSON_AddStringToObject(claims, "aud", options->audience) != NULL &&
	    cJSON_AddStringToObject(claims, "role", USER_ROLE) != NULL &&
	    cJSON_AddNumberToObject(claims, "iat", (double)now_s) != NULL &&
	    cJSON_AddNumberToObject(claims, "exp", (double)(now_s + life_s)) !=
		NULL)
		text = cJSON_PrintUnformatted(claims);
	cJSON_Delete(claims);
	return text;
}

static enum err
sign(const cjose_jwk_t *key, const char *claims, char **out)
{
	cjose_err why = { 0 };
	cjose_header_t *header = cjose_header_new(&why);
	cjose_jws_t *jws = NULL;
	const char *compact = NULL; /* the jws owns it */
	enum err err = OK;

	if (header != NULL &&
	    cjose_header_set(
		header, CJOSE_HDR_ALG, CJOSE_HDR_ALG_HS256, &why) &&
	    cjose_header_set(header, "typ", "JWT", &why))
		jws = cjose_jws_sign(
		    key, header, (const uint8_t *)claims, strlen(claims), &why);
	if (jws == NULL || !cjose_jws_export(jws, &compact, &why) ||
	    compact == NULL) {
		err = cjose_failure(&why, ERR_BUG, "cannot be signed");
		goto out;
	}
	*out = strdup(compact);
	if (*out == NULL)
		err = err_set(ERR_NOMEM, "token: no memory");
out:
	cjose_jws_release(jws);
	cjose_header_release(header);
	return err;
}

enum err
token_sign(const struct token_options *options, const char *user_id,
    int64_t now_ms, int64_t life_s, char **out)
{
	char id[CRYPTO_UUID];
	cjose_jwk_t *key = NULL;
	char *claims = NULL;
	enum err err;

	if (!crypto_uuid_parse(user_id, id))
		return err_set(ERR_INPUT, "user id is no UUID");
	err = key_new(options->hs256_secret, &key);
	if (err)
		return err;
	claims = write_claims(options, id, now_ms / 1000, life_s);
	err = claims != NULL ? sign(key, claims, out)
			     : err_set(ERR_NOMEM, "token: no memory");
	cJSON_free(claims);
	key_free(key);
	return err;
}
