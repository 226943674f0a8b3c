/* What the pool needs to know of one connection. db.c, db_address.c and
 * db_url.c alone use libpq. */
#ifndef SRC_CORE_DB_CONN_H
#define SRC_CORE_DB_CONN_H

#include "core/db.h"

/* The URL as libpq wants it, the caller's to free: parameters of other drivers
 * that are known are left out, with a warning. ERR_CONFIG: it is not one of a
 * database, or has a parameter that nobody knows; the sentence has nothing of
 * the password. */
enum err db_url_read(const char *url, char **out) MUST_CHECK;

/* Open a connection by deadline_ms (clock_mono_ms()) and within
 * connect_timeout_ms. options is not kept. ERR_DB, ERR_NOMEM. */
enum err db_open(const struct db_options *options, int64_t deadline_ms,
    struct db **out) MUST_CHECK;
void db_close(struct db *db);

/* Is nothing under way on it, so that another thread may have it? */
bool db_is_idle(const struct db *db);

/* Does it still work after a while in the pool, and is it young enough? A
 * server that went away has closed the socket; what rested for some seconds is
 * tried, which takes a second at most. */
bool db_still_works(struct db *db);
/* From now on it rests in the pool. */
void db_rests(struct db *db);

/* The link to the next one in a list, for the pool. */
struct db **db_next(struct db *db);

#endif
