/* What a pool needs to know of one connection. db.c alone knows libpq. */
#ifndef SRC_CORE_DB_CONN_H
#define SRC_CORE_DB_CONN_H

#include "core/db.h"

/* ERR_CONFIG: it is no database's. */
enum err db_check_url(const char *url) MUST_CHECK;

/* What db_open() needs stays the caller's and outlives the connection. */
enum err db_open(const struct db_options *options, int64_t deadline_ms,
    struct db **out) MUST_CHECK;
void db_close(struct db *db);

/* Nothing is under way on it: may another one have it? */
bool db_is_idle(const struct db *db);

/* After a while in the pool: a server that went away has closed the socket. */
bool db_still_works(struct db *db);

/* A list's link, the pool's to use. */
struct db **db_next(struct db *db);

#endif
