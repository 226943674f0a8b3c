/* A provider in trouble as a whole is left alone for a while: whoever calls
 * gets an honest answer at once instead of waiting for a timeout, and the
 * provider is not flooded when it comes back. Per process and provider; what
 * concerns one connection (rate limits, dead keys) is shared through the
 * database instead. Time comes in as an argument. */
#ifndef CORE_COURIER_CIRCUIT_H
#define CORE_COURIER_CIRCUIT_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "core/err.h"
#include "core/http.h"

#define CIRCUIT_FAILURES 20 /* in a row, of at least so many users: */
#define CIRCUIT_DISTINCT 3  /* one user's trouble is not the provider's */

struct circuit {
	pthread_mutex_t lock;
	int failures, distinct, opened;    /* opened: times without a success */
	char failed[CIRCUIT_DISTINCT][37]; /* users whose requests failed */
	int64_t open_until_ms;             /* monotonic; 0: closed */
	bool is_probing;                   /* half open: one request is out */
};

void circuit_init(struct circuit *circuit);
void circuit_done(struct circuit *circuit);

/* How long until it is worth asking; 0: now. Takes nothing. */
int64_t circuit_wait_ms(struct circuit *circuit, int64_t now_ms);

/* May a request go out? Half open, only one at a time may, the probe. Every
 * true is followed by circuit_report(). */
bool circuit_enter(struct circuit *circuit, int64_t now_ms);

/* Does what came of a request (http_send(): err, res) say that the provider is
 * alive? It answered, whatever it said, but no 5xx; what says too much is
 * alive, too. What could not be tried for lack of memory says nothing against
 * it. */
bool circuit_is_alive(enum err err, const struct http_response *res);

/* is_alive: see there. */
void circuit_report(struct circuit *circuit, const char *user_id, bool is_alive,
    int64_t now_ms);

#endif
