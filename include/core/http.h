/* HTTP requests to providers. The only room that knows libcurl. Connections,
 * DNS answers and TLS sessions are kept and shared by all threads of the
 * process, and so is one certificate store: parsing Debian's bundle for each
 * new connection costs 30 ms of CPU. https only (http for loopback hosts),
 * no redirects, no proxy from the environment, size and time bounded. */
#ifndef CORE_HTTP_H
#define CORE_HTTP_H

#include <stdbool.h>
#include <stdint.h>

#include "core/buf.h"
#include "core/err.h"

struct http; /* one per process, shared by its threads */

struct http_options {
	const char *ca_file;    /* NULL: the system's */
	const char *user_agent; /* product and version */
	int connect_timeout_ms;
	int max_handles; /* at most so many requests at once */
};

enum http_method { HTTP_GET, HTTP_POST, HTTP_PATCH };

/* Filled in by a provider, carried by http_send(). */
struct http_request {
	enum http_method method;
	struct buf url;
	struct buf authorization; /* a secret: wiped by http_request_done() */
	struct buf body;
	bool has_body; /* then Content-Type: application/json */
};
#define HTTP_REQUEST_INIT                                                      \
	{                                                                      \
		.url = BUF_INIT(4096), .authorization = BUF_INIT(4096),        \
		.body = BUF_INIT(256 * 1024)                                   \
	}

void http_request_done(struct http_request *req);

/* How far it came. A request that was never sent cannot have had an effect;
 * one without a whole answer may have had. */
enum http_carried {
	HTTP_NOT_SENT,  /* no connection: nothing reached the server */
	HTTP_NO_ANSWER, /* sent, at least in part; reset, timeout, cut short */
	HTTP_ANSWERED   /* status, headers and the whole body are here */
};

struct http_response {
	enum http_carried carried;
	int status;
	char content_type[64];  /* lower case, without parameters; "" if none */
	int64_t retry_after_ms; /* from now, either form; -1 if none */
	/* Linear's X-RateLimit-*-Reset of the buckets with nothing left, the
	 * latest of them, epoch milliseconds; 0 if none. */
	int64_t reset_at_ms;
	int64_t now_ms; /* wall clock when the answer was there */
	struct buf body;
	bool is_too_large; /* HTTP_NO_ANSWER: more than the body may hold */
	char why[160];     /* HTTP_NOT_SENT, HTTP_NO_ANSWER: for logs */
};
#define HTTP_RESPONSE_INIT(max_body)                                           \
	{                                                                      \
		.retry_after_ms = -1, .body = BUF_INIT(max_body)               \
	}
void http_response_done(struct http_response *res);

/* Once per process before threads start. ERR_CONFIG if the certificate file
 * cannot be read. SIGPIPE is ignored from then on, unless it was handled. */
enum err http_new(
    const struct http_options *options, struct http **out) MUST_CHECK;
void http_free(struct http *http);

/* Carry req; give up at deadline_ms (clock_mono_ms()). Failures of the network
 * are not errors: they are res->carried. ERR_* only when nothing could be
 * tried (no memory, a URL that is not allowed). A body beyond res->body.max
 * counts as HTTP_NO_ANSWER. */
enum err http_send(struct http *http, const struct http_request *req,
    int64_t deadline_ms, struct http_response *res) MUST_CHECK;

/* Retry-After in both its forms, as milliseconds from now: digits are
 * seconds, otherwise an HTTP-date, taken relative to date (the answer's Date
 * header, NULL if none: then to now_ms), so that a clock that is off does not
 * matter. 0 at least, an hour at most; -1 if it is neither. */
int64_t http_retry_after_ms(
    const char *value, const char *date, int64_t now_ms);

/* May this URL be sent to? https, or http on 127.0.0.1, ::1, localhost. */
bool http_url_allowed(const char *url);

#endif
