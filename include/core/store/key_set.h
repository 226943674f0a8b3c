/* Key sets of auth servers, as they were last fetched. */
#ifndef CORE_STORE_KEY_SET_H
#define CORE_STORE_KEY_SET_H

#include <stdint.h>

#include "core/store/store.h"

/* The key set that was last fetched from url. The caller frees *jwks; *age_ms
 * is the time since then. ERR_NOTFOUND: none ever was. */
enum err key_set_read(const struct store *store, const char *url, char **jwks,
    int64_t *age_ms) MUST_CHECK;

enum err key_set_write(
    const struct store *store, const char *url, const char *jwks) MUST_CHECK;

#endif
