/*
 * call: one request to a provider, from its first byte to its answer, and
 * what the three providers have in common.
 */
#ifndef SIM_CALL_H
#define SIM_CALL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "faults.h"
#include "http.h"
#include "state.h"

enum refusal {
	REFUSE_STATUS, /* this status, the provider's words */
	REFUSE_AUTH,
	REFUSE_SCOPE,
	REFUSE_NOT_FOUND,
	REFUSE_RATE,
	REFUSE_STATE, /* Linear: a workflow state that is not there */
};

struct call {
	struct sim *sim;
	const struct provider *provider;
	const struct request *req;
	struct answer *ans;
	/* What it asks for, found before anything is done. */
	const char *op;
	char *item;          /* owned */
	struct buf items;    /* JSON array of a batch's ids, or empty */
	struct buf commands; /* JSON array for the log, or empty */
	bool write;
	int page;     /* of a list, from 1 */
	void *parsed; /* the provider's own, freed by its forget() */
	/* Who asks; NULL if the token is unknown or revoked. */
	struct account *acc;
	bool read_only;
	struct fault fault;
	bool applied; /* a write changed something */
	int64_t now_ms;
};

struct provider {
	enum prov prov;
	bool (*owns)(const char *path);
	/* Fill op, item, items, write, page. Must not change any state. */
	void (*classify)(struct call *c);
	/* Do it and write the answer. c->acc is set. */
	void (*serve)(struct call *c);
	/* Write the provider's own refusal. */
	void (*refuse)(struct call *c, enum refusal why, int status);
	/* Free c->parsed; may be NULL. */
	void (*forget)(struct call *c);
};

extern const struct provider provider_todoist;
extern const struct provider provider_linear;
extern const struct provider provider_attio;

void call_serve(struct sim *sim, const struct provider *provider,
    const struct request *req, struct answer *ans);

/* Add an id to the batch that c is about. */
void call_add_item(struct call *c, const char *id);
/* A decimal number in min..max, nothing around it. */
bool number_read(const char *s, int64_t min, int64_t max, int64_t *out);
/* If s starts with prefix, the rest; else NULL. */
const char *after_prefix(const char *s, const char *prefix);

/*
 * Where the next page starts, opaque to the client. scope ties it to the
 * account and the other parameters: elsewhere it does not read.
 */
struct cursor {
	int64_t at, key; /* place in the order; key where places move */
	int page;
};
void cursor_write(const struct cursor *cur, const char *scope, char out[160]);
bool cursor_read(struct cursor *cur, const char *scope, const char *text);

/* The page number alone, whatever the scope; 1 for nonsense. */
int cursor_page(const char *text);

#endif
