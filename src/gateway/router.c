/* Finds the handler for a path and method, and checks what every call must
 * bring. */
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "gateway.h"

/* WAITS: the call may wait for a provider, or for another call. */
enum { NEEDS_USER = 1, NEEDS_BODY = 2, WAITS = 4 };

/* Of the workers, one user may keep a quarter waiting, or FEW_CALLS if they are
 * few, but never more than half of them. Calls that do not wait may have half
 * of the workers, beside these. */
#define FEW_CALLS 8

struct route {
	const char *method, *pattern; /* {id} stands for a UUID */
	int needs;
	enum err (*handle)(
	    struct gateway *, const struct request *, struct reply *);
};

/* clang-format off */
static const struct route routes[] = {
	{ "GET",    "/healthz", 0, health_live },
	{ "GET",    "/readyz",  0, health_ready },
	{ "GET",    "/metrics", 0, health_metrics },
	{ "GET",    "/v1/tasks", NEEDS_USER, tasks_list },
	{ "POST",   "/v1/tasks", NEEDS_USER | NEEDS_BODY, tasks_create },
	{ "GET",    "/v1/tasks/{id}", NEEDS_USER, tasks_read },
	{ "PATCH",  "/v1/tasks/{id}", NEEDS_USER | NEEDS_BODY, tasks_change },
	{ "DELETE", "/v1/tasks/{id}", NEEDS_USER, tasks_delete },
	{ "POST",   "/v1/tasks/{id}/archive", NEEDS_USER, tasks_archive },
	{ "POST",   "/v1/tasks/{id}/complete", NEEDS_USER | WAITS, tasks_complete },
	{ "POST",   "/v1/tasks/{id}/uncomplete", NEEDS_USER | WAITS, tasks_uncomplete },
	{ "GET",    "/v1/writebacks/{id}", NEEDS_USER, writebacks_read },
	{ "GET",    "/v1/inbox", NEEDS_USER, inbox_get },
	{ "POST",   "/v1/inbox/{id}/import", NEEDS_USER, inbox_import_item },
	{ "GET",    "/v1/connections", NEEDS_USER, connections_list },
	{ "POST",   "/v1/connections", NEEDS_USER | NEEDS_BODY | WAITS, connections_create },
	{ "GET",    "/v1/connections/{id}", NEEDS_USER, connections_read },
	{ "PATCH",  "/v1/connections/{id}", NEEDS_USER | NEEDS_BODY | WAITS, connections_change },
	{ "DELETE", "/v1/connections/{id}", NEEDS_USER, connections_delete },
	{ "POST",   "/v1/connections/{id}/poll", NEEDS_USER, connections_poll },
	{ "GET",    "/v1/events", NEEDS_USER, events_get },
};
/* clang-format on */
#define ROUTES (sizeof(routes) / sizeof(routes[0]))

/* Does path fit the pattern? An {id} that is not a UUID never fits, because no
 * such thing can exist. */
static bool
fits(const char *pattern, const char *path, char target[CRYPTO_UUID])
{
	const char *hole = strstr(pattern, "{id}");
	char text[CRYPTO_UUID];
	size_t n;

	if (!hole)
		return !strcmp(pattern, path);
	n = (size_t)(hole - pattern);
	if (strncmp(pattern, path, n))
		return false;
	path += n;
	n = strcspn(path, "/");
	if (n != CRYPTO_UUID - 1 || strcmp(hole + 4, path + n))
		return false;
	snprintf(text, sizeof(text), "%s", path);
	return crypto_uuid_parse(text, target);
}

static void
allow(struct request *req, const char *method)
{
	size_t used = strlen(req->allowed);

	(void)snprintf(req->allowed + used, sizeof(req->allowed) - used, "%s%s",
	    used ? ", " : "", method);
}

/* Is the route for this method? HEAD is GET without the body of the answer. */
static bool
is_meant(const struct route *route, const char *method)
{
	return !strcmp(
	    route->method, strcmp(method, "HEAD") != 0 ? method : "GET");
}

/* The route for a request. NULL: there is no such path or, if req->allowed is
 * not empty, the path does not have this method. */
static const struct route *
find(struct request *req)
{
	for (size_t i = 0; i < ROUTES; i++) {
		if (!fits(routes[i].pattern, req->path, req->target))
			continue;
		if (is_meant(&routes[i], req->method))
			return &routes[i];
		allow(req, routes[i].method);
		if (!strcmp(routes[i].method, "GET"))
			allow(req, "HEAD");
	}
	if (req->allowed[0])
		allow(req, "OPTIONS");
	return NULL;
}

