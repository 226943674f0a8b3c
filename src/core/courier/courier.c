/* Opening and closing of a courier, and one request with its answer. */
#include "carry.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/courier/circuit.h"
#include "core/clock.h"
#include "core/crash.h"

static enum err
open_circuits(struct courier *courier)
{
	size_t n = 0;

	while (provider_at(n))
		n++;
	courier->circuits = calloc(n, sizeof(*courier->circuits));
	if (!courier->circuits)
		return err_set(ERR_NOMEM, "no memory for circuits");
	for (size_t i = 0; i < n; i++)
		circuit_init(&courier->circuits[i]);
	return OK;
}

enum err
courier_open(struct courier *courier, const struct config *config)
{
	struct http_options options = {
		.ca_file = *config->ca_file ? config->ca_file : NULL,
		.user_agent = "Flowpin-Gateway/" FLOWPIN_VERSION,
		.connect_timeout_ms = config->connect_timeout_ms,
		.max_handles = config->workers > config->poll_concurrency
				   ? config->workers
				   : config->poll_concurrency,
	};
	enum err err;

	memset(courier, 0, sizeof(*courier));
	courier->config = config;
	err = config_require(config, "master_key_files");
	if (!err)
		err =
		    crypto_keys_load(config->master_key_files, &courier->keys);
	for (size_t i = 0; !err && provider_at(i); i++) {
		const char *name = provider_at(i)->name;
		const char *url = config_base_url(config, name);

		if (!url || !http_url_allowed(url))
			err = err_set(ERR_CONFIG,
			    "%s_url must begin with https:// (or be on this "
			    "machine)",
			    name);
	}
	if (!err)
		err = http_new(&options, &courier->http);
	if (!err)
		err = open_circuits(courier);
	if (err)
		courier_close(courier);
	return err;
}

void
courier_close(struct courier *courier)
{
	for (size_t i = 0; courier->circuits && provider_at(i); i++)
		circuit_done(&courier->circuits[i]);
	free(courier->circuits);
	courier->circuits = NULL;
	http_free(courier->http);
	courier->http = NULL;
	crypto_keys_wipe(&courier->keys);
}

/* NULL: no such provider, or the courier was never opened. */
static struct circuit *
circuit_of(const struct courier *courier, const struct connection *conn)
{
	for (size_t i = 0; courier->circuits && provider_at(i); i++)
		if (!strcmp(provider_at(i)->name, conn->type))
			return &courier->circuits[i];
	return NULL;
}

int64_t
carry_wait_ms(const struct courier *courier, const struct connection *conn)
{
	struct circuit *circuit = circuit_of(courier, conn);

	return circuit ? circuit_wait_ms(circuit, clock_mono_ms()) : 0;
}

enum err
carry(const struct courier *courier, const struct connection *conn,
    const struct http_request *req, int64_t deadline_ms,
    struct http_response *res)
{
	int64_t limit = clock_mono_ms() + courier->config->provider_timeout_ms;
	struct circuit *circuit = circuit_of(courier, conn);
	bool is_question = req->method == HTTP_GET;
	enum err err;

	if (circuit && !circuit_enter(circuit, clock_mono_ms())) {
		res->carried = HTTP_NOT_SENT;
		snprintf(res->why, sizeof(res->why), "the circuit is open");
		return OK;
	}
	crash_point(is_question ? "before_question" : "before_provider_call");
	err = http_send(
	    courier->http, req, limit < deadline_ms ? limit : deadline_ms, res);
	crash_point(is_question ? "after_question" : "after_provider_call");
	(void)is_question; /* unused without crash points */
	if (circuit)
		circuit_report(circuit, conn->user_id,
		    circuit_is_alive(err, res), clock_mono_ms());
	return err;
}

void
carry_failed(struct answer *answer)
{
	memset(answer, 0, sizeof(*answer));
	answer->outcome = OUTCOME_UNKNOWN;
	answer->reason = REASON_UNREACHABLE;
	answer->retry_after_ms = -1;
	snprintf(answer->detail, sizeof(answer->detail), "%s", err_text());
}

bool
carry_read_one(const struct courier *courier, const struct provider *provider,
    const struct connection *conn, const char *source_id, int64_t deadline_ms,
    struct items *out, struct answer *answer)
{
	struct http_request req = HTTP_REQUEST_INIT;
	struct http_response res = HTTP_RESPONSE_INIT(CARRY_BODY_MAX);
	const char *base = config_base_url(courier->config, provider->name);
	bool is_read = false;
	enum err err;

	err = provider->read_request(conn, base, &source_id, 1, &req);
	if (!err)
		err = carry(courier, conn, &req, deadline_ms, &res);
	if (err)
		carry_failed(answer);
	else if (!provider->read_response(
		     conn, &source_id, 1, &res, out, answer))
		is_read = out->count == 1;
	http_request_done(&req);
	http_response_done(&res);
	return is_read;
}
