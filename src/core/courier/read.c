/* Items by id, many in a request where the provider can. Where a finished item
 * cannot be read or an id is an old one, the provider's other ways to ask. */
#include "carry.h"

#include <stdlib.h>
#include <string.h>

#include "core/backoff.h"
#include "core/clock.h"
#include "core/keys.h"

/* How far back to look for finished items if it is not known when the list was
 * last read. */
#define FINISHED_LONGEST_MS ((int64_t)80 * 24 * 3600 * 1000)
#define FINISHED_MARGIN_MS ((int64_t)24 * 3600 * 1000)
#define FINISHED_PAGES_MAX 200
#define FINISHED_FIRST 10
/* Enough to find a few bad ids in a batch that is refused; more are not looked
 * for. */
#define HALVINGS_MAX 16

static int
by_source_id(const void *a, const void *b)
{
	const struct item *x = a, *y = b;

	return strcmp(x->source_id, y->source_id);
}

static void
sort(struct items *items)
{
	if (items->count > 1)
		qsort(items->list, items->count, sizeof(*items->list),
		    by_source_id);
}

const struct item *
courier_find(const struct items *items, const char *source_id)
{
	struct item key = { .source_id = (char *)(uintptr_t)source_id };

	if (items->count == 0)
		return NULL;
	return bsearch(
	    &key, items->list, items->count, sizeof(key), by_source_id);
}

/* The state of one courier_read(). */
struct reading {
	const struct courier *courier;
	const struct provider *provider;
	const struct connection *conn;
	const char *base_url;
	int64_t deadline_ms;
	int64_t limit_ms; /* the provider asked to be left alone this long; 0:
			     it did not */
	int halvings;     /* of the present batch */
	size_t requests;  /* by id or old id, so far */
	/* the finished items, once they were asked for */
	struct items finished;
	bool has_finished, is_told;
};

static void
note_limit(struct reading *r, const struct answer *failure)
{
	if (failure->outcome == OUTCOME_RATE_LIMITED)
		r->limit_ms = backoff_asked_ms(failure->retry_after_ms);
}

/* One way to ask about ids: by id, or by old id. */
struct way {
	size_t max;
	enum err (*request)(const struct connection *conn, const char *base_url,
	    const char *const *ids, size_t count, struct http_request *out);
	enum err (*response)(const struct connection *conn,
	    const char *const *ids, size_t count,
	    const struct http_response *res, struct items *out,
	    struct answer *failure);
};

enum asked { ASKED, ASKED_IN_VAIN, ASKED_TOO_MUCH, GIVE_UP };

/* Ask about one batch. GIVE_UP: the trouble is not about these ids, so asking
 * on is of no use. ASKED_TOO_MUCH: it was refused, perhaps because of one
 * id. */
static enum asked
one_batch(struct reading *r, const struct way *way, const char *const *ids,
    size_t count, struct items *out)
{
	struct http_request req = HTTP_REQUEST_INIT;
	struct http_response res = HTTP_RESPONSE_INIT(CARRY_BODY_MAX);
	struct answer failure = { 0 };
	size_t before = out->count;
	enum err err;

	err = way->request(r->conn, r->base_url, ids, count, &req);
	if (!err)
		err = carry(r->courier, r->conn, &req, r->deadline_ms, &res);
	if (err)
		carry_failed(&failure);
	else
		err = way->response(r->conn, ids, count, &res, out, &failure);
	http_request_done(&req);
	http_response_done(&res);
	if (!err)
		return ASKED;
	note_limit(r, &failure);
	while (out->count > before)
		item_done(&out->list[--out->count]);
	/* a missing right is refused with another reason, and halving would not
	 * help */
	if (failure.outcome == OUTCOME_REJECTED &&
	    failure.reason == REASON_REFUSED && count > 1 &&
	    r->halvings++ < HALVINGS_MAX)
		return ASKED_TOO_MUCH;
	if (failure.outcome == OUTCOME_REJECTED || err == ERR_INPUT)
		return ASKED_IN_VAIN;
	/* trouble with one item must not keep the others from being asked
	 * about */
	if (failure.outcome == OUTCOME_UNKNOWN &&
	    failure.reason != REASON_UNREACHABLE)
		return ASKED_IN_VAIN;
	return GIVE_UP;
}

/* Ask about a batch; if it is refused, about its halves, down to the one id
 * that the provider refuses. False: asking on is of no use. */
static bool
batch(struct reading *r, const struct way *way, const char *const *ids,
    size_t count, struct items *out)
{
	size_t half = count / 2;

	if (clock_mono_ms() >= r->deadline_ms ||
	    r->requests++ >= r->provider->read_most)
		return false;
	switch (one_batch(r, way, ids, count, out)) {
	case ASKED_TOO_MUCH:
		return batch(r, way, ids, half, out) &&
		       batch(r, way, ids + half, count - half, out);
	case GIVE_UP:
		return false;
	default:
		return true;
	}
}

static void
all_batches(struct reading *r, const struct way *way, const char *const *ids,
    size_t count, struct items *out)
{
	size_t n;

	for (size_t i = 0; i < count; i += n) {
		n = count - i < way->max ? count - i : way->max;
		r->halvings = 0;
		if (!batch(r, way, ids + i, n, out))
			return;
	}
}

/* One page of the finished items. *cursor moves on; NULL after the last
 * page. */
