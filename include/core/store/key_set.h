/* Keys that auth servers publish, as they were last fetched. */
#ifndef CORE_STORE_KEY_SET_H
#define CORE_STORE_KEY_SET_H

#include <stdint.h>

#include "core/store/store.h"

/* *jwks is the caller's to free; *age_ms: since it was fetched. ERR_NOTFOUND:
 * never. */
enum err key_set_read(const struct store *store, const char *url, char **jwks,
    int64_t *age_ms) MUST_CHECK;

enum err key_set_write(
    const struct store *store, const char *url, const char *jwks) MUST_CHECK;

#endif
