/* Connections as their owner manages them; never a key comes out. */
#ifndef CORE_STORE_CONNECTION_H
#define CORE_STORE_CONNECTION_H

#include "core/store/store.h"

/* *json: an array, or with connection_id that one (ERR_NOTFOUND). */
enum err connection_list(
    const struct store *store, const char *user_id, char **json) MUST_CHECK;
enum err connection_read(const struct store *store, const char *user_id,
    const char *connection_id, char **json) MUST_CHECK;

/* conn: id, user_id, type, label, metadata and the sealed key. */
enum err connection_add(
    const struct store *store, const struct connection *conn) MUST_CHECK;

/* What is NULL stays. A new key revives a connection and ends any run that is
 * under way under the old one. */
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

/* Take note of rows of integrations that no trigger told of. connection_id
 * NULL: all. */
enum err connection_note(
    const struct store *store, const char *connection_id) MUST_CHECK;

/* The next connection whose key stands in Flowpin's row in plain, after this
 * one (NULL: the first); ERR_NOTFOUND: there is none. */
enum err connection_plain(const struct store *store, const char *after,
    struct connection *out) MUST_CHECK;

/* Keep conn's key sealed from now on, and empty Flowpin's column. conn: id, key
 * and the sealed key. ERR_CONFLICT: conn->key stands there no more, or nobody
 * took note of it yet. */
enum err connection_seal(
    const struct store *store, const struct connection *conn) MUST_CHECK;

/* Merge what a poll learnt into Flowpin's metadata, if that changes it. */
enum err connection_publish(const struct store *store,
    const char *connection_id, const char *patch) MUST_CHECK;

/* Fill conn from the columns that statements return of a connection. */
enum err connection_from_row(
    const struct rows *rows, size_t row, struct connection *conn) MUST_CHECK;

struct provider_health {
	char type[16];
	int64_t connections, without_key, auth_failed, failing;
	int64_t last_complete_run_age_s; /* -1: never */
};
/* One element per type given, in their order by name. */
enum err connection_health(const struct store *store, const char *const *types,
    size_t count, struct provider_health *out) MUST_CHECK;

#endif
