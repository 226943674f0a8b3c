/* Supabase access tokens. libcjose checks the signature. What RFC 8725 asks
 * beyond that is done here: the algorithm is the key's, an extension that we do
 * not know is refused, and every claim must have the right type.
 *
 * All threads share one cjose_jwk_t: verifying reads its bytes and touches no
 * reference count (cjose 0.6.2, jws.c). Everything else is made for one
 * call. */
#include "core/token.h"

#include <assert.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cjose/cjose.h>

#include "core/json.h"
#include "token_cache.h"
#include "token_key.h"

#define MAX_TOKEN_BYTES 8192
#define MAX_SECONDS 253402300799.0 /* the end of 9999 */
#define USER_ROLE "authenticated"

struct token_verifier {
	struct token_keys secrets;
	char *audience, *issuer;
	bool allows_clients, allows_anonymous;
	int64_t leeway_ms;
	/* locked for reading while a token is verified and remembered, and for
	 * writing while keys change, so that no token is remembered longer than
	 * its key */
	pthread_rwlock_t lock;
	struct token_keys published;
	char published_digest[CRYPTO_SHA256_HEX]; /* of the set; "": none */
	struct token_cache *verified;
};

static enum err
add_secrets(struct token_verifier *v, const char *const *secrets)
{
	enum err err = OK;

	for (; !err && secrets && *secrets; secrets++)
		err = token_keys_add_secret(&v->secrets, *secrets);
	return err;
}

/* Writers go first: a withdrawn key must not stay in use because many threads
 * keep on verifying. */
static void
lock_new(pthread_rwlock_t *lock)
{
	pthread_rwlockattr_t attr;

	(void)pthread_rwlockattr_init(&attr);
	(void)pthread_rwlockattr_setkind_np(
	    &attr, PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP);
	(void)pthread_rwlock_init(lock, &attr);
	(void)pthread_rwlockattr_destroy(&attr);
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
	lock_new(&v->lock);
	v->leeway_ms = options->leeway_s * INT64_C(1000);
	v->allows_clients = options->allows_clients;
	v->allows_anonymous = options->allows_anonymous;
	v->audience = strdup(options->audience);
	if (options->issuer)
		v->issuer = strdup(options->issuer);
	if (v->audience == NULL || (options->issuer && v->issuer == NULL)) {
		err = err_set(ERR_NOMEM, "token: no memory");
		goto out;
	}
	err = add_secrets(v, options->secrets);
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
	token_keys_done(&v->secrets);
	token_keys_done(&v->published);
	token_cache_free(v->verified);
	(void)pthread_rwlock_destroy(&v->lock);
	free(v->audience);
	free(v->issuer);
	free(v);
}

/* Takes over what keys holds. */
static void
publish(struct token_verifier *v, struct token_keys *keys, const char *digest)
{
	struct token_keys old;

	(void)pthread_rwlock_wrlock(&v->lock);
	old = v->published;
	v->published = *keys;
	(void)snprintf(
	    v->published_digest, sizeof(v->published_digest), "%s", digest);
	token_cache_clear(v->verified);
	(void)pthread_rwlock_unlock(&v->lock);
	token_keys_done(&old);
}

static bool
is_published(struct token_verifier *v, const char *digest, size_t *count)
{
	bool is;

	(void)pthread_rwlock_rdlock(&v->lock);
	is = strcmp(v->published_digest, digest) == 0;
	*count = v->published.count;
	(void)pthread_rwlock_unlock(&v->lock);
	return is;
}

enum err
token_set_keys(
    struct token_verifier *v, const char *jwks, size_t len, size_t *count)
{
	char digest[CRYPTO_SHA256_HEX];
	struct token_keys keys;
	enum err err;

	crypto_sha256_hex(jwks, len, digest);
	if (is_published(v, digest, count))
		return OK;
	err = token_keys_read(jwks, len, &keys);
	if (err)
		return err;
	*count = keys.count;
	publish(v, &keys, digest);
	return OK;
}

void
token_drop_keys(struct token_verifier *v)
{
	struct token_keys none = { 0 };

	publish(v, &none, "");
}

