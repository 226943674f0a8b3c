/* A request and its reply, as handlers see them: nothing of FastCGI. */
#ifndef GATEWAY_REQUEST_H
#define GATEWAY_REQUEST_H

#include <stdbool.h>
#include <stdint.h>

#include "core/buf.h"
#include "core/crypto.h"
#include "core/err.h"
#include "core/json.h"

struct request {
	char id[17]; /* in the log line and in X-Request-Id */
	const char *method, *path, *query; /* borrowed, never NULL */
	const char *content_type, *authorization, *prefer;
	const char *idempotency_key;  /* NULL: none was sent */
	const char *content_length;   /* as sent, "" if not */
	const char *origin;           /* of the page that calls, "": none */
	const char *preflight_method; /* that it asks about, "": none */
	enum err
	    trouble; /* with it as it arrived: ERR_TOOBIG, ERR_LENGTH, OK */
	struct buf body;
	cJSON *json;      /* the body, parsed: an object, or NULL if empty */
	int64_t start_ms; /* monotonic */

	/* filled in by router and auth */
	const char *route;        /* the pattern, for log and metrics */
	char allowed[64];         /* the path's methods, if none was right */
	char target[CRYPTO_UUID]; /* {id} in the path */
	char user_id[CRYPTO_UUID];
	/* What a POST makes has this id. is_repeated: by a call under the same
	 * Idempotency-Key, whose process went away, it may be made already. */
	char call_id[CRYPTO_UUID];
	bool is_repeated;
};

#define REPLY_HEADERS_MAX 1536
struct reply {
	int status;
	const char *content_type;        /* static text */
	char headers[REPLY_HEADERS_MAX]; /* more lines, each with CRLF */
	struct buf body;
	char note[160]; /* for the log line, already key=value */
};
#define REPLY_INIT                                                             \
	{                                                                      \
		.status = 500, .content_type = "application/json",             \
		.body = BUF_INIT((size_t)64 * 1024 * 1024)                     \
	}

/* A value of the query string, decoded into out; false if it is not there.
 * ERR_INPUT through *err: broken encoding or too long. */
bool request_query(const struct request *req, const char *name, char *out,
    size_t size, enum err *err);

/* A string of the body; ERR_INPUT names it if it is missing, no string, empty
 * or longer than max_bytes. Borrowed from req->json. */
enum err request_string(const struct request *req, const char *name,
    size_t max_bytes, const char **out) MUST_CHECK;

/* The same, but missing or null gives NULL. */
enum err request_optional(const struct request *req, const char *name,
    size_t max_bytes, const char **out) MUST_CHECK;

/* {"key": <json>} with the given status; json is raw. */
enum err reply_json(struct reply *reply, int status, const char *key,
    const char *json) MUST_CHECK;

/* application/problem+json (RFC 9457). code: stable name; detail: a sentence
 * fit for a person. more: further members, ",\"a\":1" or "". */
void reply_problem(struct reply *reply, int status, const char *code,
    const char *detail, const char *more);

/* The problem of an enum err, and err_text() for the log line; only ERR_INPUT,
 * ERR_CONFLICT, ERR_UNPROCESSABLE and ERR_METHOD tell their reason, which this
 * program wrote itself. */
void reply_error(struct reply *reply, enum err err);

void reply_header(struct reply *reply, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* text as a JSON string, quotes included. */
enum err buf_add_json(struct buf *buf, const char *text) MUST_CHECK;

#endif
