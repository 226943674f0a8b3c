/* What all of the store shares: the pool and how long a caller waits for it;
 * and lists that are passed on as JSON, as the database shaped them. */
#ifndef CORE_STORE_STORE_H
#define CORE_STORE_STORE_H

#include "core/db.h"
#include "core/model.h"

struct commits;

struct store {
	struct db_pool *pool;
	int wait_ms;        /* for a free connection */
	int64_t give_up_ms; /* age of a writeback that is given up */
	/* a recurring item's wish that came by row is left alone so long */
	int64_t recurring_grace_ms;
	/* a write that was not answered may yet be carried out for so long */
	int64_t doubt_ms;
	struct commits *begins, *settles; /* NULL: each call commits alone */
	struct commits *quiets;           /* a poller's */
};

/* A page of a listing. */
struct listing {
	char *json;        /* an array, the caller's */
	char *next_cursor; /* NULL: that was all */
};
void listing_done(struct listing *listing);

/* As db_pool_run(), within the store's patience. */
enum err store_run(const struct store *store, struct statement statement,
    struct rows *rows) MUST_CHECK;

/* As db_pool_run_all(), the same. */
enum err store_run_all(
    const struct store *store, struct db_step *steps, size_t count) MUST_CHECK;

/* The one row's JSON column; ERR_NOTFOUND if there is none. *json is the
 * caller's. */
enum err store_one(const struct store *store, struct statement statement,
    const char *column, char **json) MUST_CHECK;

#endif
