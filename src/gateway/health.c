/* For load balancers, monitors and people on call; no user's data. */
#include <inttypes.h>
#include <stddef.h>
#include <string.h>

#include "core/providers/provider.h"
#include "core/store/connection.h"
#include "core/store/guard.h"
#include "core/store/writeback.h"
#include "gateway.h"

#define PROVIDERS_MAX 16
#define READY_MS 2000
#define GAUGES_MS 2000

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

static enum err
try_database(void *context, struct buf *out)
{
	const struct gateway *gateway = context;
	enum err err = store_probe(&gateway->store);

	return err ? err
		   : buf_add_str(
			 out, "{\"status\":\"ok\",\"database\":\"ok\"}\n");
}

HANDLER(health_ready)
{
	(void)req;
	reply->status = 200;
	return pulse_read(&gateway->readiness, &reply->body);
}

static const struct gauge {
	const char *name, *help;
	size_t at; /* in struct provider_health */
} gauges[] = {
	{ "flowpin_connections", "Connections that have a key.",
	    offsetof(struct provider_health, connections) },
	{ "flowpin_connections_auth_failed",
	    "Connections whose key the provider refused.",
	    offsetof(struct provider_health, auth_failed) },
	{ "flowpin_connections_failing", "Connections whose last run failed.",
	    offsetof(struct provider_health, failing) },
	{ "flowpin_last_complete_run_age_seconds",
	    "Age of the newest complete run.",
	    offsetof(struct provider_health, last_complete_run_age_s) },
};

/* One sample per provider; -1 is: there was none. */
static enum err
print_gauge(struct buf *body, const struct gauge *gauge,
    const struct provider_health *health, size_t n)
{
	enum err err = buf_addf(body, "# HELP %s %s\n# TYPE %s gauge\n",
	    gauge->name, gauge->help, gauge->name);

	for (size_t i = 0; !err && i < n; i++) {
		int64_t value;

		memcpy(&value, (const char *)&health[i] + gauge->at,
		    sizeof(value));
		if (value >= 0)
			err =
			    buf_addf(body, "%s{provider=\"%s\"} %" PRId64 "\n",
				gauge->name, health[i].type, value);
	}
	return err;
}

/* How many guards hold, and what they should have held. */
static enum err
print_guards(struct gateway *gateway, struct buf *body)
{
	const char *names[PROVIDERS_MAX];
	struct guard_counts counts = { 0 };
	size_t n = 0;
	enum err err;

	for (; n < PROVIDERS_MAX && provider_at(n); n++)
		names[n] = provider_at(n)->name;
	err = guard_count(&gateway->store, names, n, &counts);
	if (!err)
		err = buf_add_str(body,
		    "# HELP flowpin_guards Guards that hold.\n"
		    "# TYPE flowpin_guards gauge\n");
	for (size_t i = 0; !err && i < counts.count; i++)
		err = buf_addf(body,
		    "flowpin_guards{provider=\"%s\",kind=\"%s\"} %" PRId64 "\n",
		    counts.list[i].type, counts.list[i].kind,
		    counts.list[i].guards);
	if (!err)
		err = buf_addf(body,
		    "# HELP flowpin_wrong_completions Tasks that a run "
		    "completed and a later one found open again; a person "
		    "may have reopened the item.\n"
		    "# TYPE flowpin_wrong_completions gauge\n"
		    "flowpin_wrong_completions %" PRId64 "\n",
		    counts.healed);
	return err;
}

/* What the database knows. */
static enum err
print_gauges(void *context, struct buf *body)
{
	struct gateway *gateway = context;
	struct provider_health health[PROVIDERS_MAX] = { 0 };
	struct open_writebacks open = { 0 };
	size_t n = 0;
	enum err err = read_health(gateway, health, &n);

	if (!err)
		err = writeback_open(&gateway->store, &open);
	if (!err)
		err = buf_addf(body,
		    "# HELP flowpin_open_writebacks Writebacks that have not "
		    "ended.\n"
		    "# TYPE flowpin_open_writebacks gauge\n"
		    "flowpin_open_writebacks %" PRId64 "\n"
		    "# HELP flowpin_oldest_open_writeback_seconds Age of the "
		    "oldest of them.\n"
		    "# TYPE flowpin_oldest_open_writeback_seconds gauge\n"
		    "flowpin_oldest_open_writeback_seconds %" PRId64 "\n",
		    open.count, open.oldest_s);
	for (size_t g = 0; !err && g < sizeof(gauges) / sizeof(gauges[0]); g++)
		err = print_gauge(body, &gauges[g], health, n);
	return err ? err : print_guards(gateway, body);
}

/* Without the database there are this process's counters. */
HANDLER(health_metrics)
{
	struct buf *body = &reply->body;
	enum err err = metrics_print(&gateway->metrics, body);
	bool is_up;

	(void)req;
	reply->status = 200;
	reply->content_type = "text/plain; version=0.0.4";
	if (err)
		return err;
	is_up = pulse_read(&gateway->gauges, body) == OK;
	return buf_addf(body,
	    "# HELP flowpin_database_up Could the database be asked for what "
	    "is above?\n"
	    "# TYPE flowpin_database_up gauge\n"
	    "flowpin_database_up %d\n",
	    is_up);
}

void
health_init(struct gateway *gateway)
{
	pulse_init(&gateway->readiness, READY_MS, try_database, gateway);
	pulse_init(&gateway->gauges, GAUGES_MS, print_gauges, gateway);
}

void
health_done(struct gateway *gateway)
{
	pulse_done(&gateway->readiness);
	pulse_done(&gateway->gauges);
}
