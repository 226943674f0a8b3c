/* What all files of the store share. */
#include "core/store/store.h"

#include <stdlib.h>
#include <string.h>

#include "core/clock.h"
#include "queries.h"

void
listing_done(struct listing *listing)
{
	free(listing->json);
	free(listing->next_cursor);
	memset(listing, 0, sizeof(*listing));
}

enum err
store_run(
    const struct store *store, struct statement statement, struct rows *rows)
{
	return db_pool_run(
	    store->pool, clock_mono_ms() + store->wait_ms, statement, rows);
}

enum err
store_run_all(const struct store *store, struct db_step *steps, size_t count)
{
	return db_pool_run_all(
	    store->pool, clock_mono_ms() + store->wait_ms, steps, count);
}

enum err
store_probe(const struct store *store)
{
	struct rows rows = { 0 };
	enum err err = store_run(store, q_write_probe_with(), &rows);

	rows_done(&rows);
	return err;
}

enum err
store_one(const struct store *store, struct statement statement,
    const char *column, char **json)
{
	struct rows rows = { 0 };
	const char *text;
	enum err err = store_run(store, statement, &rows);

	if (err)
		goto out;
	if (rows_count(&rows) == 0) {
		err = err_set(
		    ERR_NOTFOUND, "%s: no such row", statement.query->name);
		goto out;
	}
	text = rows_text(&rows, 0, column);
	*json = strdup(text ? text : "null");
	if (!*json)
		err = err_set(ERR_NOMEM, "no memory for a row");
out:
	rows_done(&rows);
	return err;
}