/* --- the signature -------------------------------------------------------- */

struct head {
	char *alg, *kid; /* kid: NULL if there is none */
	size_t signature_text;
};

static void
head_done(struct head *head)
{
	free(head->alg);
	free(head->kid);
}

static bool
is_base64url(char c)
{
	return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
	       (c >= '0' && c <= '9') || c == '-' || c == '_';
}

/* Is text three parts of base64url? parts: their lengths. This must go before
 * cjose: its HMAC comparison reads 32 bytes of the signature before it looks at
 * the length. */
static bool
has_jws_shape(const char *text, size_t len, size_t parts[3])
{
	size_t part = 0;

	memset(parts, 0, 3 * sizeof(*parts));
	for (size_t i = 0; i < len; i++) {
		if (text[i] == '.' && (parts[part] == 0 || ++part > 2))
			return false;
		if (text[i] != '.' && !is_base64url(text[i]))
			return false;
		parts[part] += text[i] != '.';
	}
	return part == 2 && parts[2] > 0;
}

static bool
copy_member(const cJSON *header, const char *name, bool must_be, char **out)
{
	const cJSON *value = cJSON_GetObjectItemCaseSensitive(header, name);

	if (value == NULL)
		return !must_be;
	if (!cJSON_IsString(value))
		return false;
	*out = strdup(value->valuestring);
	return *out != NULL;
}

/* Read which algorithm and key the header names, and refuse one with critical
 * extensions (RFC 7515, 4.1.11). json_parse() refuses a name that is there
 * twice. */
static enum err
read_head(const char *text, size_t len, struct head *out)
{
	cjose_err why = { 0 };
	uint8_t *plain = NULL;
	size_t plain_len = 0;
	cJSON *header = NULL;
	enum err err = OK;

	if (!cjose_base64url_decode(text, len, &plain, &plain_len, &why) ||
	    json_parse((const char *)plain, plain_len, &header) ||
	    !cJSON_IsObject(header))
		err = err_set(ERR_AUTH, "token: its header is no JSON object");
	else if (cJSON_GetObjectItemCaseSensitive(header, "crit") != NULL)
		err = err_set(ERR_AUTH, "token: unknown extension");
	else if (!copy_member(header, "alg", true, &out->alg) ||
		 !copy_member(header, "kid", false, &out->kid))
		err = err_set(ERR_AUTH, "token: alg or kid is missing or odd");
	cJSON_Delete(header);
	free(plain);
	return err;
}

/* May head mean this key? If both have a kid, the kid decides. A shared secret
 * has none, and without a kid any key of the algorithm may be meant. */
static bool
may_be_named(const struct head *head, const struct token_key *key)
{
	if (head->kid && key->kid)
		return strcmp(key->kid, head->kid) == 0;
	return strcmp(key->alg, head->alg) == 0;
}

/* ERR_NOTFOUND: head means none of these keys. ERR_AUTH: it means some, but
 * none of them made the signature. */
static enum err
verify_with(
    const struct token_keys *keys, const struct head *head, cjose_jws_t *jws)
{
	bool is_found = false;
	cjose_err why = { 0 };

	for (size_t i = 0; i < keys->count; i++) {
		const struct token_key *key = &keys->list[i];

		if (!may_be_named(head, key))
			continue;
		is_found = true; /* its own algorithm counts, see below */
		if (strcmp(key->alg, head->alg) == 0 &&
		    key->signature_text == head->signature_text &&
		    cjose_jws_verify(jws, key->jwk, &why))
			return OK;
	}
	if (is_found)
		return token_cjose_failure(&why, ERR_AUTH, "bad signature");
	return err_set(
	    ERR_NOTFOUND, "token: signed with a key that is not known");
}

/* Secrets and published keys are never mixed: a public key must not be taken
 * for a shared secret. */
