/* PostgreSQL connections, a pool of them, and one way to run a statement.
 * The only room that knows libpq. Statements go out unnamed unless configured
 * otherwise, and leave no session state, so that a transaction-mode pooler may
 * stand in between. */
#ifndef CORE_DB_H
#define CORE_DB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/buf.h"
#include "core/err.h"

struct db;      /* one connection */
struct db_pool; /* a few of them, shared by many threads */

/* A file of sql/queries, as src/embed.awk makes it. */
#define QUERIES_MAX 256
struct args;
struct query {
	int index;        /* among all, below QUERIES_MAX */
	const char *name; /* for logs: the file's name */
	const char *sql;
	bool is_input; /* a value that its type refuses came from the caller */
	void (*bind)(const void *values, struct args *out); /* NULL: no values
							     */
};

/* A query and its values, a struct q_NAME_args: q_NAME_with() is the only one
 * to pair them. What they point at must live until the statement ran. A field
 * that is not set is SQL null, or 0, or an empty array. */
struct statement {
	const struct query *query;
	const void *values;
};

/* A value of type bytea; ptr NULL is SQL null. */
struct bytes {
	const void *ptr;
	size_t len;
};

/* A SQL array, for set-based statements; { 0 } is an empty one. A failure while
 * adding is told by who runs the statement. q_NAME_args_done() frees all arrays
 * of a statement's values. */
struct array {
	struct buf text; /* as PostgreSQL reads it; nothing while empty */
	size_t count;
	enum err failed;
};
void array_text(struct array *array, const char *value); /* NULL: null */
void array_int(struct array *array, int64_t value);
void array_bool(struct array *array, bool value);
void array_done(struct array *array);

struct db_options {
	const char *url;      /* libpq's: URL or key=value */
	const char *app_name; /* application_name */
	int connections;      /* at most */
	int query_timeout_ms; /* a statement's; then the connection is dropped
			       */
	int connect_timeout_ms;
	bool is_prepared; /* name statements on the server, so that it plans
			     each once; not behind a transaction-mode pooler */
};

/* Opens no connection yet. url is copied. ERR_CONFIG: it is none. */
enum err db_pool_new(
    const struct db_options *options, struct db_pool **out) MUST_CHECK;
void db_pool_free(struct db_pool *pool);

/* Borrow a connection that works, connecting if need be; give up at
 * deadline_ms (clock_mono_ms()). ERR_TIMEOUT: none was free in time; ERR_DB:
 * the database cannot be reached. Give it back with db_put(). */
enum err db_get(
    struct db_pool *pool, int64_t deadline_ms, struct db **out) MUST_CHECK;
void db_put(struct db_pool *pool, struct db *db);

/* What a statement returned. Values are borrowed until rows_done(). */
struct rows {
	void *result;
};
size_t rows_count(const struct rows *rows);
/* Values by column name; NULL (or 0, false) for SQL null. Asking for a column
 * that the statement does not return is a programmer's mistake. */
const char *rows_text(const struct rows *rows, size_t row, const char *column);
/* Into out, cut if it is too long for it; "" for SQL null. */
void rows_copy(const struct rows *rows, size_t row, const char *column,
    char *out, size_t size);
int64_t rows_int(const struct rows *rows, size_t row, const char *column);
bool rows_bool(const struct rows *rows, size_t row, const char *column);
/* bytea; *out is freed by the caller, NULL for null */
enum err rows_bytes(const struct rows *rows, size_t row, const char *column,
    unsigned char **out, size_t *len) MUST_CHECK;
void rows_done(struct rows *rows);

/* Run one statement in a transaction of its own. rows may be NULL when nothing
 * is wanted. ERR_CONFLICT: a constraint refused it; ERR_BUSY: lock timeout,
 * deadlock or serialization, try again; ERR_INPUT and ERR_DATA: a value that
 * its type refuses, from the caller or in a row, as the query says; ERR_DB: the
 * connection broke or the statement timed out, and it is not known whether it
 * was committed; ERR_BUG: the statement is wrong. */
enum err db_run(
    struct db *db, struct statement statement, struct rows *rows) MUST_CHECK;

/* One of several statements that are run together. */
struct db_step {
	struct statement statement;
	struct rows rows; /* out; the caller's to end with rows_done() */
};

/* Run steps in one round trip and one transaction: each sees what those before
 * it did, and all of them are committed or none. All have query_timeout_ms
 * together. On failure, which is the first step's that failed, no step has
 * rows. A connection that broke, or was late, is good for nothing but db_put().
 */
enum err db_run_all(
    struct db *db, struct db_step *steps, size_t count) MUST_CHECK;

/* Borrow, run, give back. */
enum err db_pool_run(struct db_pool *pool, int64_t deadline_ms,
    struct statement statement, struct rows *rows) MUST_CHECK;
enum err db_pool_run_all(struct db_pool *pool, int64_t deadline_ms,
    struct db_step *steps, size_t count) MUST_CHECK;

/* A text of several statements, for migrations only: no values. */
enum err db_script(struct db *db, const char *sql) MUST_CHECK;

/* Which of the server's processes the connection was told that it has; a pooler
 * tells a number of its own. */
int db_backend_pid(const struct db *db);

/* The constraint that caused the last ERR_CONFLICT of this thread, "" if not
 * known. */
const char *db_constraint(void);
/* Was it that such a row is there already? */
bool db_is_duplicate(void);

#endif
