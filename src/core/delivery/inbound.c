/* Compares what was fetched with what is kept, and reads missing items by
 * id. */
#include "core/delivery/inbound.h"

#include <stdlib.h>

#include "core/backoff.h"

void
findings_done(struct findings *f)
{
	fetched_done(&f->fetched);
	candidates_done(&f->candidates);
}

static void
count(struct findings *f, const struct candidate *c, const struct item *item)
{
	if (c->finding != FINDING_MISSING)
		return;
	f->unconfirmed += (!item && !c->is_put_off) ||
			  c->action == MARK_MISSING || absence_is_waited_for(c);
	f->still_open += item && item->state == ITEM_OPEN;
}

/* A task that is reopened gets the metadata that the list shows: the next wish
 * is compared with that. */
static void
take_listed(const struct findings *f, struct candidate *c)
{
	const struct item *item;

	if (c->action != MARK_REOPEN)
		return;
	item = courier_find(&f->fetched.items, c->source_id);
	c->metadata = item ? item->metadata : NULL;
}

/* How long until an item is read by id again that was read now and left its
 * task as it was; -1: it was not. An item that cannot be seen is read again in
 * the next run, after those that were read less often. */
static int64_t
ask_after_ms(const struct inbound *in, const struct candidate *c,
    const struct item *item)
{
	if (!item || c->finding != FINDING_MISSING)
		return -1;
	if (item->state == ITEM_NOT_VISIBLE)
		return c->action == MARK_COMPLETE ? -1 : 0;
	if (c->action != MARK_NONE && c->action != MARK_VISIBLE)
		return -1;
	return backoff_ask_ms(in->courier->config->poll_interval_ms, c->asks);
}

/* Read by id what the decisions need, then decide. */
static enum err
confirm(const struct inbound *in, struct run *run, int64_t deadline_ms,
    struct findings *f)
{
	const struct provider *provider =
	    provider_by_name(run->connection.type);
	struct candidates *candidates = &f->candidates;
	const char **ids = calloc(candidates->count + 1, sizeof(*ids));
	struct items read = { 0 };
	enum err err = OK;
	size_t n = 0;

	if (!ids)
		return err_set(ERR_NOMEM, "no memory for candidates");
	for (size_t i = 0; i < candidates->count; i++)
		if (absence_needs_reading(&candidates->list[i]))
			ids[n++] = candidates->list[i].source_id;
	f->limit_ms = courier_read(
	    in->courier, &run->connection, ids, n, deadline_ms, &read);
	for (size_t i = 0; !err && i < candidates->count; i++) {
		struct candidate *c = &candidates->list[i];
		const struct item *item = courier_find(&read, c->source_id);

		err = absence_decide(c, item, in->complete_on);
		if (absence_needs_reading(c) &&
		    !provider_has_id(provider, c->source_id))
			c->reason = reason_name(REASON_BAD_ID);
		c->ask_after_ms = ask_after_ms(in, c, item);
		take_listed(f, c);
		count(f, c, item);
	}
	items_done(&read);
	free(ids);
	return err;
}

const char *
findings_account(const struct run *run, const struct findings *f)
{
	return f->fetched.account_id ? f->fetched.account_id
				     : run->connection.account_id;
}

enum err
inbound_judge(const struct inbound *in, struct run *run, int64_t deadline_ms,
    struct findings *f)
{
	const struct run_question question = { .items = &f->fetched.items,
		.account_id = findings_account(run, f),
		.absence_least_ms = in->courier->config->absence_least_ms,
		.replica_lag_ms = in->courier->config->replica_lag_ms };
	enum err err = run_diff(in->store, run, &question, &f->candidates);

	if (!err)
		err = confirm(in, run, deadline_ms, f);
	if (!err)
		f->guard = absence_guard(
		    &f->candidates, f->fetched.items.count, run->approved);
	return err;
}
