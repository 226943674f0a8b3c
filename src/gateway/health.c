/* For load balancers, monitors and people on call; no user's data. */
#include <inttypes.h>
#include <stdlib.h>

#include "core/providers/provider.h"
#include "core/store/connection.h"
#include "core/store/writeback.h"
#include "gateway.h"

#define PROVIDERS_MAX 16

HANDLER(health_live)
{
	(void)gateway;
	(void)req;
	return reply_json(reply, 200, "status", "\"ok\"");
}

static enum err
read_health(struct gateway *gateway, struct provider_health *out, size_t *n)
{
	const char *names[PROVIDERS_MAX];
	size_t count = 0;

	for (; count < PROVIDERS_MAX && provider_at(count); count++)
		names[count] = provider_at(count)->name;
	*n = count;
	return connection_health(&gateway->store, names, count, out);
}

HANDLER(health_ready)
{
	struct provider_health health[PROVIDERS_MAX] = { 0 };
	struct buf *body = &reply->body;
	size_t n = 0;
	enum err err = read_health(gateway, health, &n);

	(void)req;
	if (err)
		return err;
	reply->status = 200;
	err = buf_add_str(
	    body, "{\"status\":\"ok\",\"database\":\"ok\",\"providers\":{");
	for (size_t i = 0; !err && i < n; i++) {
		err = buf_addf(body,
		    "%s\"%s\":{\"connections\":%" PRId64
		    ",\"auth_failed\":%" PRId64 ",\"failing\":%" PRId64
		    ",\"last_complete_run_age_s\":",
		    i ? "," : "", health[i].type, health[i].connections,
		    health[i].auth_failed, health[i].failing);
		if (!err && health[i].last_complete_run_age_s < 0)
			err = buf_add_str(body, "null}");
		else if (!err)
			err = buf_addf(body, "%" PRId64 "}",
			    health[i].last_complete_run_age_s);
	}
	return err ? err : buf_add_str(body, "}}\n");
}

HANDLER(health_metrics)
{
	struct provider_health health[PROVIDERS_MAX] = { 0 };
	struct open_writebacks open = { 0 };
	struct buf *body = &reply->body;
	size_t n = 0;
	enum err err = metrics_print(&gateway->metrics, body);

	(void)req;
	reply->status = 200;
	reply->content_type = "text/plain; version=0.0.4";
	if (!err)
		err = read_health(gateway, health, &n);
	if (!err)
		err = writeback_open(&gateway->store, &open);
	if (!err)
		err = buf_addf(body,
		    "# TYPE flowpin_open_writebacks gauge\n"
		    "flowpin_open_writebacks %" PRId64 "\n"
		    "# TYPE flowpin_oldest_open_writeback_seconds gauge\n"
		    "flowpin_oldest_open_writeback_seconds %" PRId64 "\n"
		    "# TYPE flowpin_connections gauge\n"
		    "# TYPE flowpin_connections_auth_failed gauge\n"
		    "# TYPE flowpin_connections_failing gauge\n"
		    "# TYPE flowpin_last_complete_run_age_seconds gauge\n",
		    open.count, open.oldest_s);
	for (size_t i = 0; !err && i < n; i++) {
		const struct provider_health *h = &health[i];

		err = buf_addf(body,
		    "flowpin_connections{provider=\"%s\"} %" PRId64 "\n"
		    "flowpin_connections_auth_failed{provider=\"%s\"} %" PRId64
		    "\n"
		    "flowpin_connections_failing{provider=\"%s\"} %" PRId64
		    "\n",
		    h->type, h->connections, h->type, h->auth_failed, h->type,
		    h->failing);
		if (!err && h->last_complete_run_age_s >= 0)
			err = buf_addf(body,
			    "flowpin_last_complete_run_age_seconds"
			    "{provider=\"%s\"} %" PRId64 "\n",
			    h->type, h->last_complete_run_age_s);
	}
	return err;
}
