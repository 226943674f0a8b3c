/* Sealing of connection keys, digests, random ids. Only crypto.c uses OpenSSL,
 * except for the certificate store that http.c hands to libcurl. */
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
		char id[CRYPTO_KEY_ID]; /* derived from the key, so that no name
					   can be wrong */
	} master[CRYPTO_MAX_MASTER_KEYS];
};

/* Load the master keys. paths: file names separated by commas or white space;
 * each file holds 64 hex digits, and white space around them is ignored.
 * ERR_CONFIG: there is no file, one cannot be used, a key is there twice, or
 * there are more than CRYPTO_MAX_MASTER_KEYS; it names the file. */
enum err crypto_keys_load(
    const char *paths, struct crypto_keys *out) MUST_CHECK;
void crypto_keys_wipe(struct crypto_keys *keys);

/* Seal secret under the first master key with AES-256-GCM and a random nonce:
 * version byte, nonce, ciphertext, tag. aad is the row's identity: a sealed key
 * that is copied to another row does not open there. key_id is set to the
 * master key's id. The caller frees *out. ERR_INPUT: too long. */
enum err crypto_seal(const struct crypto_keys *keys, const char *aad,
    const char *secret, unsigned char **out, size_t *out_len,
    char key_id[CRYPTO_KEY_ID]) MUST_CHECK;

/* *secret is NUL-terminated; the caller gives it to crypto_free_secret().
 * ERR_CONFIG: no master key has this id. ERR_INPUT: it was altered, belongs to
 * another row, or has an unknown version. */
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

/* The same for data that comes in pieces. crypto_digest_end() frees digest.
 * Aborts if memory is out. */
struct crypto_digest;
struct crypto_digest *crypto_digest_begin(void);
void crypto_digest_add(
    struct crypto_digest *digest, const void *bytes, size_t n);
void crypto_digest_end(
    struct crypto_digest *digest, char out[CRYPTO_SHA256_HEX]);

/* Is text a hyphenated UUID? Then out is the same in lower case. text may be
 * NULL. */
bool crypto_uuid_parse(const char *text, char out[CRYPTO_UUID]);

#endif
