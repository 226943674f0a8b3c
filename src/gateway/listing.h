/* What calls that list things have in common. */
#ifndef GATEWAY_LISTING_H
#define GATEWAY_LISTING_H

#include "core/store/task.h"
#include "request.h"

struct listing_query {
	struct task_filter filter; /* points into the texts below */
	char status[16], source[16], connection_id[CRYPTO_UUID];
	char cursor[100], limit[8];
};

/* ?status= &source= &connection_id= &cursor= &limit= (1 to 200, 50). */
enum err listing_query_read(
    const struct request *req, struct listing_query *out) MUST_CHECK;

/* {"<name>": [...], "next_cursor": ...} */
enum err listing_reply(struct reply *reply, const char *name,
    const struct listing *listing) MUST_CHECK;

#endif
