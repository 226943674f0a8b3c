/* OpenSSL's primitives in the shapes that this project needs. A sealed key is
 *
 *     version (1 byte, 1) | nonce (12) | ciphertext | tag (16)
 *
 * AES-256-GCM under a master key. Random nonces are safe for 2^32 keys, far
 * more than there are users. No secret is ever part of an error's text. */
#include "core/crypto.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>

#include "core/words.h"

#define SEAL_VERSION 1
#define NONCE_BYTES 12
#define TAG_BYTES 16
#define SEAL_OVERHEAD (1 + NONCE_BYTES + TAG_BYTES)
#define SHA256_BYTES 32
#define KEY_FILE_BYTES 1024 /* 64 digits and white space fit easily */

static const char hex_digits[] = "0123456789abcdef";

void
crypto_wipe(void *p, size_t n)
{
	if (p != NULL)
		OPENSSL_cleanse(p, n);
}

void
crypto_free_secret(char *secret)
{
	if (secret == NULL)
		return;
	crypto_wipe(secret, strlen(secret));
	free(secret);
}

static void
random_bytes(void *out, size_t n)
{
	/* Without randomness ids would collide and nonces repeat: stopping is
	 * better than anything a caller could do about it. */
	if (RAND_bytes(out, (int)n) != 1)
		abort();
}

uint64_t
crypto_random(void)
{
	uint64_t value;

	random_bytes(&value, sizeof(value));
	return value;
}

static void
hex_encode(const unsigned char *bytes, size_t n, char *out)
{
	for (size_t i = 0; i < n; i++) {
		out[2 * i] = hex_digits[bytes[i] >> 4];
		out[2 * i + 1] = hex_digits[bytes[i] & 15];
	}
	out[2 * n] = '\0';
}

/* -1: not a hex digit. */
static int
hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

void
crypto_uuid(char out[CRYPTO_UUID])
{
	unsigned char b[16];
	char hex[33];
	size_t at = 0;

	random_bytes(b, sizeof(b));
	b[6] = (unsigned char)((b[6] & 0x0f) | 0x40); /* version 4 */
	b[8] = (unsigned char)((b[8] & 0x3f) | 0x80); /* RFC 9562 variant */
	hex_encode(b, sizeof(b), hex);
	for (size_t i = 0; i < 32; i++) {
		if (i == 8 || i == 12 || i == 16 || i == 20)
			out[at++] = '-';
		out[at++] = hex[i];
	}
	out[at] = '\0';
}

bool
crypto_uuid_parse(const char *text, char out[CRYPTO_UUID])
{
	char lower[CRYPTO_UUID];
	int value;

	if (text == NULL || strlen(text) != CRYPTO_UUID - 1)
		return false;
	for (size_t i = 0; i < CRYPTO_UUID - 1; i++) {
		if (i == 8 || i == 13 || i == 18 || i == 23) {
			if (text[i] != '-')
				return false;
			lower[i] = '-';
			continue;
		}
		value = hex_value(text[i]);
		if (value < 0)
			return false;
		lower[i] = hex_digits[value];
	}
	lower[CRYPTO_UUID - 1] = '\0';
	memcpy(out, lower, CRYPTO_UUID);
	return true;
}

void
crypto_sha256_hex(const void *bytes, size_t n, char out[CRYPTO_SHA256_HEX])
{
	struct crypto_digest *digest = crypto_digest_begin();

	crypto_digest_add(digest, bytes, n);
	crypto_digest_end(digest, out);
}

/* Digests fail only when memory is out or OpenSSL is broken. A wrong digest
 * would be worse than stopping. */
static void
must(bool is_done)
{
	if (!is_done)
		abort();
}

struct crypto_digest *
crypto_digest_begin(void)
{
	EVP_MD_CTX *context = EVP_MD_CTX_new();

	must(context && EVP_DigestInit_ex(context, EVP_sha256(), NULL) == 1);
	return (struct crypto_digest *)context;
}

void
crypto_digest_add(struct crypto_digest *digest, const void *bytes, size_t n)
{
	must(EVP_DigestUpdate((EVP_MD_CTX *)digest, bytes, n) == 1);
}

void
crypto_digest_end(struct crypto_digest *digest, char out[CRYPTO_SHA256_HEX])
{
	EVP_MD_CTX *context = (EVP_MD_CTX *)digest;
	unsigned char bytes[SHA256_BYTES];

	must(EVP_DigestFinal_ex(context, bytes, NULL) == 1);
	EVP_MD_CTX_free(context);
	hex_encode(bytes, sizeof(bytes), out);
}

