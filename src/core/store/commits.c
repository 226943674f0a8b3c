/* Leader and followers. A follower sleeps on a semaphore of its own and is
 * woken once: because its work is done, or because it is to lead. It needs the
 * lock for neither, so many followers that are woken at once do not queue for
 * the lock. Its memory is its own again as soon as it wakes. */
#include "core/store/commits.h"

#include <pthread.h>
#include <semaphore.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "core/clock.h"

#define SLOTS 1024 /* of the key set; a power of two, twice `most` or more */

struct waiter {
	void *element;
	struct waiter *next;
	sem_t woken;
	bool is_taken; /* it is out of the queue */
	bool is_done;
};

struct commits {
	struct commits_options options;
	pthread_mutex_t lock;
	struct waiter *first, **last;
	int writing; /* leaders, including those that are chosen but not awake
			yet */
};

struct batch {
	struct waiter **waiters;
	void **elements;
	size_t count;
};

enum err
commits_new(const struct commits_options *options, struct commits **out)
{
	struct commits *c = calloc(1, sizeof(*c));

	if (!c)
		return err_set(ERR_NOMEM, "no memory for shared commits");
	c->options = *options;
	c->last = &c->first;
	pthread_mutex_init(&c->lock, NULL);
	*out = c;
	return OK;
}

void
commits_free(struct commits *c)
{
	if (!c)
		return;
	pthread_mutex_destroy(&c->lock);
	free(c);
}

static size_t
slot_of(const char *key)
{
	uint32_t hash = 2166136261u; /* FNV-1a */

	for (; *key; key++)
		hash = (hash ^ (unsigned char)*key) * 16777619u;
	return hash & (SLOTS - 1);
}

/* Add key to the set; false if it was there already. */
static bool
add_key(const char *keys[SLOTS], const char *key)
{
	size_t i = slot_of(key);

	while (keys[i]) {
		if (!strcmp(keys[i], key))
			return false;
		i = (i + 1) & (SLOTS - 1);
	}
	keys[i] = key;
	return true;
}

/* Fill batch with the leader's element, then with those from the head of the
 * queue, in order. An element whose key is in the batch already stays in the
 * queue. */
static void
take(struct commits *c, struct waiter *leader, struct batch *batch)
{
	const char *keys[SLOTS] = { 0 };
	struct waiter **at = &c->first, *w;

	(void)add_key(keys, c->options.key(leader->element));
	batch->waiters[0] = leader;
	batch->elements[0] = leader->element;
	batch->count = 1;
	while ((w = *at) && batch->count < c->options.most) {
		if (!add_key(keys, c->options.key(w->element))) {
			at = &w->next;
			continue;
		}
		*at = w->next;
		w->is_taken = true;
		batch->waiters[batch->count] = w;
		batch->elements[batch->count++] = w->element;
	}
	while (*at)
		at = &(*at)->next;
	c->last = at;
}

/* Choose who leads next and take it out of the queue, so that no other leader
 * takes it. NULL: nobody waits, or enough are writing. */
static struct waiter *
choose(struct commits *c)
{
	struct waiter *w = c->first;

	if (!w || c->writing == c->options.writers)
		return NULL;
	c->first = w->next;
	if (!c->first)
		c->last = &c->first;
	w->is_taken = true;
	c->writing++;
	return w;
}

static void
wake(struct waiter *w)
{
	if (w)
		sem_post(&w->woken);
}

/* Carry out one batch. The lock is held on entry, not on return. */
static void
lead(struct commits *c, struct waiter *self)
{
	struct waiter *waiters[SLOTS / 2], *next;
	void *elements[SLOTS / 2];
	struct batch batch = { waiters, elements, 0 };

	take(c, self, &batch);
	next = batch.count == c->options.most ? choose(c) : NULL;
	pthread_mutex_unlock(&c->lock);
	wake(next);
	c->options.run(c->options.context, batch.elements, batch.count);
	pthread_mutex_lock(&c->lock);
	c->writing--;
	next = choose(c);
	pthread_mutex_unlock(&c->lock);
	wake(next);
	for (size_t i = 1; i < batch.count; i++) {
		waiters[i]->is_done = true;
		wake(waiters[i]);
	}
}

/* The statement under way takes long: is it time for another? True: self is to
 * lead, and the lock is held. */
static bool
is_out_of_patience(struct commits *c, struct waiter *self)
{
	struct waiter *next;

	pthread_mutex_lock(&c->lock);
	next = self->is_taken ? NULL : choose(c);
	if (next == self)
		return true;
	pthread_mutex_unlock(&c->lock);
	wake(next); /* this one came first, and takes self along */
	return false;
}

/* Wait until self's element is done. False: self is to lead, and the lock is
 * held. */
static bool
follow(struct commits *c, struct waiter *self)
{
	int64_t deadline_ms = clock_mono_ms() + c->options.patience_ms;
	struct timespec until = { .tv_sec = deadline_ms / 1000,
		.tv_nsec = deadline_ms % 1000 * 1000000 };
	int late = sem_clockwait(&self->woken, CLOCK_MONOTONIC, &until);

	if (late && is_out_of_patience(c, self))
		return false;
	while (late)
		late = sem_wait(&self->woken); /* again after a signal */
	if (self->is_done)
		return true;
	pthread_mutex_lock(&c->lock);
	return false;
}

void
commits_join(struct commits *c, void *element)
{
	struct waiter self = { .element = element };

	sem_init(&self.woken, 0, 0);
	pthread_mutex_lock(&c->lock);
	if (c->writing == 0) {
		c->writing++;
		lead(c, &self);
	} else {
		*c->last = &self;
		c->last = &self.next;
		pthread_mutex_unlock(&c->lock);
		if (!follow(c, &self))
			lead(c, &self);
	}
	sem_destroy(&self.woken);
}

size_t
commits_waiting(struct commits *c)
{
	size_t n = 0;

	pthread_mutex_lock(&c->lock);
	for (struct waiter *w = c->first; w; w = w->next)
		n++;
	pthread_mutex_unlock(&c->lock);
	return n;
}
