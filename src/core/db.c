/* libpq and nothing else. A statement is sent without waiting, then its socket
 * is watched with a deadline: a database that hangs costs a bounded time, and
 * the connection, whose state is unknown then, is thrown away. */
#include "core/db_conn.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <libpq-fe.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/clock.h"
#include "core/db_address.h"
#include "core/db_args.h"
#include "core/log.h"

struct db {
	PGconn *conn;
	int query_timeout_ms;
	bool is_prepared;
	bool has[QUERIES_MAX];      /* prepared on this connection */
	struct db *next;            /* the pool's */
	int64_t opened_ms, idle_ms; /* when; idle: since */
	bool is_spent; /* it will not do what it is asked, another might */
};

#define AGE_MS 1800000 /* a session is replaced at that age */
#define IDLE_MS 60000  /* and closed when it rested so long, */
#define TRUST_MS 5000  /* tried when it rested so long, */
#define TRY_MS 1000    /* and waited for so long then */

static _Thread_local char constraint[64];
static _Thread_local bool is_duplicate;

bool
db_is_duplicate(void)
{
	return is_duplicate;
}

const char *
db_constraint(void)
{
	return constraint;
}

void
db_close(struct db *db)
{
	if (!db)
		return;
	PQfinish(db->conn);
	free(db);
}

/* libpq's messages end in newlines and may span lines; one line for the log,
 * without the hints that begin with a tab. Once check_url() let the URL through
 * they do not hold the password. */
static enum err
set_from_libpq(enum err code, const char *what, const char *message)
{
	char line[480];
	size_t n = 0;

	while (*message && n < sizeof(line) - 1) {
		if (*message == '\t') {
			message += strcspn(message, "\n");
			continue;
		}
		line[n++] = *message == '\n' ? ' ' : *message;
		message++;
	}
	while (n > 0 && line[n - 1] == ' ')
		n--;
	line[n] = '\0';
	return err_set(code, "%s: %s", what, line);
}

/* Wait for the socket; false at the deadline. */
static bool
wait_socket(int fd, short events, int64_t deadline_ms)
{
	struct pollfd p = { .fd = fd, .events = events };
	int64_t left;
	int n;

	for (;;) {
		left = deadline_ms - clock_mono_ms();
		if (left <= 0)
			return false;
		n = poll(&p, 1, left > INT32_MAX ? INT32_MAX : (int)left);
		if (n > 0)
			return true;
		if (n < 0 && errno != EINTR)
			return false;
	}
}

static enum err
connect_until(PGconn *conn, int64_t deadline_ms)
{
	PostgresPollingStatusType state = PGRES_POLLING_WRITING;

	if (PQstatus(conn) == CONNECTION_BAD)
		return set_from_libpq(
		    ERR_DB, "cannot reach the database", PQerrorMessage(conn));
	while (state != PGRES_POLLING_OK) {
		short events =
		    state == PGRES_POLLING_READING ? POLLIN : POLLOUT;

		if (!wait_socket(PQsocket(conn), events, deadline_ms))
			return err_set(ERR_DB,
			    "cannot reach the database: no answer in time");
		state = PQconnectPoll(conn);
		if (state == PGRES_POLLING_FAILED)
			return set_from_libpq(ERR_DB,
			    "cannot reach the database", PQerrorMessage(conn));
	}
	return OK;
}

static void
no_notices(void *arg, const PGresult *result)
{
	(void)arg;
	(void)result; /* `if not exists` and the like: of no use in a log */
}

/* One address of those that the URL may mean. */
static enum err
connect_to(const struct db_options *options, const struct address *address,
    int64_t deadline_ms, PGconn **out)
{
	/* before dbname: what the URL says itself wins; after it: we do */
	const char *const names[] = { "tcp_user_timeout", "keepalives_idle",
		"keepalives_interval", "keepalives_count", "dbname", "host",
		"hostaddr", "port", "fallback_application_name",
		"client_encoding", NULL };
	const char *const values[] = { "10000", "30", "10", "3", options->url,
		address->host[0] ? address->host : NULL,
		address->number[0] ? address->number : NULL,
		address->port[0] ? address->port : NULL, options->app_name,
		"UTF8", NULL };
	enum err err;

	*out = PQconnectStartParams(names, values, 1);
	if (!*out)
		return err_set(ERR_NOMEM, "no memory for a connection");
	err = connect_until(*out, deadline_ms);
	if (!err)
		return OK;
	PQfinish(*out);
	*out = NULL;
	return err;
}