static enum err
verify_signature(
    const struct token_verifier *v, const struct head *head, cjose_jws_t *jws)
{
	enum err err;

	if (strcmp(head->alg, TOKEN_HS256) == 0) {
		err = verify_with(&v->secrets, head, jws);
		return err == ERR_NOTFOUND
			   ? err_set(ERR_AUTH, "token: HS256, and no secret is "
					       "configured")
			   : err;
	}
	if (strcmp(head->alg, TOKEN_ES256) != 0 &&
	    strcmp(head->alg, TOKEN_RS256) != 0)
		return err_set(
		    ERR_AUTH, "token: not signed with ES256, RS256 or HS256");
	return verify_with(&v->published, head, jws);
}

/* Verify the signature and parse what was signed. The caller deletes
 * *claims. */
static enum err
open_jws(const struct token_verifier *v, const char *text, size_t len,
    const struct head *head, cJSON **claims)
{
	cjose_err why = { 0 };
	cjose_jws_t *jws;
	uint8_t *plain; /* the jws owns it */
	size_t plain_len;
	enum err err;

	jws = cjose_jws_import(text, len, &why);
	if (jws == NULL)
		return token_cjose_failure(&why, ERR_AUTH, "malformed");
	err = verify_signature(v, head, jws);
	if (err)
		goto out;
	if (!cjose_jws_get_plaintext(jws, &plain, &plain_len, &why)) {
		err = token_cjose_failure(&why, ERR_AUTH, "no payload");
		goto out;
	}
	err = json_parse((const char *)plain, plain_len, claims);
	if (err == ERR_INPUT)
		err = err_set(ERR_AUTH, "token: claims are not JSON");
out:
	cjose_jws_release(jws);
	return err;
}

/* --- the claims ----------------------------------------------------------- */

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

/* A NumericDate as milliseconds. A value after the year 9999, such as
 * milliseconds instead of seconds, is a mistake and refused. */
static bool
read_date(const cJSON *value, int64_t *ms)
{
	double seconds = cJSON_GetNumberValue(value);

	if (isnan(seconds) || seconds < 0 || seconds > MAX_SECONDS)
		return false;
	*ms = (int64_t)(seconds * 1000);
	return true;
}

/* Check exp, which must be there, and nbf and iat, which may be. */
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

/* Check who issued it and for whom, and that it is a user's own. */
static enum err
check_holder(const struct token_verifier *v, const cJSON *claims)
{
	if (v->issuer && !is_text(json_path(claims, "iss", NULL), v->issuer))
		return err_set(ERR_AUTH, "token: another issuer");
	if (!has_audience(claims, v->audience))
		return err_set(ERR_AUTH, "token: another audience");
	/* Supabase's anon and service_role keys are tokens signed with the
	 * legacy secret too, but no user's. */
	if (!is_text(json_path(claims, "role", NULL), USER_ROLE))
		return err_set(ERR_AUTH, "token: not a user's");
	if (!v->allows_clients && json_path(claims, "client_id", NULL) != NULL)
		return err_set(ERR_AUTH, "token: an OAuth client's");
	if (!v->allows_anonymous && json_bool(claims, "is_anonymous", false))
		return err_set(ERR_AUTH, "token: an anonymous user's");
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
	if (!err)
		err = check_holder(v, claims);
	if (err)
		return err;
	if (!crypto_uuid_parse(json_str(claims, "sub"), found.user_id))
		return err_set(ERR_AUTH, "token: sub is no UUID");
	*out = found;
	return OK;
}

static enum err
verify_anew(const struct token_verifier *v, const char *text, size_t len,
    int64_t now_ms, struct token_claims *out)
{
	struct head head = { 0 };
	cJSON *claims = NULL;
	size_t parts[3];
	enum err err;

	if (!has_jws_shape(text, len, parts))
		return err_set(ERR_AUTH, "token: not a signed JWT");
	head.signature_text = parts[2];
	err = read_head(text, parts[0], &head);
	if (!err)
		err = open_jws(v, text, len, &head, &claims);
	head_done(&head);
	if (err)
		return err;
	err = read_claims(v, claims, now_ms, out);
	cJSON_Delete(claims);
	return err;
}

enum err
token_verify(struct token_verifier *v, const char *text, int64_t now_ms,
    struct token_claims *out)
{
	size_t len = strnlen(text, MAX_TOKEN_BYTES + 1);
	char digest[CRYPTO_SHA256_HEX];
	enum err err = OK;

