/* Bearer tokens of users: Supabase access tokens (JWT), signed with a key that
 * the project's auth server publishes (ES256, RS256) or with its legacy shared
 * secret (HS256), verified through libcjose; RFC 8725 has the rules. */
#ifndef CORE_TOKEN_H
#define CORE_TOKEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/crypto.h"
#include "core/err.h"

struct token_verifier; /* keys and rules, shared by all threads */

struct token_options {
	const char *const *secrets; /* shared, each of 32 bytes or more, up to a
				       NULL; NULL: none */
	const char *audience;       /* "authenticated" */
	const char *issuer;         /* NULL: any */
	bool allows_clients;   /* those of OAuth clients that act for a user */
	bool allows_anonymous; /* of users who have not said who they are */
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

/* From now on these published keys (a JWKS, RFC 7517) verify, and no others but
 * the secrets; *count is how many, for ES256 and RS256. What was verified stays
 * so if they are the same as before. ERR_INPUT: it is no key set; then all
 * stays as it was. */
enum err token_set_keys(struct token_verifier *v, const char *jwks, size_t len,
    size_t *count) MUST_CHECK;

/* From now on none of them does. */
void token_drop_keys(struct token_verifier *v);

/* ERR_AUTH for anything wrong with it: malformed, another algorithm than the
 * key's, bad signature, expired, not yet valid, another issuer or audience,
 * role other than `authenticated`, sub missing or no UUID. ERR_NOTFOUND: it
 * names a published key that is not known, or not yet, or there is none of its
 * algorithm. err_text() says which. One that was accepted is mostly not
 * verified again for its remaining life, unless
 * keys change. */
enum err token_verify(struct token_verifier *v, const char *text,
    int64_t now_ms, struct token_claims *out) MUST_CHECK;

/* Make a token, for `flowpinctl token` and tests: with a private key (a JWK as
 * JSON), or, if that is NULL, with the first secret. The caller frees *out. */
enum err token_sign(const struct token_options *options,
    const char *private_jwk, const char *user_id, int64_t now_ms,
    int64_t life_s, char **out) MUST_CHECK;

/* Make a key for that, ES256: the private one, and the set that has its public
 * half. The caller gives both to crypto_free_secret(). */
enum err token_new_key(char **private_jwk, char **jwks) MUST_CHECK;

#endif
