/* Bearer tokens of users: Supabase access tokens (JWT). They are signed with a
 * key that the project's auth server publishes (ES256, RS256) or with its
 * legacy shared secret (HS256), and verified with libcjose. RFC 8725 has the
 * rules. */
#ifndef CORE_TOKEN_H
#define CORE_TOKEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/crypto.h"
#include "core/err.h"

struct token_verifier; /* keys and rules, shared by all threads */

struct token_options {
	const char *const *secrets; /* shared secrets of 32 bytes or more each,
				       ended by NULL; NULL: there are none */
	const char *audience;       /* "authenticated" */
	const char *issuer;         /* NULL: any */
	bool allows_clients;   /* tokens of OAuth clients that act for a user */
	bool allows_anonymous; /* tokens of anonymous users */
	int leeway_s;
};

struct token_claims {
	char user_id[CRYPTO_UUID];
	int64_t expires_ms; /* wall clock */
};

/* ERR_CONFIG: a secret is shorter than 32 bytes (RFC 7518, 3.2). */
enum err token_new(const struct token_options *options,
    struct token_verifier **out) MUST_CHECK;
void token_free(struct token_verifier *v);

/* Use the public keys of this JWKS (RFC 7517) from now on, beside the shared
 * secrets, and no others. *count is how many of them are for ES256 or RS256. If
 * the set is the same as before, tokens that were verified stay so. ERR_INPUT:
 * it is no key set; then the keys stay as they were. */
enum err token_set_keys(struct token_verifier *v, const char *jwks, size_t len,
    size_t *count) MUST_CHECK;

/* Forget all published keys. */
void token_drop_keys(struct token_verifier *v);

/* text is the token alone, without "Bearer". ERR_AUTH: anything is wrong with
 * it: malformed, another algorithm than the key's, HS256 without a matching
 * secret, bad signature, expired, not yet valid, another issuer or audience, a
 * role other than `authenticated`, of a client or an anonymous user where these
 * are not allowed, sub missing or no UUID. ERR_NOTFOUND: it names a published
 * key that is not known (yet), or names none and no key of its algorithm is
 * known. err_text() says which. A token that was accepted is usually not
 * verified again before it expires, unless the keys change. */
enum err token_verify(struct token_verifier *v, const char *text,
    int64_t now_ms, struct token_claims *out) MUST_CHECK;

/* Make a token, for `flowpinctl token` and tests. It is signed with private_jwk
 * (a JWK as JSON) or, if that is NULL, with the first secret. The caller frees
 * *out. ERR_INPUT: user_id is no UUID, or the key is unusable. ERR_CONFIG:
 * there is no key. */
enum err token_sign(const struct token_options *options,
    const char *private_jwk, const char *user_id, int64_t now_ms,
    int64_t life_s, char **out) MUST_CHECK;

/* Make an ES256 key for that: the private key, and a key set with its public
 * half. The caller gives both to crypto_free_secret(). */
enum err token_new_key(char **private_jwk, char **jwks) MUST_CHECK;

#endif
