/* Connections as their owner manages them: JSON, without keys. Then what runs,
 * operators and monitors need of them. */
#ifndef CORE_STORE_CONNECTION_H
#define CORE_STORE_CONNECTION_H

#include "core/store/store.h"

/* All connections of a user as a JSON array, or one as an object
 * (ERR_NOTFOUND). The caller frees *json. */
enum err connection_list(
    const struct store *store, const char *user_id, char **json) MUST_CHECK;
enum err connection_read(const struct store *store, const char *user_id,
    const char *connection_id, char **json) MUST_CHECK;

#define CONNECTIONS_MOST 100 /* of a user, by calls */

/* Add a connection, which is due at once. conn has id, user_id, type, label,
 * metadata and the sealed key. ERR_CONFLICT: it is there, or the user has
 * CONNECTIONS_MOST. ERR_INPUT. */
enum err connection_add(
    const struct store *store, const struct connection *conn) MUST_CHECK;

/* What is NULL stays as it is. A new key makes a refused connection active
 * again and ends any run that is under way under the old one. ERR_NOTFOUND, as
 * from the next two: the user has no such connection. */
struct connection_change {
	const char *label;
	const struct connection *sealed; /* its sealed key */
	const bool *writeback;
	const bool *is_active; /* false: paused */
};
enum err connection_update(const struct store *store, const char *user_id,
    const char *connection_id,
    const struct connection_change *change) MUST_CHECK;
enum err connection_delete(const struct store *store, const char *user_id,
    const char *connection_id) MUST_CHECK;
enum err connection_poll_now(const struct store *store, const char *user_id,
    const char *connection_id) MUST_CHECK;

/* Take note of rows of integrations that changed without a trigger telling the
 * gateway. connection_id NULL: of all. */
enum err connection_note(
    const struct store *store, const char *connection_id) MUST_CHECK;

/* The next connection whose key stands in Flowpin's row in plain text, after
 * the one with this id (NULL: the first). Fills in id, user_id, type and key;
 * the caller calls connection_done(). ERR_NOTFOUND: there is none. */
enum err connection_plain(const struct store *store, const char *after,
    struct connection *out) MUST_CHECK;

/* Keep conn's key sealed from now on, and empty Flowpin's column. conn has id,
 * key and the sealed key. ERR_CONFLICT: that key no longer stands there, or
 * nobody took note of it yet. */
enum err connection_seal(
    const struct store *store, const struct connection *conn) MUST_CHECK;

/* Merge what a run learnt (patch, a JSON object) into Flowpin's metadata, if
 * that changes it. */
enum err connection_publish(const struct store *store,
    const char *connection_id, const char *patch) MUST_CHECK;

/* Fill conn from the columns of the view gateway.connection_use; user_id is
 * left to the caller. conn stays empty if the connection was deleted. On
 * failure too, conn is ended with connection_done(). */
enum err connection_from_row(
    const struct rows *rows, size_t row, struct connection *conn) MUST_CHECK;

struct provider_health {
	char type[16];
	int64_t connections, without_key, auth_failed, failing;
	int64_t last_complete_run_age_s; /* -1: never */
};
/* One element for each of count types, sorted by the type's name. */
enum err connection_health(const struct store *store, const char *const *types,
    size_t count, struct provider_health *out) MUST_CHECK;

#endif
