/* The keys of connections, between their sealed form in the database and the
 * moment of use. */
#ifndef CORE_KEYS_H
#define CORE_KEYS_H

#include "core/crypto.h"
#include "core/model.h"

/* Fill conn->key from its sealed form. ERR_AUTH: it has none. Else as
 * crypto_open(). */
enum err keys_open(
    const struct crypto_keys *keys, struct connection *conn) MUST_CHECK;

/* Fill conn's sealed form and key_id for secret, bound to conn's user_id and
 * id, which must be set. */
enum err keys_seal(const struct crypto_keys *keys, const char *secret,
    struct connection *conn) MUST_CHECK;

#endif
