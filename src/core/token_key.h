/* Keys that sign tokens: shared secrets and JSON Web Keys (RFC 7517). Each
 * fixes its algorithm, whatever a token's header says (RFC 8725, 3.1). Private
 * to token.c, and immutable, so that all threads may use one. */
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
	size_t signature_text; /* letters of base64url that a signature has */
};

struct token_keys {
	struct token_key list[TOKEN_KEYS_MAX];
	size_t count;
};

/* ERR_CONFIG: shorter than 32 bytes (RFC 7518, 3.2), or too many keys. */
enum err token_keys_add_secret(
    struct token_keys *keys, const char *secret) MUST_CHECK;

/* A set as an auth server publishes it. Public keys for ES256 and RS256 (2048
 * to 8192 bits) are taken, others passed over: shared secrets are never
 * published, and a key for encryption signs nothing. There may be none: all
 * were withdrawn. ERR_INPUT: it is no key set. */
enum err token_keys_read(
    const char *jwks, size_t len, struct token_keys *out) MUST_CHECK;

/* One private key, to sign with. ERR_INPUT. */
enum err token_key_read_private(
    const char *jwk, size_t len, struct token_key *out) MUST_CHECK;

/* A new ES256 key as JSON: whole, and the set that has its public half. The
 * caller wipes and frees both. */
enum err token_key_make(char **private_jwk, char **jwks) MUST_CHECK;

void token_key_done(struct token_key *key);
void token_keys_done(struct token_keys *keys);

/* For an error of cjose: ERR_NOMEM if that was it, else otherwise, "token:
 * what". */
enum err token_cjose_failure(
    const cjose_err *why, enum err otherwise, const char *what);

#endif
