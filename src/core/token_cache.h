/* Tokens that were verified, so that a user's next call need not verify the
 * same one again. Keyed by the token's digest; one slot for each value of its
 * first bits, so the memory is bounded and a newer token takes an older one's
 * place. It dies with its verifier, and is emptied when that has other keys. */
#ifndef CORE_TOKEN_CACHE_H
#define CORE_TOKEN_CACHE_H

#include <stdbool.h>

#include "core/token.h"

struct token_cache;

enum err token_cache_new(struct token_cache **out) MUST_CHECK;
void token_cache_free(struct token_cache *cache);

/* Was this digest's token verified at now_ms or earlier, and is it valid until
 * later than now_ms? Whatever is not clear is verified anew. */
bool token_cache_find(struct token_cache *cache,
    const char digest[CRYPTO_SHA256_HEX], int64_t now_ms,
    struct token_claims *out);
void token_cache_add(struct token_cache *cache,
    const char digest[CRYPTO_SHA256_HEX], int64_t now_ms,
    const struct token_claims *claims);

void token_cache_clear(struct token_cache *cache);

#endif
