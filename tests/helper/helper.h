/*
 * flowpin-test-helper: what the integration suites ask for hundreds of times,
 * SQL, HTTP calls and jq, in one process that stays: starting psql, curl or jq
 * costs more than most of what they are asked. For tests only; loopback only.
 */
#ifndef TESTS_HELPER_H
#define TESTS_HELPER_H

#include "../sim/buf.h"

/* One question: a verb and its words, from a client that may go away. */
struct question {
	int client; /* its socket */
	int argc;
	char **argv; /* without the verb; each is NUL-terminated */
};

struct answer {
	int status; /* of the process that it stands for */
	struct buf out, err;
};

/* The client went away: whoever waits for something else asks now and then. */
bool question_is_moot(const struct question *q);

/*
 * sql HOST PORT USER DATABASE OPTIONS TEXT...: as psql -XqAt runs each -c TEXT,
 * on a session of its own; OPTIONS are libpq's, as in PGOPTIONS.
 */
void sql_answer(const struct question *q, struct answer *a);

/*
 * http URL METHOD BODY HEADER...: out is the answer's status lines and headers,
 * err its body, or why there is none. An empty BODY is none.
 */
void http_answer(const struct question *q, struct answer *a);

/*
 * jq INPUT JQ'S OPTIONS AND PROGRAM...: INPUT is a file to read, or if it
 * begins with '=' what follows.
 */
void jq_answer(const struct question *q, struct answer *a);

/* token SECRET_FILE USER_ID SECONDS: as Supabase signs it by its legacy secret.
 */
void token_answer(const struct question *q, struct answer *a);

#endif