static enum err
finished_page(const struct reading *r, const struct span *span, char **cursor,
    struct items *out, struct answer *failure)
{
	struct http_request req = HTTP_REQUEST_INIT;
	struct http_response res = HTTP_RESPONSE_INIT(CARRY_BODY_MAX);
	struct page page = { 0 };
	enum err err;

	err = r->provider->finished_request(
	    r->conn, r->base_url, span, *cursor, &req);
	if (!err)
		err = carry(r->courier, r->conn, &req, r->deadline_ms, &res);
	if (err)
		carry_failed(failure);
	else
		err = r->provider->finished_response(
		    r->conn, *cursor, &res, &page, failure);
	free(*cursor);
	*cursor = err ? NULL : page.next_cursor;
	page.next_cursor = err ? page.next_cursor : NULL;
	for (size_t i = 0; !err && i < page.items.count; i++) {
		struct item *item = items_add(out);

		if (!item)
			err = err_set(ERR_NOMEM, "no memory for items");
		else
			*item = page.items.list[i];
		memset(&page.items.list[i], 0, sizeof(page.items.list[i]));
	}
	page_done(&page);
	http_request_done(&req);
	http_response_done(&res);
	return err;
}

/* Read all finished items. False: the provider did not say. If it refuses the
 * question for good, the list counts as empty, and reading by id has to do. */
static bool
read_finished(struct reading *r, struct items *out)
{
	int64_t now = clock_wall_ms();
	struct span span = { .until_ms = now + FINISHED_MARGIN_MS,
		.since_ms = r->conn->listed_at_ms - FINISHED_MARGIN_MS };
	struct answer failure = { 0 };
	char *cursor = NULL;
	enum err err = OK;
	int pages = 0;

	if (span.since_ms < now - FINISHED_LONGEST_MS)
		span.since_ms = now - FINISHED_LONGEST_MS;
	do {
		if (clock_mono_ms() >= r->deadline_ms ||
		    pages++ == FINISHED_PAGES_MAX) {
			free(cursor);
			return false;
		}
		err = finished_page(r, &span, &cursor, out, &failure);
	} while (!err && cursor);
	if (err)
		note_limit(r, &failure);
	sort(out);
	return !err || failure.outcome == OUTCOME_REJECTED;
}

/* Look for an item among the finished ones, which are read at most once. NULL:
 * it is not there or, if is_told is false, the provider did not say. */
static const struct item *
find_finished(struct reading *r, const char *source_id)
{
	if (!r->has_finished)
		r->is_told = !r->limit_ms && read_finished(r, &r->finished);
	r->has_finished = true;
	return courier_find(&r->finished, source_id);
}

/* An item that is not visible may be finished, which this provider lists
 * apart. */
static void
look_among_finished(struct reading *r, struct items *items)
{
	size_t kept = 0;

	for (size_t i = 0; i < items->count; i++) {
		struct item *item = &items->list[i];
		bool is_unseen = item->state == ITEM_NOT_VISIBLE &&
				 r->provider->finished_request;

		if (is_unseen && find_finished(r, item->source_id))
			item->state = ITEM_COMPLETED;
		else if (is_unseen && !r->is_told) {
			item_done(item); /* as if it had not been asked about */
			continue;
		}
		items->list[kept++] = *item;
	}
	items->count = kept;
}

/* If many ids cannot be asked about together, the list of finished items
 * probably has most of them. Returns how many ids are left. */
static size_t
take_finished(
    struct reading *r, const char **ids, size_t count, struct items *out)
{
	size_t left = 0;

	if (r->provider->read_max > 1 || count <= FINISHED_FIRST ||
	    !r->provider->finished_request)
		return count;
	for (size_t i = 0; i < count; i++) {
		const struct item *found = find_finished(r, ids[i]);
		struct item *item = found ? items_add(out) : NULL;

		if (item && (item->source_id = strdup(ids[i])) != NULL)
			item->state = ITEM_COMPLETED;
		else if (item)
			out->count--;
		if (!item || !item->source_id)
			ids[left++] = ids[i];
	}
	return left;
}

int64_t
courier_read(const struct courier *courier, struct connection *conn,
    const char *const *ids, size_t count, int64_t deadline_ms,
    struct items *out)
{
	const struct provider *provider = provider_by_name(conn->type);
	const char **sorted = calloc(count + 1, sizeof(*sorted));
	struct reading r = { .courier = courier,
		.provider = provider,
		.conn = conn,
		.deadline_ms = deadline_ms };
	struct way by_id, by_old_id;
	size_t n = 0, old;

	if (!provider || !sorted || keys_open(&courier->keys, conn))
		goto out;
	r.base_url = config_base_url(courier->config, conn->type);
	by_id = (struct way){ provider->read_max, provider->read_request,
		provider->read_response };
	by_old_id = (struct way){ provider->map_max, provider->map_request,
		provider->map_response };
	for (size_t i = 0; i < count; i++)
		if (provider_has_id(provider, ids[i]) &&
		    (!provider->is_old_id || !provider->is_old_id(ids[i])))
			sorted[n++] = ids[i];
	old = n;
	for (size_t i = 0; i < count; i++)
		if (provider->is_old_id && provider->is_old_id(ids[i]) &&
		    provider_has_id(provider, ids[i]))
			sorted[old++] = ids[i];
	all_batches(&r, &by_id, sorted, take_finished(&r, sorted, n, out), out);
	look_among_finished(&r, out);
	if (!r.limit_ms)
		all_batches(&r, &by_old_id, sorted + n, old - n, out);
	sort(out);
out:
	items_done(&r.finished);
	free(sorted);
	return r.limit_ms;
}
