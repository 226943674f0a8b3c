/* What all handlers of one process share. */
#ifndef GATEWAY_GATEWAY_H
#define GATEWAY_GATEWAY_H

#include "core/config.h"
#include "core/courier/courier.h"
#include "core/share.h"
#include "core/store/store.h"
#include "core/token.h"
#include "metrics.h"
#include "pulse.h"
#include "request.h"

struct sweep;
struct keyring;

struct gateway {
	const struct config *config;
	struct store store;
	struct courier courier;
	struct token_verifier *verifier;
	struct share *waits, *reads; /* of each user, under way */
	struct sweep *sweep;
	int64_t stop_by_ms;      /* clock_mono_ms(); 0: it goes on */
	struct keyring *keyring; /* NULL: shared secrets alone */
	struct metrics metrics;
	struct pulse readiness, gauges;
};

/* Find the route, check the token where one is needed, read the body, call
 * the handler; every failure becomes a problem. context: struct gateway. */
void router_handle(void *context, struct request *req, struct reply *reply);

/* Fill req->user_id from its bearer token; ERR_AUTH. */
enum err auth_check(struct gateway *gateway, struct request *req) MUST_CHECK;

/* Keep the keys of users' tokens fresh. Needs verifier, courier and store. */
enum err keyring_start(struct gateway *gateway) MUST_CHECK;
/* A token names a key that is not known: have the keys fetched anew, no more
 * often than the auth server can bear, and wait for that a moment at most. */
void keyring_ask(struct gateway *gateway);
/* Is what is known all that there is? No: no key set was ever had, it is too
 * old, or one is being fetched. Without a keyring: yes. */
bool keyring_is_ready(struct gateway *gateway);
void keyring_stop(struct gateway *gateway);

/* May a page of this origin call? origins: as the setting has them; "": none.
 */
bool cors_is_listed(const char *origins, const char *origin);
/* What browsers must be told with every reply, errors too. */
void cors_finish(const struct gateway *gateway, const struct request *req,
    struct reply *reply);

/* Handlers: a failure that is returned becomes its problem; a handler that
 * has filled the reply itself returns OK. */
#define HANDLER(name)                                                          \
	enum err name(struct gateway *gateway, const struct request *req,      \
	    struct reply *reply)
HANDLER(tasks_list);
HANDLER(tasks_create);
HANDLER(tasks_read);
HANDLER(tasks_change);
HANDLER(tasks_delete);
HANDLER(tasks_archive);
HANDLER(tasks_complete);
HANDLER(tasks_uncomplete);
HANDLER(writebacks_read);
HANDLER(inbox_get);
HANDLER(inbox_import_item);
HANDLER(connections_list);
HANDLER(connections_create);
HANDLER(connections_read);
HANDLER(connections_change);
HANDLER(connections_delete);
HANDLER(connections_poll);
HANDLER(events_get);
HANDLER(health_live);
HANDLER(health_ready);
HANDLER(health_metrics);

/* What /readyz and /metrics answer is kept for some seconds. */
void health_init(struct gateway *gateway);
void health_done(struct gateway *gateway);

/* Run handle() under the request's Idempotency-Key. */
enum err idempotent(struct gateway *gateway, struct request *req,
    struct reply *reply,
    enum err (*handle)(
	struct gateway *, const struct request *, struct reply *)) MUST_CHECK;

#endif
