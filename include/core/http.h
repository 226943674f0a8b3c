/* HTTP requests to providers and to the auth server. Only http.c and
 * http_text.c use libcurl. Connections are kept between requests. DNS answers,
 * TLS sessions and one certificate store are shared by all threads: parsing
 * Debian's bundle for each new connection would cost 30 ms of CPU. https only
 * (http for loopback hosts), no redirects, no proxy from the environment; size
 * and time are bounded. */
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

/* Filled in by whoever asks, sent by http_send(). */
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

/* How far a request came. One that was never sent cannot have had an effect;
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
	int64_t retry_after_ms; /* from now; -1 if there is none */
	/* The latest X-RateLimit-*-Reset of those buckets (Linear's) that have
	 * nothing left, in epoch milliseconds; 0 if there is none. */
	int64_t reset_at_ms;
	int64_t now_ms; /* wall clock when the answer was there; 0: none came */
	struct buf body;
	bool is_too_large; /* HTTP_NO_ANSWER: more than the body may hold */
	char why[160];     /* HTTP_NOT_SENT, HTTP_NO_ANSWER: for logs */
};
#define HTTP_RESPONSE_INIT(max_body)                                           \
	{                                                                      \
		.retry_after_ms = -1, .body = BUF_INIT(max_body)               \
	}
void http_response_done(struct http_response *res);

/* Once per process, before threads start. ERR_CONFIG: the certificate file
 * cannot be read. From then on SIGPIPE is ignored, unless the process already
 * does something about it. */
enum err http_new(
    const struct http_options *options, struct http **out) MUST_CHECK;
void http_free(struct http *http);

/* Send req and fill in res; give up at deadline_ms (clock_mono_ms()). Failures
 * of the network are not errors: res->carried tells of them, and a body beyond
 * res->body.max counts as HTTP_NO_ANSWER. An error means that nothing was sent.
 * ERR_CONFIG: the URL is not allowed; ERR_INPUT: the key has a control byte;
 * ERR_NOMEM. res may have served an earlier request. */
enum err http_send(struct http *http, const struct http_request *req,
    int64_t deadline_ms, struct http_response *res) MUST_CHECK;

/* Retry-After as milliseconds from now. Digits are seconds. Anything else must
 * be an HTTP-date, which is compared with date (the answer's own Date header),
 * so that a wrong clock here does not matter, or with now_ms if date is NULL.
 * At least 0, at most an hour; -1 if value is NULL or neither. */
int64_t http_retry_after_ms(
    const char *value, const char *date, int64_t now_ms);

/* May a request go to this URL? https, or http to 127.0.0.1, ::1 or localhost;
 * with neither user nor fragment. */
bool http_url_allowed(const char *url);

#endif
