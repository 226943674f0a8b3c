/*
 * Identifiers as the providers spell them, all from one seed, so that a run
 * with --seed can be repeated. Not for secrets.
 */
#include "ids.h"

#include <stdio.h>

void
ids_init(struct ids *ids, uint64_t seed)
{
	ids->state = seed;
}

/* splitmix64: any seed will do, also 0. */
uint64_t
ids_random(struct ids *ids)
{
	uint64_t z = (ids->state += 0x9e3779b97f4a7c15u);

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return z ^ (z >> 31);
}

double
ids_fraction(struct ids *ids)
{
	return (double)(ids_random(ids) >> 11) / 9007199254740992.0;
}

void
ids_uuid(struct ids *ids, char out[40])
{
	uint64_t a = ids_random(ids), b = ids_random(ids);

	snprintf(out, 40, "%08x-%04x-4%03x-%x%03x-%012llx", (unsigned)(a >> 32),
	    (unsigned)(a >> 16) & 0xffff, (unsigned)a & 0xfff,
	    8 | ((unsigned)(b >> 60) & 3), (unsigned)(b >> 48) & 0xfff,
	    (unsigned long long)(b & 0xffffffffffffu));
}

void
ids_todoist(struct ids *ids, char out[40])
{
	/* No vowels, as at Todoist, where ids must not spell words. */
	static const char set[] =
	    "23456789CFGHJMPQRVWXcfghjmpqrvwx2345CFGHJMPQRVWXcfghjmpqrvwxRVWX";
	uint64_t a = ids_random(ids), b = ids_random(ids);
	int i;

	/* The fixed start keeps every id apart from the old numeric ones. */
	out[0] = '6';
	out[1] = 'X';
	for (i = 2; i < 9; i++, a >>= 6)
		out[i] = set[a & 63];
	for (; i < 16; i++, b >>= 6)
		out[i] = set[b & 63];
	out[16] = '\0';
}

void
ids_hex(struct ids *ids, int n, char *out)
{
	int i;

	for (i = 0; i < n; i++)
		snprintf(
		    out + 2 * i, 3, "%02x", (unsigned)(ids_random(ids) & 255));
}