	if (len > MAX_TOKEN_BYTES)
		return err_set(ERR_AUTH, "token: too long");
	crypto_sha256_hex(text, len, digest);
	(void)pthread_rwlock_rdlock(&v->lock);
	if (!token_cache_find(v->verified, digest, now_ms, out)) {
		err = verify_anew(v, text, len, now_ms, out);
		if (!err)
			token_cache_add(v->verified, digest, now_ms, out);
	}
	(void)pthread_rwlock_unlock(&v->lock);
	return err;
}

/* --- making one ----------------------------------------------------------- */

/* The claims that Supabase puts in and somebody here looks at. The caller frees
 * them; NULL when memory is out. */
static char *
write_claims(const struct token_options *options, const char *user_id,
    int64_t now_s, int64_t life_s)
{
	cJSON *claims = cJSON_CreateObject();
	char *text = NULL;

	if ((!options->issuer || cJSON_AddStringToObject(
				     claims, "iss", options->issuer) != NULL) &&
	    cJSON_AddStringToObject(claims, "sub", user_id) != NULL &&
	    cJSON_AddStringToObject(claims, "aud", options->audience) != NULL &&
	    cJSON_AddStringToObject(claims, "role", USER_ROLE) != NULL &&
	    cJSON_AddNumberToObject(claims, "iat", (double)now_s) != NULL &&
	    cJSON_AddNumberToObject(claims, "exp", (double)(now_s + life_s)) !=
		NULL)
		text = cJSON_PrintUnformatted(claims);
	cJSON_Delete(claims);
	return text;
}

static bool
set_head(cjose_header_t *header, const struct token_key *key, cjose_err *why)
{
	return header != NULL &&
	       cjose_header_set(header, CJOSE_HDR_ALG, key->alg, why) &&
	       cjose_header_set(header, "typ", "JWT", why) &&
	       (!key->kid ||
		   cjose_header_set(header, CJOSE_HDR_KID, key->kid, why));
}

static enum err
sign(const struct token_key *key, const char *claims, char **out)
{
	cjose_err why = { 0 };
	cjose_header_t *header = cjose_header_new(&why);
	cjose_jws_t *jws = NULL;
	const char *compact = NULL; /* the jws owns it */
	enum err err = OK;

	if (set_head(header, key, &why))
		jws = cjose_jws_sign(key->jwk, header, (const uint8_t *)claims,
		    strlen(claims), &why);
	if (jws == NULL || !cjose_jws_export(jws, &compact, &why) ||
	    compact == NULL) {
		err = token_cjose_failure(&why, ERR_BUG, "cannot be signed");
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

/* Put the key to sign with into keys. */
static enum err
signing_key(const struct token_options *options, const char *private_jwk,
    struct token_keys *keys)
{
	enum err err;

	if (!private_jwk && (!options->secrets || !options->secrets[0]))
		return err_set(ERR_CONFIG, "there is no key to sign with");
	if (!private_jwk)
		return token_keys_add_secret(keys, options->secrets[0]);
	err = token_key_read_private(
	    private_jwk, strlen(private_jwk), &keys->list[0]);
	keys->count = !err;
	return err;
}

enum err
token_sign(const struct token_options *options, const char *private_jwk,
    const char *user_id, int64_t now_ms, int64_t life_s, char **out)
{
	char id[CRYPTO_UUID];
	struct token_keys keys = { 0 };
	char *claims = NULL;
	enum err err;

	if (!crypto_uuid_parse(user_id, id))
		return err_set(ERR_INPUT, "user id is no UUID");
	err = signing_key(options, private_jwk, &keys);
	if (err)
		return err;
	claims = write_claims(options, id, now_ms / 1000, life_s);
	err = claims != NULL ? sign(&keys.list[0], claims, out)
			     : err_set(ERR_NOMEM, "token: no memory");
	cJSON_free(claims);
	token_keys_done(&keys);
	return err;
}

enum err
token_new_key(char **private_jwk, char **jwks)
{
	return token_key_make(private_jwk, jwks);
}
