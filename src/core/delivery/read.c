/* Items by id, batched where the provider can. */
#include "carry.h"

#include <stdlib.h>
#include <string.h>

#include "core/clock.h"
#include "core/keys.h"

static int
by_source_id(const void *a, const void *b)
{
	const struct item *x = a, *y = b;

	return strcmp(x->source_id, y->source_id);
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

/* False: asking on is of no use, the trouble is not about these ids. */
static bool
one_batch(const struct courier *courier, const struct provider *provider,
    const struct connection *conn, const char *const *ids, size_t count,
    int64_t deadline_ms, struct items *out)
{
	struct http_request req = HTTP_REQUEST_INIT;
	struct http_response res = HTTP_RESPONSE_INIT(CARRY_BODY_MAX);
	const char *base = config_base_url(courier->config, conn->type);
	struct answer failure = { 0 };
	size_t before = out->count;
	enum err err;

	err = provider->read_request(conn, base, ids, count, &req);
	if (!err)
		err = carry(courier, conn, &req, deadline_ms, &res);
	if (err)
		carry_failed(&failure);
	else
		err = provider->read_response(
		    conn, ids, count, &res, out, &failure);
	http_request_done(&req);
	http_response_done(&res);
	if (!err)
		return true;
	while (out->count > before)
		item_done(&out->list[--out->count]);
	/* one item's trouble must not keep the others from being asked */
	return failure.outcome == OUTCOME_REJECTED ||
	       (failure.outcome == OUTCOME_UNKNOWN &&
		   failure.reason != REASON_UNREACHABLE);
}

void
courier_read(const struct courier *courier, struct connection *conn,
    const char *const *ids, size_t count, int64_t deadline_ms,
    struct items *out)
{
	const struct provider *provider = provider_by_name(conn->type);
	size_t n;

	if (!provider || keys_open(&courier->keys, conn))
		return;
	for (size_t i = 0; i < count; i += n) {
		n = count - i < provider->read_max ? count - i
						   : provider->read_max;
		if (clock_mono_ms() >= deadline_ms ||
		    !one_batch(
			courier, provider, conn, ids + i, n, deadline_ms, out))
			break;
	}
	if (out->count > 1)
		qsort(out->list, out->count, sizeof(*out->list), by_source_id);
}
