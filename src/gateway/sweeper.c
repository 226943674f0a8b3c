/* A few threads that take up writebacks nobody works on: the owner died, an
 * attempt is due, or the caller did not want to wait. */
#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#include "core/backoff.h"
#include "core/clock.h"
#include "core/delivery/outbound.h"
#include "core/log.h"
#include "gateway.h"

#define SWEEPERS 4

struct sweeper {
	struct gateway *gateway;
	pthread_t threads[SWEEPERS];
	int count;
	pthread_mutex_t lock;
	pthread_cond_t woken;
	unsigned long kicks;
	bool is_stopping;
	int64_t stop_by_ms;
};

/* Until a kick since seen, the interval's end, or the stop. */
static bool
wait_for_work(struct sweeper *s, unsigned long *seen)
{
	/* sweepers of many processes must not march in step */
	int64_t until_ms =
	    clock_mono_ms() +
	    backoff_spread_ms(s->gateway->config->sweep_ms, crypto_random());
	struct timespec until = { .tv_sec = until_ms / 1000,
		.tv_nsec = until_ms % 1000 * 1000000 };
	bool go_on;
	int late = 0;

	pthread_mutex_lock(&s->lock);
	while (!s->is_stopping && s->kicks == *seen && !late)
		late = pthread_cond_timedwait(&s->woken, &s->lock, &until);
	*seen = s->kicks;
	go_on = !s->is_stopping;
	pthread_mutex_unlock(&s->lock);
	return go_on;
}

static bool
is_going_on(struct sweeper *s)
{
	bool go_on;

	pthread_mutex_lock(&s->lock);
	go_on = !s->is_stopping;
	pthread_mutex_unlock(&s->lock);
	return go_on;
}

/* One writeback, if one is due. */
static bool
swept_one(struct gateway *gateway)
{
	struct metrics *metrics = &gateway->metrics;
	struct outbound out;
	bool found;
	char why[200];
	enum err err =
	    outbound_take_up(&gateway->store, &gateway->courier, &found, &out);

	if (err)
		log_warn("msg=\"sweeping failed\" why=%s",
		    log_quote(err_text(), why, sizeof(why)));
	if (!found)
		return false;
	atomic_fetch_add(&metrics->swept, 1);
	if (out.is_owned)
		atomic_fetch_add(&metrics->writebacks[out.verdict.ending], 1);
	outbound_done(&out);
	return !err;
}

static void *
sweep(void *arg)
{
	struct sweeper *s = arg;
	unsigned long seen = 0;

	while (wait_for_work(s, &seen))
		while (is_going_on(s) && swept_one(s->gateway))
			continue;
	return NULL;
}

enum err
sweeper_start(struct gateway *gateway)
{
	struct sweeper *s = calloc(1, sizeof(*s));
	pthread_condattr_t attr;

	if (!s)
		return err_set(ERR_NOMEM, "no memory for sweepers");
	s->gateway = gateway;
	gateway->sweeper = s;
	pthread_mutex_init(&s->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&s->woken, &attr);
	pthread_condattr_destroy(&attr);
	for (; s->count < SWEEPERS; s->count++)
		if (pthread_create(&s->threads[s->count], NULL, sweep, s))
			break;
	return s->count ? OK : err_set(ERR_CONFIG, "cannot start a thread");
}

void
sweeper_kick(struct gateway *gateway)
{
	struct sweeper *s = gateway->sweeper;

	pthread_mutex_lock(&s->lock);
	s->kicks++;
	pthread_cond_signal(&s->woken);
	pthread_mutex_unlock(&s->lock);
}

void
sweeper_halt(struct gateway *gateway)
{
	struct sweeper *s = gateway->sweeper;

	pthread_mutex_lock(&s->lock);
	if (!s->is_stopping)
		s->stop_by_ms = clock_mono_ms() + gateway->config->stop_ms;
	s->is_stopping = true;
	pthread_cond_broadcast(&s->woken);
	pthread_mutex_unlock(&s->lock);
}

enum err
sweeper_stop(struct gateway *gateway)
{
	struct sweeper *s = gateway->sweeper;
	struct timespec until;

	if (!s)
		return OK;
	sweeper_halt(gateway);
	until = (struct timespec){ .tv_sec = s->stop_by_ms / 1000,
		.tv_nsec = s->stop_by_ms % 1000 * 1000000 };
	for (; s->count > 0; s->count--)
		if (pthread_clockjoin_np(s->threads[s->count - 1], NULL,
			CLOCK_MONOTONIC, &until))
			return err_set(ERR_TIMEOUT,
			    "%d writebacks were still under way", s->count);
	pthread_mutex_destroy(&s->lock);
	pthread_cond_destroy(&s->woken);
	free(s);
	gateway->sweeper = NULL;
	return OK;
}
