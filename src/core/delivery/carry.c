/* One question and its answer; opening and closing of what it takes. */
#include "carry.h"

#include <stdio.h>
#include <string.h>

#include "core/clock.h"
#include "core/crash.h"

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
	if (err)
		courier_close(courier);
	return err;
}

void
courier_close(struct courier *courier)
{
	http_free(courier->http);
	courier->http = NULL;
	crypto_keys_wipe(&courier->keys);
}

enum err
carry(const struct courier *courier, const struct http_request *req,
    int64_t deadline_ms, struct http_response *res)
{
	int64_t limit = clock_mono_ms() + courier->config->provider_timeout_ms;
	bool is_question = req->method == HTTP_GET;
	enum err err;

	crash_point(is_question ? "before_question" : "before_provider_call");
	err = http_send(
	    courier->http, req, limit < deadline_ms ? limit : deadline_ms, res);
	crash_point(is_question ? "after_question" : "after_provider_call");
	(void)is_question; /* unused without crash points */
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
		err = carry(courier, &req, deadline_ms, &res);
	if (err)
		carry_failed(answer);
	else if (!provider->read_response(
		     conn, &source_id, 1, &res, out, answer))
		is_read = out->count == 1;
	http_request_done(&req);
	http_response_done(&res);
	return is_read;
}
