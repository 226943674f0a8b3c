/* A circuit breaker with the usual three states: closed, open, half open. */
#include "core/courier/circuit.h"

#include <stdio.h>
#include <string.h>

#include "core/backoff.h"

void
circuit_init(struct circuit *c)
{
	memset(c, 0, sizeof(*c));
	pthread_mutex_init(&c->lock, NULL);
}

void
circuit_done(struct circuit *c)
{
	pthread_mutex_destroy(&c->lock);
}

int64_t
circuit_wait_ms(struct circuit *c, int64_t now_ms)
{
	int64_t wait;

	pthread_mutex_lock(&c->lock);
	wait = c->open_until_ms > now_ms ? c->open_until_ms - now_ms : 0;
	if (wait == 0 && c->is_probing)
		wait = 100; /* the probe's answer is not here yet */
	pthread_mutex_unlock(&c->lock);
	return wait;
}

bool
circuit_enter(struct circuit *c, int64_t now_ms)
{
	bool may = true;

	pthread_mutex_lock(&c->lock);
	if (c->open_until_ms > now_ms || c->is_probing)
		may = false;
	else if (c->open_until_ms)
		c->is_probing = true;
	pthread_mutex_unlock(&c->lock);
	return may;
}

static void
count_failure(struct circuit *c, const char *user_id)
{
	c->failures++;
	for (int i = 0; i < c->distinct; i++)
		if (!strcmp(c->failed[i], user_id))
			return;
	if (c->distinct < CIRCUIT_DISTINCT)
		snprintf(c->failed[c->distinct++], sizeof(c->failed[0]), "%s",
		    user_id);
}

static void
open_circuit(struct circuit *c, int64_t now_ms)
{
	c->opened++;
	c->open_until_ms = now_ms + backoff_ms(BACKOFF_CIRCUIT, c->opened, 0);
}

bool
circuit_is_alive(enum err err, const struct http_response *res)
{
	return err || res->is_too_large ||
	       (res->carried == HTTP_ANSWERED && res->status < 500);
}

void
circuit_report(
    struct circuit *c, const char *user_id, bool is_alive, int64_t now_ms)
{
	bool was_probe;

	pthread_mutex_lock(&c->lock);
	was_probe = c->is_probing;
	c->is_probing = false;
	if (is_alive) {
		c->failures = c->distinct = c->opened = 0;
		c->open_until_ms = 0;
	} else {
		count_failure(c, user_id);
		/* answers that come after it opened change nothing */
		if (c->open_until_ms <= now_ms &&
		    (was_probe || (c->failures >= CIRCUIT_FAILURES &&
				      c->distinct >= CIRCUIT_DISTINCT)))
			open_circuit(c, now_ms);
	}
	pthread_mutex_unlock(&c->lock);
}