/* A silent address has only its share of the time: the next one may answer. */
static enum err
connect_to_any(
    const struct db_options *options, int64_t deadline_ms, PGconn **out)
{
	struct address list[ADDRESSES_MOST];
	size_t n;
	enum err err = address_list(options->url, deadline_ms, list, &n);

	*out = NULL;
	for (size_t i = 0; !*out && i < n && err != ERR_NOMEM; i++) {
		int64_t now_ms = clock_mono_ms();

		err = connect_to(options, &list[i],
		    now_ms + (deadline_ms - now_ms) / (int64_t)(n - i), out);
	}
	return err;
}

enum err
db_open(const struct db_options *options, int64_t deadline_ms, struct db **out)
{
	int64_t limit = clock_mono_ms() + options->connect_timeout_ms;
	struct db *db = calloc(1, sizeof(*db));
	enum err err;

	if (!db)
		return err_set(ERR_NOMEM, "no memory for a connection");
	db->query_timeout_ms = options->query_timeout_ms;
	db->is_prepared = options->is_prepared;
	err = connect_to_any(
	    options, limit < deadline_ms ? limit : deadline_ms, &db->conn);
	if (err) {
		db_close(db);
		return err;
	}
	/* sending must not block either; flushing is waited for */
	(void)PQsetnonblocking(db->conn, 1);
	PQsetNoticeReceiver(db->conn, no_notices, NULL);
	db->opened_ms = db->idle_ms = clock_mono_ms();
	*out = db;
	return OK;
}

bool
db_is_idle(const struct db *db)
{
	return !db->is_spent && PQstatus(db->conn) == CONNECTION_OK &&
	       PQtransactionStatus(db->conn) == PQTRANS_IDLE &&
	       PQpipelineStatus(db->conn) == PQ_PIPELINE_OFF;
}

struct db **
db_next(struct db *db)
{
	return &db->next;
}

static PGresult *result_until(PGconn *conn, int64_t deadline_ms);

/* A socket that the server has closed is readable. */
static bool
is_open(struct db *db)
{
	struct pollfd p = { .fd = PQsocket(db->conn), .events = POLLIN };

	if (PQstatus(db->conn) != CONNECTION_OK)
		return false;
	if (poll(&p, 1, 0) == 0)
		return true;
	return PQconsumeInput(db->conn) &&
	       PQstatus(db->conn) == CONNECTION_OK && !PQisBusy(db->conn) &&
	       poll(&p, 1, 0) == 0;
}

/* What stands between may have forgotten it and drop all that is sent: ask
 * something that needs no time. */
static bool
answers(struct db *db)
{
	PGresult *result;
	bool is_fine;

	if (!PQsendQuery(db->conn, ""))
		return false;
	result = result_until(db->conn, clock_mono_ms() + TRY_MS);
	is_fine = PQresultStatus(result) == PGRES_EMPTY_QUERY;
	PQclear(result);
	return is_fine;
}

bool
db_still_works(struct db *db)
{
	int64_t now_ms = clock_mono_ms();

	if (now_ms > db->opened_ms + AGE_MS || now_ms > db->idle_ms + IDLE_MS ||
	    !is_open(db))
		return false;
	return now_ms < db->idle_ms + TRUST_MS || answers(db);
}

void
db_rests(struct db *db)
{
	db->idle_ms = clock_mono_ms();
}

size_t
rows_count(const struct rows *rows)
{
	return rows->result ? (size_t)PQntuples(rows->result) : 0;
}

const char *
rows_text(const struct rows *rows, size_t row, const char *column)
{
	int c = PQfnumber(rows->result, column);

	assert(c >= 0);
	if (PQgetisnull(rows->result, (int)row, c))
		return NULL;
	return PQgetvalue(rows->result, (int)row, c);
}

void
rows_copy(const struct rows *rows, size_t row, const char *column, char *out,
    size_t size)
{
	const char *text = rows_text(rows, row, column);

	snprintf(out, size, "%s", text ? text : "");
}

int64_t
rows_int(const struct rows *rows, size_t row, const char *column)
{
	const char *text = rows_text(rows, row, column);

	return text ? strtoll(text, NULL, 10) : 0;
}

bool
rows_bool(const struct rows *rows, size_t row, const char *column)
{
	const char *text = rows_text(rows, row, column);

	return text && text[0] == 't';
}

enum err
rows_bytes(const struct rows *rows, size_t row, const char *column,
    unsigned char **out, size_t *len)
{
	const char *text = rows_text(rows, row, column);
	unsigned char *bytes, *copy;
	size_t n;

	*out = NULL;
	*len = 0;
	if (!text)
		return OK;
	bytes = PQunescapeBytea((const unsigned char *)text, &n);
	copy = bytes ? malloc(n ? n : 1) : NULL;
	if (copy) {
		memcpy(copy, bytes, n);
		*out = copy;
		*len = n;
	}
	PQfreemem(bytes);
	return copy ? OK : err_set(ERR_NOMEM, "no memory for a value");
}

void
rows_done(struct rows *rows)
{
	PQclear(rows->result);
	rows->result = NULL;
}

