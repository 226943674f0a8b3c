/* The keys of connections, between their sealed form in the database and their
 * use. */
#ifndef CORE_KEYS_H
#define CORE_KEYS_H

#include "core/crypto.h"
#include "core/model.h"

/* Fill conn->key from its sealed form, unless it is there already. ERR_AUTH:
 * the connection has no key. Else as crypto_open(). */
enum err keys_open(
    const struct crypto_keys *keys, struct connection *conn) MUST_CHECK;

/* Replace conn's sealed key and key_id by those of secret. The sealed form is
 * bound to conn's user_id and id, which must be set. Fails as crypto_seal()
 * does. */
enum err keys_seal(const struct crypto_keys *keys, const char *secret,
    struct connection *conn) MUST_CHECK;

#endif
