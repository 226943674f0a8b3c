/* A sealed key is bound to its row's identity: copied into another user's or
 * another connection's row it does not open. */
#include "core/keys.h"

#include <stdio.h>
#include <stdlib.h>

#define IDENTITY (2 * CRYPTO_UUID + 16)

static void
identity(const struct connection *conn, char out[IDENTITY])
{
	snprintf(out, IDENTITY, "integrations:%s:%s", conn->user_id, conn->id);
}

enum err
keys_open(const struct crypto_keys *keys, struct connection *conn)
{
	char aad[IDENTITY];

	if (conn->key) /* plain in Flowpin's row, or opened before */
		return OK;
	if (!conn->key_sealed)
		return err_set(ERR_AUTH, "the connection has no key");
	identity(conn, aad);
	return crypto_open(keys, conn->key_id, aad, conn->key_sealed,
	    conn->key_sealed_len, &conn->key);
}

enum err
keys_seal(
    const struct crypto_keys *keys, const char *secret, struct connection *conn)
{
	char aad[IDENTITY];

	free(conn->key_sealed);
	conn->key_sealed = NULL;
	identity(conn, aad);
	return crypto_seal(keys, aad, secret, &conn->key_sealed,
	    &conn->key_sealed_len, conn->key_id);
}
