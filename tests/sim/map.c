/*
 * Strings to pointers: open addressing with linear probing. A deleted entry
 * keeps its key as a tombstone (value NULL) until the next growth.
 */
#include "map.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "buf.h"

struct map_slot {
	char *key;
	void *value;
	uint64_t hash;
};

static uint64_t
hash_of(const char *key)
{
	uint64_t h = 1469598103934665603u;

	for (; *key; key++)
		h = (h ^ (unsigned char)*key) * 1099511628211u;
	return h ^ (h >> 29);
}

static struct map_slot *
find(const struct map *m, const char *key, uint64_t hash)
{
	size_t i = hash & (m->cap - 1);

	for (;; i = (i + 1) & (m->cap - 1)) {
		struct map_slot *s = &m->slots[i];

		if (!s->key)
			return s;
		if (s->hash == hash && strcmp(s->key, key) == 0)
			return s;
	}
}

void *
map_get(const struct map *m, const char *key)
{
	if (m->n == 0 || !key)
		return NULL;
	return find(m, key, hash_of(key))->value;
}

static void
grow(struct map *m)
{
	struct map old = *m;
	size_t i;

	m->cap = 16;
	while (m->cap < old.n * 4)
		m->cap *= 2;
	m->slots = mem_zero(m->cap * sizeof(*m->slots));
	m->used = old.n;
	for (i = 0; i < old.cap; i++) {
		struct map_slot *s = &old.slots[i];

		if (s->value)
			*find(m, s->key, s->hash) = *s;
		else
			free(s->key);
	}
	free(old.slots);
}

void
map_put(struct map *m, const char *key, void *value)
{
	uint64_t hash = hash_of(key);
	struct map_slot *s;

	if ((m->used + 1) * 3 > m->cap * 2)
		grow(m);
	s = find(m, key, hash);
	if (!s->key) {
		s->key = mem_dup(key);
		s->hash = hash;
		m->used++;
	}
	if (!s->value)
		m->n++;
	s->value = value;
}

void
map_del(struct map *m, const char *key)
{
	struct map_slot *s;

	if (m->n == 0 || !key)
		return;
	s = find(m, key, hash_of(key));
	if (!s->value)
		return;
	s->value = NULL;
	m->n--;
}

void
map_done(struct map *m)
{
	size_t i;

	for (i = 0; i < m->cap; i++)
		free(m->slots[i].key);
	free(m->slots);
	*m = (struct map){ 0 };
}

void *
map_next(const struct map *m, size_t *at, const char **key)
{
	while (*at < m->cap) {
		struct map_slot *s = &m->slots[(*at)++];

		if (!s->value)
			continue;
		if (key)
			*key = s->key;
		return s->value;
	}
	return NULL;
}
