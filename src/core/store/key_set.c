#include "core/store/key_set.h"

#include <stdlib.h>
#include <string.h>

#include "queries.h"

enum err
key_set_read(
    const struct store *store, const char *url, char **jwks, int64_t *age_ms)
{
	const struct q_key_set_read_args args = { .url = url };
	struct rows rows = { 0 };
	enum err err = store_run(store, q_key_set_read_with(&args), &rows);

	if (!err && rows_count(&rows) == 0)
		err = err_set(ERR_NOTFOUND, "no keys were ever fetched");
	if (!err) {
		*jwks = strdup(rows_text(&rows, 0, "keys"));
		*age_ms = rows_int(&rows, 0, "age_ms");
		if (!*jwks)
			err = err_set(ERR_NOMEM, "no memory for keys");
	}
	rows_done(&rows);
	return err;
}

enum err
key_set_write(const struct store *store, const char *url, const char *jwks)
{
	const struct q_key_set_write_args args = { .url = url, .keys = jwks };
	struct rows rows = { 0 };
	enum err err = store_run(store, q_key_set_write_with(&args), &rows);

	rows_done(&rows);
	return err;
}
