/* Leader and followers. A follower sleeps on a condition of its own, so that
 * only those are woken whose work is done, and one more to lead the next. */
#include "core/store/commits.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define SLOTS 1024 /* of the key set; a power of two well above `most` */

struct waiter {
	void *element;
	struct waiter *next;
	pthread_cond_t woken;
	bool is_taken, is_done;
};

struct commits {
	struct commits_options options;
	pthread_mutex_t lock;
	struct waiter *first, **last;
	int writing;
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

/* Remember key; false if it was there. */
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

/* From the queue's head, in order; who clashes stays for the next one. */
static void
take(struct commits *c, struct batch *batch)
{
	const char *keys[SLOTS] = { 0 };
	struct waiter **at = &c->first, *w;

	batch->count = 0;
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
	for (at = &c->first; *at;)
		at = &(*at)->next;
	c->last = at;
}

/* Carry out one batch. The lock is held on entry and on return. */
static void
lead(struct commits *c)
{
	struct waiter *waiters[SLOTS / 2];
	void *elements[SLOTS / 2];
	struct batch batch = { waiters, elements, 0 };

	c->writing++;
	take(c, &batch);
	if (c->first && c->writing < c->options.writers)
		pthread_cond_signal(&c->first->woken);
	pthread_mutex_unlock(&c->lock);
	c->options.run(c->options.context, batch.elements, batch.count);
	pthread_mutex_lock(&c->lock);
	c->writing--;
	for (size_t i = 0; i < batch.count; i++) {
		waiters[i]->is_done = true;
		pthread_cond_signal(&waiters[i]->woken);
	}
	if (c->first)
		pthread_cond_signal(&c->first->woken);
}

void
commits_join(struct commits *c, void *element)
{
	struct waiter self = { .element = element };

	pthread_cond_init(&self.woken, NULL);
	pthread_mutex_lock(&c->lock);
	*c->last = &self;
	c->last = &self.next;
	while (!self.is_done) {
		if (!self.is_taken && c->writing < c->options.writers)
			lead(c);
		else
			pthread_cond_wait(&self.woken, &c->lock);
	}
	pthread_mutex_unlock(&c->lock);
	pthread_cond_destroy(&self.woken);
}
