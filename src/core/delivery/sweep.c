/* A thread that has found work calls the next before it does it: as many
 * threads are started as there is work for. */
#include "core/delivery/sweep.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/backoff.h"
#include "core/clock.h"
#include "core/log.h"
#include "core/share.h"
#include "core/store/writeback.h"

#define STACK (512 * 1024)

struct sweep {
	struct sweep_options options;
	int64_t until_ms; /* 0: none */
	struct share *connections, *users;
	pthread_mutex_t lock;
	pthread_cond_t turn; /* nobody looks */
	pthread_cond_t
	    changed; /* there may be work: a kick, an end, the halt */
	pthread_t threads[SWEEP_THREADS];
	int count, joined, idle, at_work;
	unsigned long kicks;
	bool is_looking, is_over;
	int failures;
};

static void *work(void *arg);

/* Below the lock. */
static void
call_the_next(struct sweep *s)
{
	pthread_attr_t attr;

	if (s->idle) {
		pthread_cond_signal(&s->turn);
		return;
	}
	if (s->count == SWEEP_THREADS)
		return;
	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, STACK);
	if (!pthread_create(&s->threads[s->count], &attr, work, s))
		s->count++;
	pthread_attr_destroy(&attr);
}

static void
end_all(struct sweep *s)
{
	s->is_over = true;
	pthread_cond_broadcast(&s->turn);
	pthread_cond_broadcast(&s->changed);
}

/* Until something happens or the interval's end. Below the lock. */
static void
wait_for_work(struct sweep *s, unsigned long seen)
{
	/* sweepers of many processes must not march in step */
	int64_t until_ms =
	    clock_mono_ms() +
	    backoff_spread_ms(s->options.interval_ms, crypto_random());

	if (!s->options.interval_ms)
		until_ms = s->until_ms ? s->until_ms : INT64_MAX;
	while (!s->is_over && s->kicks == seen &&
	       clock_wait(&s->changed, &s->lock, until_ms))
		continue;
}

static bool
is_late(const struct sweep *s)
{
	return s->until_ms && clock_mono_ms() >= s->until_ms;
}

static void
add_name(void *context, const char *holder)
{
	array_text(context, holder);
}

/* One that is due, and not of those who have enough. Once half of the threads
 * are at work, one is enough: the rest is for those who have none. */
static enum err
take_up(struct sweep *s, bool is_crowded, struct due *due, bool *found)
{
	struct array connections = { 0 }, users = { 0 };
	enum err err;

	share_full(s->connections, is_crowded ? 1 : SWEEP_CONNECTION, add_name,
	    &connections);
	share_full(s->users, is_crowded ? 1 : SWEEP_USER, add_name, &users);
	err = outbound_claim(s->options.store, s->options.courier, &connections,
	    &users, due, found);
	array_done(&connections);
	array_done(&users);
	if (*found) {
		/* its connection may be gone */
		if (due->w.connection.id[0])
			share_take(s->connections, due->w.connection.id,
			    SWEEP_THREADS);
		share_take(s->users, due->w.user_id, SWEEP_THREADS);
	}
	return err;
}

static void
log_failure(struct sweep *s)
{
	char why[200];

	s->failures++;
	log_warn("msg=\"sweeping failed\" why=%s",
	    log_quote(err_text(), why, sizeof(why)));
}

/* Look until there is something, or it is over. Below the lock, which is given
 * away meanwhile; nobody else looks. */
static bool
look(struct sweep *s, struct due *due)
{
	bool found = false;

	while (!s->is_over && !found) {
		unsigned long seen = s->kicks;
		bool is_crowded = s->at_work >= SWEEP_THREADS / 2;
		enum err err;

		if (is_late(s)) {
			end_all(s);
			break;
		}
		pthread_mutex_unlock(&s->lock);
		err = take_up(s, is_crowded, due, &found);
		pthread_mutex_lock(&s->lock);
		if (err)
			log_failure(s);
		if (found)
			break;
		/* what waits for those who have enough is due when they end */
		if (!s->options.interval_ms && (err || !s->at_work))
			end_all(s);
		else
			wait_for_work(s, seen);
	}
	return found;
}

