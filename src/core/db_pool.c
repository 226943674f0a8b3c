/* A few connections, shared by many threads: borrowed, given back, and thrown
 * away when something is under way on them that nobody waits for any more. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/clock.h"
#include "core/db_conn.h"
#include "core/log.h"

/* So long no more sessions are asked for than were granted. */
#define GRANTED_MS 5000

struct db_pool {
	struct db_options options; /* its texts are the pool's own */
	char *url, *app_name;
	int limit, open, opening; /* opening: of the open, not there yet */
	int granted; /* no more were to be had than these, until that moment */
	int64_t granted_until_ms;
	struct db *idle; /* last in, first out: few connections stay busy */
	pthread_mutex_t lock;
	pthread_cond_t freed;
};

enum err
db_pool_new(const struct db_options *options, struct db_pool **out)
{
	char *url = NULL;
	enum err err = db_url_read(options->url, &url);
	struct db_pool *pool;

	if (err)
		return err;
	pool = calloc(1, sizeof(*pool));
	if (!pool) {
		free(url);
		return err_set(ERR_NOMEM, "no memory for a database pool");
	}
	pool->options = *options;
	pool->options.url = pool->url = url;
	pool->options.app_name = pool->app_name = strdup(options->app_name);
	pool->limit = options->connections > 0 ? options->connections : 1;
	pthread_mutex_init(&pool->lock, NULL);
	clock_cond_init(&pool->freed);
	if (!pool->url || !pool->app_name) {
		db_pool_free(pool);
		return err_set(ERR_NOMEM, "no memory for a database pool");
	}
	*out = pool;
	return OK;
}

static struct db *
take_idle(struct db_pool *pool)
{
	struct db *db = pool->idle;

	if (db)
		pool->idle = *db_next(db);
	return db;
}

void
db_pool_free(struct db_pool *pool)
{
	struct db *db;

	if (!pool)
		return;
	while ((db = take_idle(pool)))
		db_close(db);
	pthread_mutex_destroy(&pool->lock);
	pthread_cond_destroy(&pool->freed);
	free(pool->url);
	free(pool->app_name);
	free(pool);
}

static void
forget(struct db_pool *pool, struct db *db)
{
	db_close(db);
	pthread_mutex_lock(&pool->lock);
	pool->open--;
	pthread_cond_signal(&pool->freed);
	pthread_mutex_unlock(&pool->lock);
}

/* All that rest did so for longer than the one that just did not work. */
static void
forget_idle(struct db_pool *pool)
{
	struct db *db;

	for (;;) {
		pthread_mutex_lock(&pool->lock);
		db = take_idle(pool);
		pthread_mutex_unlock(&pool->lock);
		if (!db)
			return;
		forget(pool, db);
	}
}

/* One could not be opened. Are there others to wait for? Not those that are
 * being opened as well: they may fail just so. */
static bool
has_others(struct db_pool *pool, const char *why)
{
	int64_t now_ms = clock_mono_ms();
	char quoted[320];
	bool has;

	pthread_mutex_lock(&pool->lock);
	pool->granted = pool->open - pool->opening;
	has = pool->granted > 0;
	if (has && now_ms >= pool->granted_until_ms)
		log_warn("msg=\"no further database session\" why=%s",
		    log_quote(why, quoted, sizeof(quoted)));
	pool->granted_until_ms = now_ms + GRANTED_MS;
	pthread_mutex_unlock(&pool->lock);
	return has;
}

static bool
is_full(const struct db_pool *pool)
{
	if (pool->open >= pool->limit)
		return true;
	return pool->granted > 0 && pool->open >= pool->granted &&
	       clock_mono_ms() < pool->granted_until_ms;
}

/* An idle one, or the right to open one (*out NULL). */
static enum err
reserve(struct db_pool *pool, int64_t deadline_ms, struct db **out)
{
	enum err err = OK;

	pthread_mutex_lock(&pool->lock);
	while (!(*out = take_idle(pool)) && is_full(pool)) {
		/* nobody tells when the grant is over */
		int64_t until_ms = pool->open < pool->limit &&
					   pool->granted_until_ms < deadline_ms
				       ? pool->granted_until_ms
				       : deadline_ms;

		if (!clock_wait(&pool->freed, &pool->lock, until_ms) &&
		    clock_mono_ms() >= deadline_ms) {
			err = err_set(
			    ERR_DB, "no database connection was free in time");
			break;
		}
	}
	if (!err && !*out) {
		pool->open++;
		pool->opening++;
	}
	pthread_mutex_unlock(&pool->lock);
	return err;
}

/* Where there are others, one that cannot be opened is done without: a pooler
 * may grant fewer than the setting says. */
static enum err
open_one(
    struct db_pool *pool, int64_t deadline_ms, struct db **out, bool *again)
{
	enum err err = db_open(&pool->options, deadline_ms, out);
	char why[300];

	pthread_mutex_lock(&pool->lock);
	pool->opening--;
	if (!err) {
		/* more may be had again */
		pool->granted_until_ms = 0;
		pthread_cond_broadcast(&pool->freed);
	}
	pthread_mutex_unlock(&pool->lock);
	*again = false;
	if (!err)
		return OK;
	snprintf(why, sizeof(why), "%s", err_text());
	forget(pool, NULL);
	*again = err == ERR_DB && has_others(pool, why) &&
		 clock_mono_ms() < deadline_ms;
	return err_set(err, "%s", why);
}

enum err
db_get(struct db_pool *pool, int64_t deadline_ms, struct db **out)
{
	struct db *db;
	bool again;
	enum err err;

	do {
		again = false;
		err = reserve(pool, deadline_ms, &db);
		if (err)
			return err;
		if (!db) {
			err = open_one(pool, deadline_ms, out, &again);
		} else if (db_still_works(db)) {
			*out = db;
		} else {
			forget(pool, db);
			forget_idle(pool);
			again = true;
		}
	} while (again);
	return err;
}

void
db_put(struct db_pool *pool, struct db *db)
{
	if (!db)
		return;
	if (!db_is_idle(db)) {
		forget(pool, db);
		return;
	}
	db_rests(db);
	pthread_mutex_lock(&pool->lock);
	*db_next(db) = pool->idle;
	pool->idle = db;
	pthread_cond_signal(&pool->freed);
	pthread_mutex_unlock(&pool->lock);
}

enum err
db_pool_run(struct db_pool *pool, int64_t deadline_ms,
    struct statement statement, struct rows *rows)
{
	struct db *db = NULL;
	enum err err = db_get(pool, deadline_ms, &db);

	if (err)
		return err;
	err = db_run(db, statement, rows);
	db_put(pool, db);
	return err;
}

enum err
db_pool_run_all(struct db_pool *pool, int64_t deadline_ms,
    struct db_step *steps, size_t count)
{
	struct db *db = NULL;
	enum err err = db_get(pool, deadline_ms, &db);

	if (err)
		return err;
	err = db_run_all(db, steps, count);
	db_put(pool, db);
	return err;
}