/* The next answer to what was sent; NULL after a statement's last one. False at
 * the deadline. */
static bool
next_result(PGconn *conn, int64_t deadline_ms, PGresult **out)
{
	while (PQflush(conn) > 0) {
		if (!wait_socket(PQsocket(conn), POLLIN | POLLOUT, deadline_ms))
			return false;
		/* the server may not read on before its answers are read */
		if (!PQconsumeInput(conn))
			break;
	}
	while (PQisBusy(conn)) {
		if (!wait_socket(PQsocket(conn), POLLIN, deadline_ms))
			return false;
		if (!PQconsumeInput(conn))
			break;
	}
	*out = PQgetResult(conn);
	return true;
}

/* The answer of a statement that was sent. NULL at the deadline, or when the
 * connection broke without one. */
static PGresult *
result_until(PGconn *conn, int64_t deadline_ms)
{
	PGresult *last = NULL, *result;

	for (;;) {
		if (!next_result(conn, deadline_ms, &result)) {
			PQclear(last);
			return NULL;
		}
		if (!result)
			return last;
		/* of several statements the first failure is the answer */
		if (last && PQresultStatus(last) == PGRES_FATAL_ERROR) {
			PQclear(result);
			continue;
		}
		PQclear(last);
		last = result;
	}
}

/* Something is not there, or there is no right to it: what migrating mends, and
 * not a change of the program. */
static bool
is_setup(const char *sqlstate)
{
	static const char *const states[] = { "42P01", "42883", "42704",
		"42703", "42501" };

	for (size_t i = 0; i < sizeof(states) / sizeof(states[0]); i++)
		if (!strcmp(sqlstate, states[i]))
			return true;
	return false;
}

/* SQLSTATE classes of PostgreSQL's appendix A that callers tell apart. */
static enum err
code_of(const char *sqlstate, const struct query *q)
{
	if (!sqlstate)
		return ERR_DB;
	if (!strncmp(sqlstate, "23", 2))
		return ERR_CONFLICT;
	/* raised by a trigger of the app's own; by a script's own doing else */
	if (q->sql && !strcmp(sqlstate, "P0001"))
		return ERR_CONFLICT;
	if (!strcmp(sqlstate, "55P03") || !strncmp(sqlstate, "40", 2))
		return ERR_BUSY;
	if (!strncmp(sqlstate, "22", 2))
		return q->is_input ? ERR_INPUT : ERR_DATA;
	if (is_setup(sqlstate))
		return ERR_SCHEMA;
	return strncmp(sqlstate, "42", 2) ? ERR_DB : ERR_BUG;
}

/* A session that a server gave before it was read-only, or while it was, stays
 * as it is: another one must be opened. The same of one that is being ended. */
static bool
is_spent(const char *sqlstate)
{
	return sqlstate &&
	       (!strcmp(sqlstate, "25006") || !strncmp(sqlstate, "57P", 3) ||
		   !strncmp(sqlstate, "08", 2));
}

static enum err
judge(struct db *db, const struct query *q, PGresult *result)
{
	PGconn *conn = db->conn;
	const char *field;
	char quoted[400];
	enum err code, err;

	if (!result)
		return err_set(
		    ERR_DB, "%s: no answer from the database", q->name);
	switch (PQresultStatus(result)) {
	case PGRES_COMMAND_OK:
	case PGRES_TUPLES_OK:
		return OK;
	default:
		break;
	}
	field = PQresultErrorField(result, PG_DIAG_CONSTRAINT_NAME);
	snprintf(constraint, sizeof(constraint), "%s", field ? field : "");
	field = PQresultErrorField(result, PG_DIAG_SQLSTATE);
	is_duplicate = field && !strcmp(field, "23505");
	db->is_spent = db->is_spent || is_spent(field);
	field = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
	code = code_of(PQresultErrorField(result, PG_DIAG_SQLSTATE), q);
	err =
	    set_from_libpq(code, q->name, field ? field : PQerrorMessage(conn));
	log_quote(err_text(), quoted, sizeof(quoted));
	if (code == ERR_DATA ||
	    (code == ERR_CONFLICT && q->sql && !q->is_input))
		log_warn(
		    "query=%s err=%s msg=%s", q->name, err_name(code), quoted);
	/* these two are shown to clients, who get no words of the database */
	if (code == ERR_INPUT || code == ERR_CONFLICT) {
		log_debug("query=%s msg=%s", q->name, quoted);
		err = err_set(code, code == ERR_INPUT
					? "A value is out of its range."
					: "This conflicts with what is there.");
	}
	return err;
}

static enum err
not_sent(struct db *db, const struct query *q)
{
	return set_from_libpq(ERR_DB, q->name, PQerrorMessage(db->conn));
}

