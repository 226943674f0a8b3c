/* Keys that sign tokens: shared secrets and JSON Web Keys (RFC 7517). Each key
 * fixes its algorithm, whatever a token's header says (RFC 8725, 3.1). Private
 * to token.c. A key never changes, so all threads may use one. */
#ifndef CORE_TOKEN_KEY_H
#define CORE_TOKEN_KEY_H

#include <stdbool.h>
#include <stddef.h>
#include <cjose/cjose.h>

#include "core/err.h"

#define TOKEN_KEYS_MAX 32
#define TOKEN_HS256 "HS256"
#define TOKEN_ES256 "ES256"
#define TOKEN_RS256 "RS256"

struct token_key {
	cjose_jwk_t *jwk;
	const char *alg;       /* HS256, ES256 or RS256 */
	char *kid;             /* NULL: it has none */
	size_t signature_text; /* length of its signatures in base64url */
};

struct token_keys {
	struct token_key list[TOKEN_KEYS_MAX];
	size_t count;
};

/* ERR_CONFIG: shorter than 32 bytes (RFC 7518, 3.2), or too many keys. */
enum err token_keys_add_secret(
    struct token_keys *keys, const char *secret) MUST_CHECK;

/* Read a set as an auth server publishes it. Public keys for ES256 and RS256
 * (2048 to 8192 bits) are taken, TOKEN_KEYS_MAX at most; others are passed
 * over, because shared secrets are never published and a key for encryption
 * signs nothing. An empty result is fine: all keys were withdrawn. ERR_INPUT:
 * it is no key set. */
enum err token_keys_read(
    const char *jwks, size_t len, struct token_keys *out) MUST_CHECK;

/* Read a private key, to sign with. ERR_INPUT: it is none for ES256 or
 * RS256. */
enum err token_key_read_private(
    const char *jwk, size_t len, struct token_key *out) MUST_CHECK;

/* Make an ES256 key as JSON: the whole key, and a set with its public half. The
 * caller gives both to crypto_free_secret(). */
enum err token_key_make(char **private_jwk, char **jwks) MUST_CHECK;

void token_key_done(struct token_key *key);
void token_keys_done(struct token_keys *keys);

/* Set the error for a failure of cjose: ERR_NOMEM if memory was out, else
 * otherwise with the text "token: what". */
enum err token_cjose_failure(
    const cjose_err *why, enum err otherwise, const char *what);

#endif
