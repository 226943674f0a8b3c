/* Pages of other origins may call if their origin is listed (Fetch standard,
 * 3.2). The bearer token says who calls, never a cookie, so no credentials are
 * allowed. */
#include <string.h>

#include "core/words.h"
#include "gateway.h"

#define MAX_AGE_S "7200" /* the longest that Chromium accepts */

bool
cors_is_listed(const char *origins, const char *origin)
{
	size_t len = strlen(origin), n;
	const char *p;

	while ((p = words_next(&origins, &n)))
		if (n == len && memcmp(p, origin, n) == 0)
			return true;
	return false;
}

static bool
is_preflight(const struct request *req)
{
	return strcmp(req->method, "OPTIONS") == 0 &&
	       *req->preflight_method != '\0';
}

void
cors_finish(const struct gateway *gateway, const struct request *req,
    struct reply *reply)
{
	const char *origins = gateway->config->cors_origins;

	if (*origins == '\0')
		return;
	/* a cached answer is for one origin only */
	reply_header(reply,
	    is_preflight(req) ? "Vary: Origin, Access-Control-Request-Method, "
				"Access-Control-Request-Headers"
			      : "Vary: Origin");
	if (!cors_is_listed(origins, req->origin))
		return;
	reply_header(reply, "Access-Control-Allow-Origin: %s", req->origin);
	if (!is_preflight(req)) {
		reply_header(reply, "Access-Control-Expose-Headers: Location, "
				    "Retry-After, X-Request-Id, "
				    "Preference-Applied");
		return;
	}
	reply_header(reply, "Access-Control-Allow-Headers: Authorization, "
			    "Content-Type, Idempotency-Key, Prefer");
	reply_header(reply, "Access-Control-Max-Age: " MAX_AGE_S);
	if (reply->status == 204)
		reply_header(
		    reply, "Access-Control-Allow-Methods: %s", req->allowed);
}
