/*
 * Every request that a provider received, in order: what tests count. A ring
 * of the last million; sequence numbers never start again, so that an answer
 * under way across a clear cannot be booked on another request.
 */
#include "reqlog.h"

#include <stdlib.h>
#include <string.h>

#include "buf.h"

enum { MOST = 1000000 };

struct reqlog {
	struct log_entry *ring;
	size_t cap, n;
	size_t first; /* place of the oldest */
	uint64_t last_seq;
};

struct reqlog *
reqlog_new(void)
{
	return mem_zero(sizeof(struct reqlog));
}

static struct log_entry *
nth(struct reqlog *log, size_t i)
{
	return &log->ring[(log->first + i) % log->cap];
}

static void
entry_done(struct log_entry *e)
{
	free(e->account);
	free(e->agent);
	free(e->item);
	free(e->items);
	free(e->commands);
	free(e->state);
	free(e->due);
}

void
reqlog_clear(struct reqlog *log)
{
	size_t i;

	for (i = 0; i < log->n; i++)
		entry_done(nth(log, i));
	free(log->ring);
	log->ring = NULL;
	log->cap = log->n = log->first = 0;
}

void
reqlog_free(struct reqlog *log)
{
	reqlog_clear(log);
	free(log);
}

uint64_t
reqlog_add(struct reqlog *log, struct log_entry *entry)
{
	/* It only wraps at its full size, so growing never has to unroll. */
	if (log->n == log->cap && log->cap < MOST) {
		log->cap = log->cap ? log->cap * 2 : 256;
		if (log->cap > MOST)
			log->cap = MOST;
		log->ring = mem_grow(log->ring, log->cap * sizeof(*log->ring));
	}
	if (log->n == log->cap) {
		entry_done(nth(log, 0));
		log->first = (log->first + 1) % log->cap;
		log->n--;
	}
	entry->seq = ++log->last_seq;
	*nth(log, log->n++) = *entry;
	return entry->seq;
}

struct log_entry *
reqlog_at(struct reqlog *log, uint64_t seq)
{
	uint64_t oldest = log->last_seq - log->n + 1;

	if (seq < oldest || seq > log->last_seq)
		return NULL;
	return nth(log, (size_t)(seq - oldest));
}

static bool
is_asked_for(const struct log_entry *e, const struct reqlog_query *q)
{
	if (q->prov >= 0 && (int)e->prov != q->prov)
		return false;
	if (q->write >= 0 && e->write != (q->write != 0))
		return false;
	if (q->account && (!e->account || strcmp(e->account, q->account)))
		return false;
	if (q->op && strcmp(e->op, q->op) != 0)
		return false;
	return !q->item || (e->item && strcmp(e->item, q->item) == 0);
}

static void
entry_json(const struct log_entry *e, struct buf *out)
{
	json_open(out, NULL, '{');
	json_int(out, "seq", (int64_t)e->seq);
	json_str(out, "provider", prov_name(e->prov));
	json_str(out, "account", e->account);
	json_str(out, "agent", e->agent);
	json_str(out, "op", e->op);
	json_str(out, "item", e->item);
	if (e->items)
		json_raw(out, "items", e->items);
	json_bool(out, "write", e->write);
	if (e->status == REQLOG_PENDING)
		json_raw(out, "status", "null");
	else
		json_int(out, "status", e->status);
	json_int(out, "at_ms", e->at_ms);
	if (e->fault)
		json_str(out, "fault", e->fault);
	json_bool(out, "applied", e->applied);
	if (e->state) {
		json_int(out, "rev", (int64_t)e->rev);
		json_str(out, "state", e->state);
		json_str(out, "due_date", e->due);
	}
	if (e->commands)
		json_raw(out, "commands", e->commands);
	json_close(out, '}');
}

void
reqlog_json(
    struct reqlog *log, const struct reqlog_query *query, struct buf *out)
{
	uint64_t oldest = log->last_seq - log->n + 1;
	size_t i = 0;

	if (query->since >= oldest)
		i = (size_t)(query->since - oldest + 1);
	json_open(out, NULL, '{');
	json_open(out, "requests", '[');
	for (; i < log->n; i++)
		if (is_asked_for(nth(log, i), query))
			entry_json(nth(log, i), out);
	json_close(out, ']');
	json_int(out, "last_seq", (int64_t)log->last_seq);
	json_close(out, '}');
}