static enum err
finish(struct db *db, const struct query *q, struct rows *rows)
{
	int64_t deadline_ms = clock_mono_ms() + db->query_timeout_ms;
	PGresult *result = result_until(db->conn, deadline_ms);
	enum err err = judge(db, q, result);

	if (err || !rows)
		PQclear(result);
	else
		rows->result = result;
	return err;
}

/* The first time on this connection costs one round trip more. */
static enum err
prepare(struct db *db, const struct query *q)
{
	enum err err;

	assert(q->index < QUERIES_MAX);
	if (!db->is_prepared || db->has[q->index])
		return OK;
	if (!PQsendPrepare(db->conn, q->name, q->sql, 0, NULL))
		return not_sent(db, q);
	err = finish(db, q, NULL);
	db->has[q->index] = !err;
	return err;
}

/* libpq copies what it sends: the values are free again. */
static enum err
send_statement(struct db *db, const struct statement *statement)
{
	const struct query *q = statement->query;
	struct args args = { 0 };
	enum err err;
	int sent;

	if (q->bind)
		q->bind(statement->values, &args);
	err = args.failed;
	if (err)
		goto out;
	sent = db->is_prepared ? PQsendQueryPrepared(db->conn, q->name,
				     args.count, args.values, NULL, NULL, 0)
			       : PQsendQueryParams(db->conn, q->sql, args.count,
				     NULL, args.values, NULL, NULL, 0);
	if (!sent)
		err = not_sent(db, q);
out:
	args_done(&args);
	return err;
}

enum err
db_run(struct db *db, struct statement statement, struct rows *rows)
{
	enum err err = prepare(db, statement.query);

	if (!err)
		err = send_statement(db, &statement);
	return err ? err : finish(db, statement.query, rows);
}

/* --- several at once ---------------------------------------------------------
 */

/* Without an answer read, nor even all sent, on failure: the connection is of
 * no use then. The sync at the end is what commits. */
static enum err
send_all(struct db *db, const struct db_step *steps, size_t count)
{
	enum err err = OK;

	if (!PQenterPipelineMode(db->conn))
		return not_sent(db, steps[0].statement.query);
	for (size_t i = 0; !err && i < count; i++)
		err = send_statement(db, &steps[i].statement);
	if (!err && !PQpipelineSync(db->conn))
		err = not_sent(db, steps[0].statement.query);
	return err;
}

/* The commit: what was put off until then may still fail. Such a failure ends
 * with a NULL as a statement's does; two in a row say that nothing comes any
 * more. */
static enum err
read_sync(struct db *db, const struct query *last, int64_t deadline_ms)
{
	PGresult *result;
	enum err err = OK;

	for (int nulls = 0; nulls < 2;) {
		if (!next_result(db->conn, deadline_ms, &result))
			break;
		nulls = result ? 0 : nulls + 1;
		if (PQresultStatus(result) == PGRES_PIPELINE_SYNC) {
			PQclear(result);
			return err;
		}
		if (result && !err)
			err = judge(db, last, result);
		PQclear(result);
	}
	return err ? err : judge(db, last, NULL);
}

/* Every answer is read, whatever failed: only then is the connection anybody's
 * again. After a failure the server skips what follows. */
static enum err
read_all(struct db *db, struct db_step *steps, size_t count)
{
	int64_t deadline_ms = clock_mono_ms() + db->query_timeout_ms;
	enum err err = OK, committed;

	for (size_t i = 0; i < count; i++) {
		struct db_step *step = &steps[i];

		step->rows.result = result_until(db->conn, deadline_ms);
		if (!err)
			err =
			    judge(db, step->statement.query, step->rows.result);
		if (!step->rows.result)
			return err;
	}
	committed =
	    read_sync(db, steps[count - 1].statement.query, deadline_ms);
	if (!err)
		err = committed;
	(void)PQexitPipelineMode(db->conn); /* else nobody will have it */
	return err;
}

enum err
db_run_all(struct db *db, struct db_step *steps, size_t count)
{
	enum err err = OK;

	assert(count > 0);
	for (size_t i = 0; i < count; i++)
		steps[i].rows.result = NULL;
	for (size_t i = 0; !err && i < count; i++)
		err = prepare(db, steps[i].statement.query);
	if (!err)
		err = send_all(db, steps, count);
	if (!err)
		err = read_all(db, steps, count);
	for (size_t i = 0; err && i < count; i++)
		rows_done(&steps[i].rows);
	return err;
}

enum err
db_script(struct db *db, const char *sql)
{
	static const struct query script = { .name = "script" };

	if (!PQsendQuery(db->conn, sql))
		return not_sent(db, &script);
	return finish(db, &script, NULL);
}

int
db_backend_pid(const struct db *db)
{
	return PQbackendPID(db->conn);
}
