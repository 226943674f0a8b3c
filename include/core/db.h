/* PostgreSQL connections, a pool of them, and one way to run a statement. Only
 * db.c uses libpq. Statements are sent without a name unless is_prepared is
 * set, and leave no session state, so that a transaction-mode pooler may stand
 * in between. */
#ifndef CORE_DB_H
#define CORE_DB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/buf.h"
#include "core/err.h"

struct db;      /* one connection */
struct db_pool; /* a few of them, shared by many threads */

/* A file of sql/queries, as src/embed.awk turns it into C. */
#define QUERIES_MAX 256
struct args;
struct query {
	int index;        /* among all, below QUERIES_MAX */
	const char *name; /* for logs: the file's name */
	const char *sql;
	bool is_input; /* a value that does not fit its type came from the
			  caller, not from a row */
	void (*bind)(const void *values, struct args *out); /* NULL: no values
							     */
};

/* A query and its values, a struct q_NAME_args. Only q_NAME_with() makes one,
 * so that the two always belong together. What the values point at must live
 * until the statement has run. A field that is not set is SQL null, 0 or an
 * empty array. */
struct statement {
	const struct query *query;
	const void *values;
};

/* A value of type bytea; ptr NULL is SQL null. */
struct bytes {
	const void *ptr;
	size_t len;
};

/* A SQL array, for statements that take many elements; { 0 } is an empty one.
 * If adding an element fails, running the statement returns that error.
 * q_NAME_args_done() frees all arrays of a statement's values. */
struct array {
	struct buf text; /* in PostgreSQL's syntax; unused while empty */
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
	int query_timeout_ms; /* for a statement; a connection that exceeds it
				 is dropped */
	int connect_timeout_ms;
	bool is_prepared; /* name statements on the server, so that it plans
			     each once; not behind a transaction-mode pooler */
};

/* Opens no connection yet. The texts of options are copied. ERR_CONFIG: url is
 * not one. */
enum err db_pool_new(
    const struct db_options *options, struct db_pool **out) MUST_CHECK;
void db_pool_free(struct db_pool *pool);

/* Borrow a connection that works, and open one if need be, until deadline_ms
 * (clock_mono_ms()). ERR_DB: none was free in time, or the database cannot be
 * reached. Give it back with db_put(), which takes NULL too and closes a
 * connection that is not idle. */
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
/* A bytea value; the caller frees *out, which is NULL for SQL null. */
enum err rows_bytes(const struct rows *rows, size_t row, const char *column,
    unsigned char **out, size_t *len) MUST_CHECK;
void rows_done(struct rows *rows);

/* Run one statement in a transaction of its own. rows may be NULL when nothing
 * is wanted. ERR_CONFLICT: a constraint, or a trigger of Flowpin's own, refused
 * it. ERR_BUSY: lock timeout, deadlock or serialization failure; try again.
 * ERR_INPUT or ERR_DATA: a value does not fit its type, and the query's
 * is_input says which of the two. ERR_SCHEMA: something is not there, or there
 * is no right to it. ERR_DB: the connection broke or the statement timed out,
 * and it is not known whether it was committed. ERR_BUG: the statement is
 * wrong. */
enum err db_run(
    struct db *db, struct statement statement, struct rows *rows) MUST_CHECK;

/* One of several statements that are run together. */
struct db_step {
	struct statement statement;
	struct rows rows; /* out; the caller's to end with rows_done() */
};

/* Run steps in one round trip and one transaction: each step sees what those
 * before it did, and either all are committed or none. query_timeout_ms is for
 * all of them together. The error is that of the first step that failed; then
 * no step has rows. A connection that broke or timed out may only be given to
 * db_put() then. */
enum err db_run_all(
    struct db *db, struct db_step *steps, size_t count) MUST_CHECK;

/* Borrow, run, give back. */
enum err db_pool_run(struct db_pool *pool, int64_t deadline_ms,
    struct statement statement, struct rows *rows) MUST_CHECK;
enum err db_pool_run_all(struct db_pool *pool, int64_t deadline_ms,
    struct db_step *steps, size_t count) MUST_CHECK;

/* Run a text of several statements without values, for flowpinctl only. */
enum err db_script(struct db *db, const char *sql) MUST_CHECK;

/* The number of the server process, as the connection was told when it was
 * opened. A pooler tells a number of its own. */
int db_backend_pid(const struct db *db);

/* The constraint behind this thread's last ERR_CONFLICT; "" if not known. */
const char *db_constraint(void);
/* Was that conflict one with a row that exists already (a unique
 * constraint)? */
bool db_is_duplicate(void);

#endif
