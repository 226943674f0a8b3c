/* reqlog: every request that a provider received, in order. */
#ifndef SIM_REQLOG_H
#define SIM_REQLOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "state.h"

struct buf;

enum { REQLOG_PENDING = -1 };

struct log_entry {
	uint64_t seq;
	enum prov prov;
	char *account; /* a name, never a token; NULL if the token is unknown */
	char *agent;   /* the User-Agent, or NULL: who of several asked */
	const char *op;
	char *item;     /* NULL unless it is about one item */
	char *items;    /* JSON array, or NULL */
	char *commands; /* JSON array, or NULL */
	const char *fault;
	bool write, applied;
	int status; /* REQLOG_PENDING; 0: the connection was cut */
	int64_t at_ms;
	/* Of the item, once the write took effect. */
	uint64_t rev;
	char *state, *due;
};

struct reqlog *reqlog_new(void);
void reqlog_free(struct reqlog *log);
/* Sets the copy's seq and returns it. Strings are taken over. */
uint64_t reqlog_add(struct reqlog *log, struct log_entry *entry);
void reqlog_clear(struct reqlog *log);
/* NULL if it was cleared or pushed out meanwhile. */
struct log_entry *reqlog_at(struct reqlog *log, uint64_t seq);

struct reqlog_query {
	uint64_t since; /* after this one */
	int prov;       /* -1: all */
	int write;      /* -1: all */
	const char *account, *op, *item;
};
void reqlog_json(
    struct reqlog *log, const struct reqlog_query *query, struct buf *out);

#endif
