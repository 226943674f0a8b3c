/* Events: what happened without a call of the user's. The database stores
 * codes; the sentences are made here. */
#include <inttypes.h>
#include <stdlib.h>

#include "core/providers/provider.h"
#include "core/store/task.h"
#include "core/sync/verdict.h"
#include "gateway.h"
#include "listing.h"

/* Add ,"name":"text", or null for an empty text. */
static enum err
add_member(struct buf *buf, const char *name, const char *text)
{
	enum err err = buf_addf(buf, ",\"%s\":", name);

	if (err)
		return err;
	return *text ? buf_add_json(buf, text) : buf_add_str(buf, "null");
}

static enum err
add_event(struct buf *buf, const struct event *e)
{
	const struct provider *provider = provider_by_name(e->source);
	char sentence[400];
	enum err err;

	event_sentence(e, provider ? provider->title : "The provider", sentence,
	    sizeof(sentence));
	err = buf_add_str(buf, "{\"id\":");
	if (!err)
		err = buf_add_json(buf, e->id);
	if (!err)
		err = add_member(buf, "type", e->type);
	if (!err)
		err = add_member(buf, "task_id", e->task_id);
	if (!err)
		err = add_member(buf, "writeback_id", e->writeback_id);
	if (!err)
		err = add_member(buf, "connection_id", e->connection_id);
	if (!err)
		err = add_member(buf, "reason", e->reason);
	if (!err)
		err = add_member(buf, "detail", sentence);
	if (!err)
		err = add_member(buf, "created_at", e->created_at);
	return err ? err : buf_add(buf, "}", 1);
}

HANDLER(events_get)
{
	struct listing_query q;
	struct event *list = NULL;
	size_t n = 0;
	char cursor[48];
	enum err err = listing_query_read(req, &q);

	if (!err)
		err = event_list(&gateway->store, req->user_id, &q.filter,
		    &list, &n, cursor);
	if (!err)
		err = buf_add_str(&reply->body, "{\"events\":[");
	for (size_t i = 0; !err && i < n; i++) {
		if (i > 0)
			err = buf_add(&reply->body, ",", 1);
		if (!err)
			err = add_event(&reply->body, &list[i]);
	}
	if (!err)
		err = buf_addf(
		    &reply->body, "],\"next_cursor\":\"%s\"}\n", cursor);
	reply->status = 200;
	free(list);
	return err;
}