/* May the body be JSON, by its content type? No type will do, and so will curl
 * -d's form-urlencoded: parsing shows what the body is. Any other type is
 * refused. */
static bool
may_be_json(const char *type)
{
	size_t n = strcspn(type, "; ");

	return n == 0 ||
	       (n == 16 && !strncasecmp(type, "application/json", n)) ||
	       (n > 5 && !strncasecmp(type + n - 5, "+json", 5)) ||
	       (n == 33 &&
		   !strncasecmp(type, "application/x-www-form-urlencoded", n));
}

static enum err
read_json(const struct route *route, struct request *req)
{
	if (req->body.len == 0) {
		if (!(route->needs & NEEDS_BODY))
			return OK;
		return *req->content_length
			   ? err_set(ERR_INPUT, "The body is empty.")
			   : err_set(ERR_LENGTH, "no body");
	}
	if (!may_be_json(req->content_type))
		return err_set(ERR_MEDIA, "not JSON");
	if (json_parse(req->body.ptr, req->body.len, &req->json)) {
		char why[300];

		snprintf(why, sizeof(why), "%s", err_text());
		return err_set(ERR_INPUT, "The body is not valid: %s.", why);
	}
	if (!cJSON_IsObject(req->json))
		return err_set(ERR_INPUT, "The body must be a JSON object.");
	return OK;
}

/* Report what was wrong with the request as it arrived. */
static enum err
arrived(const struct request *req)
{
	if (req->trouble == ERR_TOOBIG)
		return err_set(ERR_TOOBIG, "the body");
	if (req->trouble)
		return err_set(
		    ERR_INPUT, "The body is not as long as announced.");
	return OK;
}

/* Answer a method that the path does not have; OPTIONS gets the list of
 * methods. */
static enum err
tell_methods(const struct request *req, struct reply *reply)
{
	reply_header(reply, "Allow: %s", req->allowed);
	if (strcmp(req->method, "OPTIONS") != 0)
		return err_set(
		    ERR_METHOD, "This path takes only %s.", req->allowed);
	reply->status = 204;
	return OK;
}

/* How many calls of one user may be under way. */
static int
most_calls(const struct gateway *gateway, const struct route *route)
{
	int workers = gateway->config->workers, most = workers / 4;

	if (!(route->needs & WAITS))
		most = workers / 2;
	else if (most < FEW_CALLS)
		most = workers / 2 < FEW_CALLS ? workers / 2 : FEW_CALLS;
	return most > 0 ? most : 1;
}

static enum err
handle(struct gateway *gateway, const struct route *route, struct request *req,
    struct reply *reply)
{
	enum err err = read_json(route, req);

	if (err)
		return err;
	if (strcmp(route->method, "POST") != 0)
		return route->handle(gateway, req, reply);
	if (req->idempotency_key && route->needs & NEEDS_USER)
		return idempotent(gateway, req, reply, route->handle);
	crypto_uuid(req->call_id);
	return route->handle(gateway, req, reply);
}

/* One user's calls leave workers for everybody else's. */
static enum err
handle_in_turn(struct gateway *gateway, const struct route *route,
    struct request *req, struct reply *reply)
{
	struct share *share =
	    route->needs & WAITS ? gateway->waits : gateway->reads;
	enum err err;

	if (!share_take(share, req->user_id, most_calls(gateway, route)))
		return err_set(ERR_LIMIT, "too many calls of one user");
	err = handle(gateway, route, req, reply);
	share_give(share, req->user_id);
	return err;
}

static enum err
run(struct gateway *gateway, struct request *req, struct reply *reply)
{
	enum err err = arrived(req);
	const struct route *route = err ? NULL : find(req);

	if (err)
		return err;
	if (!route && req->allowed[0])
		return tell_methods(req, reply);
	if (!route)
		return err_set(ERR_NOTFOUND, "no such path");
	req->route = route->pattern;
	if (!(route->needs & NEEDS_USER))
		return handle(gateway, route, req, reply);
	err = auth_check(gateway, req);
	return err ? err : handle_in_turn(gateway, route, req, reply);
}

void
router_handle(void *context, struct request *req, struct reply *reply)
{
	struct gateway *gateway = context;
	enum err err = run(gateway, req, reply);

	if (err)
		reply_error(reply, err);
	cors_finish(gateway, req, reply);
	atomic_fetch_add(&gateway->metrics.requests[reply->status / 100], 1);
}
