/* Reads the parameters of lists, and writes the answer that all lists have. */
#include "listing.h"

#include <stdlib.h>
#include <string.h>

#define LIMIT_DEFAULT 50
#define LIMIT_MOST 200

static enum err
read_limit(const char *text, int *out)
{
	long limit = strtol(text, NULL, 10);

	/* digits only: strtol() would accept spaces and signs as well */
	if (text[strspn(text, "0123456789")] || limit < 1 || limit > LIMIT_MOST)
		return err_set(ERR_INPUT,
		    "'limit' must be a whole number from 1 to %d.", LIMIT_MOST);
	*out = (int)limit;
	return OK;
}

enum err
listing_query_read(const struct request *req, struct listing_query *out)
{
	struct task_filter *f = &out->filter;
	char id[64];
	enum err err = OK;

	memset(out, 0, sizeof(*out));
	f->limit = LIMIT_DEFAULT;
	if (request_query(
		req, "status", out->status, sizeof(out->status), &err))
		f->status = out->status;
	if (!err && request_query(
			req, "source", out->source, sizeof(out->source), &err))
		f->source = out->source;
	if (!err && request_query(
			req, "cursor", out->cursor, sizeof(out->cursor), &err))
		f->cursor = out->cursor;
	if (!err &&
	    request_query(req, "limit", out->limit, sizeof(out->limit), &err))
		err = read_limit(out->limit, &f->limit);
	if (!err && request_query(req, "connection_id", id, sizeof(id), &err)) {
		if (!crypto_uuid_parse(id, out->connection_id))
			return err_set(
			    ERR_INPUT, "'connection_id' must be a UUID.");
		f->connection_id = out->connection_id;
	}
	return err;
}

enum err
listing_reply(
    struct reply *reply, const char *name, const struct listing *listing)
{
	enum err err;

	reply->status = 200;
	err = buf_addf(&reply->body, "{\"%s\":", name);
	if (!err)
		err = buf_add_str(&reply->body, listing->json);
	if (!err)
		err = buf_add_str(&reply->body, ",\"next_cursor\":");
	if (!err)
		err = listing->next_cursor
			  ? buf_add_json(&reply->body, listing->next_cursor)
			  : buf_add_str(&reply->body, "null");
	if (!err)
		err = buf_add_str(&reply->body, "}\n");
	return err;
}