static void
derive_key_id(struct crypto_master *master)
{
	static const char label[] = "flowpin master key";
	unsigned char input[sizeof(label) - 1 + CRYPTO_KEY_BYTES];
	char hex[CRYPTO_SHA256_HEX];

	memcpy(input, label, sizeof(label) - 1);
	memcpy(input + sizeof(label) - 1, master->key, CRYPTO_KEY_BYTES);
	crypto_sha256_hex(input, sizeof(input), hex);
	crypto_wipe(input, sizeof(input));
	memcpy(master->id, hex, CRYPTO_KEY_ID - 1);
	master->id[CRYPTO_KEY_ID - 1] = '\0';
}

/* At most size bytes of a file, with read(2): stdio's buffer would keep a copy
 * of the key. */
static enum err
read_small_file(const char *path, char *out, size_t size, size_t *len)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	enum err err = OK;
	ssize_t n = 0;

	if (fd < 0)
		return err_set(ERR_CONFIG, "master key file %s: %s", path,
		    strerror(errno));
	for (*len = 0; *len < size; *len += (size_t)n) {
		n = read(fd, out + *len, size - *len);
		if (n < 0 && errno == EINTR) {
			n = 0;
			continue;
		}
		if (n <= 0)
			break;
	}
	if (n < 0)
		err = err_set(ERR_CONFIG, "master key file %s: %s", path,
		    strerror(errno));
	(void)close(fd); /* nothing was written */
	return err;
}

