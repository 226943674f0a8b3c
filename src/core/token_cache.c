/* An array under one lock, which is held for one comparison and one copy. */
#include "token_cache.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define SLOT_DIGITS 3 /* hex digits of the digest that choose the slot */
#define SLOTS (1 << (4 * SLOT_DIGITS))

struct slot {
	char digest[CRYPTO_SHA256_HEX]; /* "": empty */
	int64_t verified_ms;
	struct token_claims claims;
};

struct token_cache {
	pthread_mutex_t lock;
	struct slot slots[SLOTS];
};

enum err
token_cache_new(struct token_cache **out)
{
	struct token_cache *cache = calloc(1, sizeof(*cache));

	if (cache == NULL)
		return err_set(ERR_NOMEM, "token: no memory");
	(void)pthread_mutex_init(&cache->lock, NULL);
	*out = cache;
	return OK;
}

void
token_cache_free(struct token_cache *cache)
{
	if (cache == NULL)
		return;
	(void)pthread_mutex_destroy(&cache->lock);
	free(cache);
}

static struct slot *
slot_of(struct token_cache *cache, const char *digest)
{
	char digits[SLOT_DIGITS + 1] = "";

	memcpy(digits, digest, SLOT_DIGITS);
	return &cache->slots[strtoul(digits, NULL, 16)];
}

bool
token_cache_find(struct token_cache *cache,
    const char digest[CRYPTO_SHA256_HEX], int64_t now_ms,
    struct token_claims *out)
{
	const struct slot *slot = slot_of(cache, digest);
	bool found;

	(void)pthread_mutex_lock(&cache->lock);
	found = strcmp(slot->digest, digest) == 0 &&
		now_ms >= slot->verified_ms && now_ms < slot->claims.expires_ms;
	if (found)
		*out = slot->claims;
	(void)pthread_mutex_unlock(&cache->lock);
	return found;
}

void
token_cache_add(struct token_cache *cache, const char digest[CRYPTO_SHA256_HEX],
    int64_t now_ms, const struct token_claims *claims)
{
	struct slot *slot = slot_of(cache, digest);

	(void)pthread_mutex_lock(&cache->lock);
	memcpy(slot->digest, digest, CRYPTO_SHA256_HEX);
	slot->verified_ms = now_ms;
	slot->claims = *claims;
	(void)pthread_mutex_unlock(&cache->lock);
}

void
token_cache_clear(struct token_cache *cache)
{
	(void)pthread_mutex_lock(&cache->lock);
	memset(cache->slots, 0, sizeof(cache->slots));
	(void)pthread_mutex_unlock(&cache->lock);
}
