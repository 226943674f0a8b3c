/* A circuit breaker: a provider in trouble is left alone for a while. Whoever
 * calls gets an honest answer at once instead of waiting for a timeout, and the
 * provider is not flooded when it comes back. There is one per process and
 * provider. What concerns a single connection (rate limits, dead keys) is
 * shared through the database instead. Time comes in as an argument
 * (clock_mono_ms()). */
#ifndef CORE_COURIER_CIRCUIT_H
#define CORE_COURIER_CIRCUIT_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "core/err.h"
#include "core/http.h"

#define CIRCUIT_FAILURES 20 /* in a row, of this many users at least: */
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

/* How long until a request is worth trying; 0: now. Changes nothing. */
int64_t circuit_wait_ms(struct circuit *circuit, int64_t now_ms);

/* May a request go out? While the circuit is half open only one may at a time,
 * the probe. Every true must be followed by circuit_report(). */
bool circuit_enter(struct circuit *circuit, int64_t now_ms);

/* Does the result of a request (what http_send() gave as err and res) say that
 * the provider is alive? It is if it answered with anything but a 5xx, or with
 * too large a body. A request that failed here, as for lack of memory, says
 * nothing against it. */
bool circuit_is_alive(enum err err, const struct http_response *res);

/* Tell the circuit what came of a request that it let through. is_alive:
 * circuit_is_alive(). */
void circuit_report(struct circuit *circuit, const char *user_id, bool is_alive,
    int64_t now_ms);

#endif