static bool
is_space(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

/* 64 hex digits with nothing but white space around them. */
static bool
decode_key(const char *text, size_t len, unsigned char key[CRYPTO_KEY_BYTES])
{
	int high, low;

	while (len > 0 && is_space(text[len - 1]))
		len--;
	for (; len > 0 && is_space(text[0]); text++)
		len--;
	if (len != 2 * CRYPTO_KEY_BYTES)
		return false;
	for (size_t i = 0; i < CRYPTO_KEY_BYTES; i++) {
		high = hex_value(text[2 * i]);
		low = hex_value(text[2 * i + 1]);
		if (high < 0 || low < 0)
			return false;
		key[i] = (unsigned char)(high << 4 | low);
	}
	return true;
}

static enum err
load_one(const char *path, struct crypto_keys *keys)
{
	struct crypto_master *master;
	char text[KEY_FILE_BYTES];
	size_t len = 0;
	enum err err;

	if (keys->count == CRYPTO_MAX_MASTER_KEYS)
		return err_set(ERR_CONFIG, "more than %d master keys at %s",
		    CRYPTO_MAX_MASTER_KEYS, path);
	master = &keys->master[keys->count];
	err = read_small_file(path, text, sizeof(text), &len);
	if (err)
		goto out;
	if (len == sizeof(text) || !decode_key(text, len, master->key)) {
		err = err_set(
		    ERR_CONFIG, "master key file %s: not 64 hex digits", path);
		goto out;
	}
	derive_key_id(master);
	for (size_t i = 0; i < keys->count; i++) {
		if (strcmp(keys->master[i].id, master->id) == 0) {
			err = err_set(ERR_CONFIG,
			    "master key file %s: the key is there twice", path);
			goto out;
		}
	}
	keys->count++;
out:
	crypto_wipe(text, sizeof(text));
	return err;
}

enum err
crypto_keys_load(const char *paths, struct crypto_keys *out)
{
	struct crypto_keys keys = { 0 };
	char path[PATH_MAX];
	enum err err = OK;
	const char *p;
	size_t n;

	while (!err && (p = words_next(&paths, &n))) {
		if (n >= sizeof(path)) {
			err = err_set(ERR_CONFIG, "master key path too long");
			break;
		}
		memcpy(path, p, n);
		path[n] = '\0';
		err = load_one(path, &keys);
	}
	if (!err && keys.count == 0)
		err = err_set(ERR_CONFIG, "master_key_files names no file");
	if (!err)
		*out = keys;
	crypto_keys_wipe(&keys);
	return err;
}

void
crypto_keys_wipe(struct crypto_keys *keys)
{
	crypto_wipe(keys, sizeof(*keys));
}

/* out: version, nonce, ciphertext, tag; n + SEAL_OVERHEAD bytes of room. */
static bool
encrypt(const unsigned char *key, const char *aad, const char *secret, int n,
    unsigned char *out)
{
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	unsigned char *nonce = out + 1, *text = nonce + NONCE_BYTES;
	const int aad_len = (int)strlen(aad);
	int len = 0;
	bool ok;

	out[0] = SEAL_VERSION;
	random_bytes(nonce, NONCE_BYTES);
	ok = ctx != NULL &&
	     EVP_EncryptInit_ex(ctx, EVP_aes_256_gcm(), NULL, key, nonce) &&
	     EVP_EncryptUpdate(ctx, NULL, &len, (const void *)aad, aad_len) &&
	     EVP_EncryptUpdate(ctx, text, &len, (const void *)secret, n) &&
	     EVP_EncryptFinal_ex(ctx, text + len, &len) &&
	     EVP_CIPHER_CTX_ctrl(
		 ctx, EVP_CTRL_AEAD_GET_TAG, TAG_BYTES, text + n);
	EVP_CIPHER_CTX_free(ctx);
	return ok;
}

enum err
crypto_seal(const struct crypto_keys *keys, const char *aad, const char *secret,
    unsigned char **out, size_t *out_len, char key_id[CRYPTO_KEY_ID])
{
	size_t n = strlen(secret);
	unsigned char *sealed;

	assert(keys->count > 0);
	if (n > INT_MAX - SEAL_OVERHEAD || strlen(aad) > INT_MAX)
		return err_set(ERR_INPUT, "too long to be sealed");
	sealed = malloc(n + SEAL_OVERHEAD);
	if (sealed == NULL)
		return err_set(ERR_NOMEM, "no memory to seal a key");
	if (!encrypt(keys->master[0].key, aad, secret, (int)n, sealed)) {
		free(sealed);
		return err_set(ERR_NOMEM, "AES-256-GCM failed");
	}
	memcpy(key_id, keys->master[0].id, CRYPTO_KEY_ID);
	*out = sealed;
	*out_len = n + SEAL_OVERHEAD;
	return OK;
}

/* out has room for n bytes. After a failure its content must not be used. */
static bool
decrypt(const unsigned char *key, const char *aad, const unsigned char *sealed,
    int n, unsigned char *out)
{
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	const unsigned char *nonce = sealed + 1, *text = nonce + NONCE_BYTES;
	unsigned char tag[TAG_BYTES];
	const int aad_len = (int)strlen(aad);
	int len = 0;
	bool ok;

	memcpy(tag, text + n, TAG_BYTES);
	ok = ctx != NULL &&
	     EVP_DecryptInit_ex(ctx, EVP_aes_256_gcm(), NULL, key, nonce) &&
	     EVP_DecryptUpdate(ctx, NULL, &len, (const void *)aad, aad_len) &&
	     EVP_DecryptUpdate(ctx, out, &len, text, n) &&
	     EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_TAG, TAG_BYTES, tag) &&
	     EVP_DecryptFinal_ex(ctx, out + len, &len) > 0;
	EVP_CIPHER_CTX_free(ctx);
	return ok;
}

static const struct crypto_master *
find_master(const struct crypto_keys *keys, const char *key_id)
{
	for (size_t i = 0; i < keys->count; i++) {
		if (strcmp(keys->master[i].id, key_id) == 0)
			return &keys->master[i];
	}
	return NULL;
}

enum err
crypto_open(const struct crypto_keys *keys, const char *key_id, const char *aad,
    const unsigned char *sealed, size_t len, char **secret)
{
	const struct crypto_master *master = find_master(keys, key_id);
	unsigned char *plain;
	size_t n;

	if (master == NULL)
		return err_set(
		    ERR_CONFIG, "no master key has the id %.16s", key_id);
	if (len < SEAL_OVERHEAD || len > INT_MAX || sealed[0] != SEAL_VERSION)
		return err_set(
		    ERR_INPUT, "not a sealed key of version %d", SEAL_VERSION);
	n = len - SEAL_OVERHEAD;
	plain = malloc(n + 1);
	if (plain == NULL)
		return err_set(ERR_NOMEM, "no memory to open a key");
	if (!decrypt(master->key, aad, sealed, (int)n, plain)) {
		crypto_wipe(plain, n);
		free(plain);
		return err_set(
		    ERR_INPUT, "sealed key was altered or is another row's");
	}
	plain[n] = '\0';
	*secret = (char *)plain;
	return OK;
}
