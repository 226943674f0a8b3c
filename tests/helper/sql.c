/*
 * Sessions are kept between questions, made as new by DISCARD ALL: those of the
 * stack's own database only, since others are dropped and copied by the suites.
 */
#include <libpq-fe.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "helper.h"

#define KEPT_MAX 8

struct session {
	char *key; /* whose session at which database */
	PGconn *conn;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct session kept[KEPT_MAX];

static void
on_notice(void *arg, const char *message)
{
	buf_puts(arg, message);
}

/* The server says nothing to an idle session but that it ends. */
static bool
is_alive(PGconn *conn)
{
	struct pollfd ready = { .fd = PQsocket(conn), .events = POLLIN };

	return poll(&ready, 1, 0) == 0;
}

static PGconn *
take(const char *key)
{
	PGconn *conn = NULL;

	pthread_mutex_lock(&lock);
	for (int i = 0; i < KEPT_MAX && !conn; i++) {
		if (!kept[i].conn || strcmp(kept[i].key, key) != 0)
			continue;
		conn = kept[i].conn;
		free(kept[i].key);
		kept[i] = (struct session){ 0 };
		if (!is_alive(conn)) {
			PQfinish(conn);
			conn = NULL;
		}
	}
	pthread_mutex_unlock(&lock);
	return conn;
}

static void
give_back(const char *key, PGconn *conn)
{
	PGresult *res;
	bool is_new;

	/* what it counted is told when a psql's would be: now */
	PQclear(PQexec(conn, "select pg_stat_force_next_flush()"));
	res = PQexec(conn, "discard all");
	is_new = PQresultStatus(res) == PGRES_COMMAND_OK;
	PQclear(res);
	pthread_mutex_lock(&lock);
	for (int i = 0; i < KEPT_MAX && is_new; i++) {
		if (kept[i].conn)
			continue;
		kept[i] = (struct session){ strdup(key), conn };
		conn = NULL;
		is_new = false;
	}
	pthread_mutex_unlock(&lock);
	PQfinish(conn);
}

static PGconn *
open_session(char **argv)
{
	static const char *const names[] = { "host", "port", "user", "dbname",
		"options", "application_name", NULL };
	const char *values[] = { argv[0], argv[1], argv[2], argv[3], argv[4],
		"psql", NULL };

	return PQconnectdbParams(names, values, 0);
}

static void
print(struct buf *out, const PGresult *res)
{
	for (int row = 0; row < PQntuples(res); row++) {
		for (int col = 0; col < PQnfields(res); col++) {
			if (col > 0)
				buf_puts(out, "|");
			buf_puts(out, PQgetvalue(res, row, col));
		}
		buf_puts(out, "\n");
	}
}

/* Until the session has something to read; false if nobody waits for it any
 * more. */
static bool
wait_for(const struct question *q, PGconn *conn)
{
	struct pollfd fds[] = {
		{ .fd = PQsocket(conn), .events = POLLIN },
		{ .fd = q->client, .events = POLLRDHUP },
	};

	while (PQisBusy(conn)) {
		if (poll(fds, 2, -1) < 0)
			continue;
		if (fds[1].revents && question_is_moot(q))
			return false;
		if (fds[0].revents && !PQconsumeInput(conn))
			return true; /* PQgetResult says why */
	}
	return true;
}

/* One text: all of its statements in a transaction unless they say otherwise.
 */
static bool
run(const struct question *q, PGconn *conn, const char *text, struct answer *a)
{
	bool ok = PQsendQuery(conn, text) == 1;

	if (!ok)
		buf_puts(&a->err, PQerrorMessage(conn));
	while (wait_for(q, conn)) {
		PGresult *res = PQgetResult(conn);
		ExecStatusType status = PQresultStatus(res);

		if (!res)
			return ok;
		if (status == PGRES_TUPLES_OK) {
			print(&a->out, res);
		} else if (status != PGRES_COMMAND_OK &&
			   status != PGRES_EMPTY_QUERY) {
			buf_puts(&a->err, PQresultErrorMessage(res));
			ok = false;
		}
		PQclear(res);
	}
	return false;
}

void
sql_answer(const struct question *q, struct answer *a)
{
	struct buf key = { 0 };
	bool is_kept = strcmp(q->argv[3], "flowpin") == 0, ok;
	PGconn *conn;

	for (int i = 0; i < 5; i++)
		buf_add(&key, q->argv[i], strlen(q->argv[i]) + (i < 4));
	/* with the NULs between them taken out */
	for (size_t i = 0; i < key.len; i++)
		key.ptr[i] = key.ptr[i] ? key.ptr[i] : '\n';
	conn = is_kept ? take(key.ptr) : NULL;
	if (!conn)
		conn = open_session(q->argv);
	ok = PQstatus(conn) == CONNECTION_OK;
	if (!ok) {
		buf_puts(&a->err, PQerrorMessage(conn));
		a->status = 2;
	}
	PQsetNoticeProcessor(conn, on_notice, &a->err);
	for (int i = 5; i < q->argc && ok; i++) {
		ok = run(q, conn, q->argv[i], a);
		a->status = ok ? 0 : 1;
	}
	if (is_kept && ok && PQtransactionStatus(conn) == PQTRANS_IDLE)
		give_back(key.ptr, conn);
	else
		PQfinish(conn);
	buf_done(&key);
}