static enum err
send(struct sweep *s, struct due *due)
{
	char user[SHARE_NAME], connection[SHARE_NAME];
	struct outbound out;
	enum err err;

	snprintf(user, sizeof(user), "%s", due->w.user_id);
	snprintf(connection, sizeof(connection), "%s", due->w.connection.id);
	err = outbound_finish(s->options.store, s->options.courier, due, &out);
	if (s->options.ended)
		s->options.ended(s->options.context, &out);
	outbound_done(&out);
	share_give(s->connections, connection);
	share_give(s->users, user);
	return err;
}

static void *
work(void *arg)
{
	struct sweep *s = arg;

	pthread_mutex_lock(&s->lock);
	for (;;) {
		struct due due;
		bool found;
		enum err err;

		s->idle++;
		while (s->is_looking && !s->is_over)
			pthread_cond_wait(&s->turn, &s->lock);
		s->idle--;
		if (s->is_over)
			break;
		s->is_looking = true;
		found = look(s, &due);
		s->is_looking = false;
		if (!found)
			continue;
		s->at_work++;
		call_the_next(s);
		pthread_mutex_unlock(&s->lock);
		err = send(s, &due);
		pthread_mutex_lock(&s->lock);
		if (err)
			log_failure(s);
		s->at_work--;
		s->kicks++;
		pthread_cond_signal(&s->changed);
	}
	pthread_mutex_unlock(&s->lock);
	return NULL;
}

static void
free_sweep(struct sweep *s)
{
	share_free(s->connections);
	share_free(s->users);
	pthread_mutex_destroy(&s->lock);
	pthread_cond_destroy(&s->turn);
	pthread_cond_destroy(&s->changed);
	free(s);
}

enum err
sweep_start(const struct sweep_options *options, struct sweep **out)
{
	struct sweep *s = calloc(1, sizeof(*s));
	enum err err;

	*out = NULL;
	if (!s)
		return err_set(ERR_NOMEM, "no memory for sweepers");
	s->options = *options;
	if (options->limit_ms)
		s->until_ms = clock_mono_ms() + options->limit_ms;
	pthread_mutex_init(&s->lock, NULL);
	clock_cond_init(&s->turn);
	clock_cond_init(&s->changed);
	err = share_new(SWEEP_THREADS, &s->connections);
	if (!err)
		err = share_new(SWEEP_THREADS, &s->users);
	if (!err) {
		pthread_mutex_lock(&s->lock);
		call_the_next(s);
		if (!s->count)
			err = err_set(ERR_CONFIG, "cannot start a thread");
		pthread_mutex_unlock(&s->lock);
	}
	if (err)
		free_sweep(s);
	else
		*out = s;
	return err;
}

void
sweep_kick(struct sweep *s)
{
	pthread_mutex_lock(&s->lock);
	s->kicks++;
	pthread_cond_signal(&s->changed);
	pthread_mutex_unlock(&s->lock);
}

void
sweep_halt(struct sweep *s)
{
	pthread_mutex_lock(&s->lock);
	end_all(s);
	pthread_mutex_unlock(&s->lock);
}

/* How many threads there are by now. */
static int
count(struct sweep *s)
{
	int n;

	pthread_mutex_lock(&s->lock);
	n = s->count;
	pthread_mutex_unlock(&s->lock);
	return n;
}

static enum err
join(pthread_t thread, int64_t until_ms)
{
	struct timespec until = { .tv_sec = until_ms / 1000,
		.tv_nsec = until_ms % 1000 * 1000000 };

	if (!until_ms)
		(void)pthread_join(thread, NULL);
	else if (pthread_clockjoin_np(thread, NULL, CLOCK_MONOTONIC, &until))
		return err_set(ERR_TIMEOUT, "writebacks were still under way");
	return OK;
}

enum err
sweep_join(struct sweep *s, int64_t until_ms, int *failures)
{
	enum err err;

	/* those too that are started meanwhile */
	for (; s->joined < count(s); s->joined++) {
		err = join(s->threads[s->joined], until_ms);
		if (err)
			return err;
	}
	if (failures)
		*failures = s->failures;
	free_sweep(s);
	return OK;
}
