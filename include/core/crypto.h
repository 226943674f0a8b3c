/* Sealing of connection keys, digests, random ids. The only room that knows
 * OpenSSL, but for the certificate store that http.c hands to libcurl. */
#ifndef CORE_CRYPTO_H
#define CORE_CRYPTO_H

#include <stddef.h>
#include <stdint.h>

#include "core/err.h"

#define CRYPTO_KEY_BYTES 32
#define CRYPTO_KEY_ID 17 /* 16 hex digits and NUL */
#define CRYPTO_UUID 37
#define CRYPTO_SHA256_HEX 65
#define CRYPTO_MAX_MASTER_KEYS 8

/* The master keys: the first one seals, any of them opens. */
struct crypto_keys {
	size_t count;
	struct crypto_master {
		unsigned char key[CRYPTO_KEY_BYTES];
		char id[CRYPTO_KEY_ID]; /* derived from the key: no naming slips
					 */
	} master[CRYPTO_MAX_MASTER_KEYS];
};

/* paths: file names separated by commas or white space; each holds 64 hex
 * digits (white space around is ignored). ERR_CONFIG names the file. */
enum err crypto_keys_load(
    const char *paths, struct crypto_keys *out) MUST_CHECK;
void crypto_keys_wipe(struct crypto_keys *keys);

/* AES-256-GCM with a random nonce: version byte, nonce, ciphertext, tag.
 * aad: the row's identity, so that a sealed key copied to another row does not
 * open there. The caller frees *out. key_id says which master key it was. */
enum err crypto_seal(const struct crypto_keys *keys, const char *aad,
    const char *secret, unsigned char **out, size_t *out_len,
    char key_id[CRYPTO_KEY_ID]) MUST_CHECK;

/* *secret is NUL-terminated; the caller gives it to crypto_free_secret().
 * ERR_CONFIG: no master key has this id; ERR_INPUT: altered, or another row's.
 */
enum err crypto_open(const struct crypto_keys *keys, const char *key_id,
    const char *aad, const unsigned char *sealed, size_t len,
    char **secret) MUST_CHECK;
void crypto_free_secret(char *secret);

/* Overwrite n bytes in a way that is not optimised away. */
void crypto_wipe(void *p, size_t n);

/* A random (version 4) UUID; aborts if the system has no randomness. */
void crypto_uuid(char out[CRYPTO_UUID]);
uint64_t crypto_random(void);

void crypto_sha256_hex(
    const void *bytes, size_t n, char out[CRYPTO_SHA256_HEX]);

/* The same of what comes in pieces; crypto_digest_end() frees it. */
struct crypto_digest;
struct crypto_digest *crypto_digest_begin(void);
void crypto_digest_add(
    struct crypto_digest *digest, const void *bytes, size_t n);
void crypto_digest_end(
    struct crypto_digest *digest, char out[CRYPTO_SHA256_HEX]);

/* Lower-case hyphenated UUID text? Upper case is accepted and lowered. */
bool crypto_uuid_parse(const char *text, char out[CRYPTO_UUID]);

#endif
