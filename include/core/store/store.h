/* What all of the store shares: the pool, the times that its statements need,
 * and lists that are passed on as the JSON that the database made. */
#ifndef CORE_STORE_STORE_H
#define CORE_STORE_STORE_H

#include "core/db.h"
#include "core/model.h"

struct commits;

struct store {
	struct db_pool *pool;
	int wait_ms;        /* how long to wait for a connection */
	int64_t give_up_ms; /* age at which a writeback is given up */
	/* a wish for a recurring item that came by row waits this long */
	int64_t recurring_grace_ms;
	/* for this long a write that was not answered may still take effect */
	int64_t doubt_ms;
	struct commits *begins, *settles; /* NULL: each call commits alone */
	struct commits *quiets; /* a poller's; NULL before run_share() */
};

/* A page of a listing. */
struct listing {
	char *json;        /* an array */
	char *next_cursor; /* NULL: that was all */
};
void listing_done(struct listing *listing);

/* As db_pool_run(), waiting at most wait_ms for a connection. */
enum err store_run(const struct store *store, struct statement statement,
    struct rows *rows) MUST_CHECK;

/* As db_pool_run_all(), with the same wait. */
enum err store_run_all(
    const struct store *store, struct db_step *steps, size_t count) MUST_CHECK;

/* Can the database be written to? ERR_DB with the reason if not. */
enum err store_probe(const struct store *store) MUST_CHECK;

/* The text of one column of the first row ("null" for SQL null); the caller
 * frees *json. ERR_NOTFOUND if there is no row. */
enum err store_one(const struct store *store, struct statement statement,
    const char *column, char **json) MUST_CHECK;

#endif
