/* Tokens that were verified, so that a user's next call need not verify the
 * same token again. The key is the token's digest. The digest's first bits
 * choose one slot, so memory is bounded and a newer token takes an older one's
 * place. The verifier owns the cache, and empties it when its keys change. */
#ifndef CORE_TOKEN_CACHE_H
#define CORE_TOKEN_CACHE_H

#include <stdbool.h>

#include "core/token.h"

struct token_cache;

enum err token_cache_new(struct token_cache **out) MUST_CHECK;
void token_cache_free(struct token_cache *cache);

/* Was the token with this digest verified at now_ms or earlier, and does it
 * expire after now_ms? If in doubt, false: the token is verified again. *out is
 * set if true. */
bool token_cache_find(struct token_cache *cache,
    const char digest[CRYPTO_SHA256_HEX], int64_t now_ms,
    struct token_claims *out);
void token_cache_add(struct token_cache *cache,
    const char digest[CRYPTO_SHA256_HEX], int64_t now_ms,
    const struct token_claims *claims);

void token_cache_clear(struct token_cache *cache);

#endif
