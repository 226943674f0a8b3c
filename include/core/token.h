/* Bearer tokens of users: Supabase access tokens (JWT) with sub, exp, aud and
 * role, verified through libcjose; RFC 8725 has the rules. */
#ifndef CORE_TOKEN_H
#define CORE_TOKEN_H

#include <stdint.h>

#include "core/crypto.h"
#include "core/err.h"

struct token_verifier; /* keys and rules, shared by all threads */

struct token_options {
	const char *hs256_secret; /* Supabase's legacy shared secret */
	const char *audience;     /* "authenticated" */
	int leeway_s;
};

struct token_claims {
	char user_id[CRYPTO_UUID];
	int64_t expires_ms; /* wall clock */
};

/* ERR_CONFIG: no secret, or one shorter than 32 bytes (RFC 7518, 3.2). */
enum err token_new(const struct token_options *options,
    struct token_verifier **out) MUST_CHECK;
void token_free(struct token_verifier *v);

/* ERR_AUTH for anything wrong with it: malformed, another algorithm than the
 * key's, bad signature, expired, not yet valid, another audience, role other
 * than `authenticated`, sub missing or no UUID. err_text() says which. One that
 * was accepted is not verified again for its remaining life. */
enum err token_verify(const struct token_verifier *v, const char *text,
    int64_t now_ms, struct token_claims *out) MUST_CHECK;

/* Make a token, for `flowpinctl token` and tests. The caller frees *out. */
enum err token_sign(const struct token_options *options, const char *user_id,
    int64_t now_ms, int64_t life_s, char **out) MUST_CHECK;

#endif
