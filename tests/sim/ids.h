/* ids: identifiers as the providers spell them, from one seed. */
#ifndef SIM_IDS_H
#define SIM_IDS_H

#include <stdint.h>

struct ids {
	uint64_t state;
};

void ids_init(struct ids *ids, uint64_t seed);
uint64_t ids_random(struct ids *ids);
double ids_fraction(struct ids *ids); /* 0 <= x < 1 */
/* 36 characters, version 4, variant 10: Attio's client checks both. */
void ids_uuid(struct ids *ids, char out[40]);
/* Todoist: 16 characters, mixed case, never only digits. */
void ids_todoist(struct ids *ids, char out[40]);
/* Hex digits of n random bytes; out holds 2 * n + 1. */
void ids_hex(struct ids *ids, int n, char *out);

#endif
