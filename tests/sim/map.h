/* map: strings to pointers, for finding things by id. */
#ifndef SIM_MAP_H
#define SIM_MAP_H

#include <stddef.h>

struct map_slot;
struct map {
	struct map_slot *slots;
	size_t cap;  /* 0 or a power of two */
	size_t used; /* living and deleted entries */
	size_t n;    /* living entries */
};

void *map_get(const struct map *m, const char *key);
/* Copies key; value must not be NULL. Replaces what was there. */
void map_put(struct map *m, const char *key, void *value);
void map_del(struct map *m, const char *key);
/* Frees the keys, not the values. */
void map_done(struct map *m);
/* Visit entries: start with *at = 0, ends with NULL. */
void *map_next(const struct map *m, size_t *at, const char **key);

#endif
