/* What goes back (JSON and problems), and small readers of what came in. */
#include "request.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/log.h"

static int
hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

/* Percent-decode n bytes of text. */
static enum err
decode(const char *text, size_t n, char *out, size_t size)
{
	size_t used = 0;

	for (size_t i = 0; i < n; i++) {
		int c = (unsigned char)text[i];

		if (c == '%') {
			int high = i + 2 < n ? hex_digit(text[i + 1]) : -1;
			int low = high >= 0 ? hex_digit(text[i + 2]) : -1;

			if (low < 0)
				return err_set(ERR_INPUT,
				    "The query string is badly encoded.");
			c = high * 16 + low;
			i += 2;
		} else if (c == '+') {
			c = ' ';
		}
		if (c == 0)
			return err_set(
			    ERR_INPUT, "The query string has a NUL in it.");
		if (used + 1 >= size)
			return err_set(ERR_INPUT,
			    "A value in the query string is too long.");
		out[used++] = (char)c;
	}
	out[used] = '\0';
	if (!json_is_utf8(out, used))
		return err_set(ERR_INPUT, "The query string is not UTF-8.");
	return OK;
}

bool
request_query(const struct request *req, const char *name, char *out,
    size_t size, enum err *err)
{
	const char *p = req->query;
	size_t len = strlen(name);

	while (*p) {
		size_t n = strcspn(p, "&");

		if (n > len && !strncmp(p, name, len) && p[len] == '=') {
			*err = decode(p + len + 1, n - len - 1, out, size);
			return *err == OK && out[0] != '\0';
		}
		p += n;
		p += *p == '&';
	}
	return false;
}

enum err
request_optional(const struct request *req, const char *name, size_t max_bytes,
    const char **out)
{
	const cJSON *value = cJSON_GetObjectItemCaseSensitive(req->json, name);

	*out = NULL;
	if (!value || cJSON_IsNull(value))
		return OK;
	if (!cJSON_IsString(value))
		return err_set(ERR_INPUT, "'%s' must be a string.", name);
	if (strlen(value->valuestring) > max_bytes)
		return err_set(ERR_INPUT, "'%s' is longer than %zu bytes.",
		    name, max_bytes);
	*out = value->valuestring;
	return OK;
}

enum err
request_string(const struct request *req, const char *name, size_t max_bytes,
    const char **out)
{
	enum err err = request_optional(req, name, max_bytes, out);

	if (err)
		return err;
	if (!*out || (*out)[strspn(*out, " \t\r\n")] == '\0')
		return err_set(ERR_INPUT, "'%s' is missing or empty.", name);
	return OK;
}

enum err
reply_json(struct reply *reply, int status, const char *key, const char *json)
{
	reply->status = status;
	reply->content_type = "application/json";
	buf_clear(&reply->body);
	return buf_addf(&reply->body, "{\"%s\":%s}\n", key, json);
}

enum err
buf_add_json(struct buf *buf, const char *text)
{
	cJSON *string = cJSON_CreateStringReference(text);
	char *printed = string ? cJSON_PrintUnformatted(string) : NULL;
	enum err err = printed ? buf_add_str(buf, printed)
			       : err_set(ERR_NOMEM, "no memory");

	cJSON_free(printed);
	cJSON_Delete(string);
	return err;
}

static const char *
title_of(int status)
{
	static const struct {
		int status;
		const char *title;
	} table[] = { { 400, "Bad Request" }, { 401, "Unauthorized" },
		{ 403, "Forbidden" }, { 404, "Not Found" },
		{ 405, "Method Not Allowed" }, { 409, "Conflict" },
		{ 411, "Length Required" }, { 413, "Content Too Large" },
		{ 415, "Unsupported Media Type" },
		{ 422, "Unprocessable Content" }, { 429, "Too Many Requests" },
		{ 502, "Bad Gateway" }, { 503, "Service Unavailable" },
		{ 504, "Gateway Timeout" } };

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		if (table[i].status == status)
			return table[i].title;
	return "Internal Server Error";
}

void
reply_problem(struct reply *reply, int status, const char *code,
    const char *detail, const char *more)
{
	enum err err;

	reply->status = status;
	reply->content_type = "application/problem+json";
	buf_clear(&reply->body);
	err = buf_addf(&reply->body,
	    "{\"type\":\"urn:flowpin:problem:%s\",\"title\":\"%s\","
	    "\"status\":%d,\"code\":\"%s\",\"detail\":",
	    code, title_of(status), status, code);
	if (!err)
		err = buf_add_json(&reply->body, detail);
	if (!err)
		err = buf_addf(&reply->body, "%s}\n", more);
	if (err) /* no memory: send the status alone */
		buf_clear(&reply->body);
}

void
reply_error(struct reply *reply, enum err err)
{
	static const char *const details[ERR_COUNT] = {
		[ERR_AUTH] = "A valid bearer token is needed.",
		[ERR_NOTFOUND] = "There is nothing of that name here.",
		[ERR_TOOBIG] = "The request is too large.",
		[ERR_LENGTH] = "The request needs a body and its length.",
		[ERR_MEDIA] = "The body must be application/json.",
		[ERR_BUSY] = "Too much is going on; try again in a moment.",
		[ERR_LIMIT] = "Too many of your calls are under way; try again "
			      "in a moment.",
		[ERR_TIMEOUT] = "It took too long; try again in a moment.",
		[ERR_DB] = "The database cannot be reached; try again in a "
			   "moment.",
		[ERR_SCHEMA] = "The database is not set up for this now; try "
			       "again in a moment.",
	};
	const char *detail = details[err];
	char line[512], note[100];
	int status = err_http_status(err);

	if (err == ERR_INPUT || err == ERR_CONFLICT ||
	    err == ERR_UNPROCESSABLE || err == ERR_METHOD) {
		snprintf(line, sizeof(line), "%s", err_text());
		detail = line;
	}
	if (status == 503 || status == 429)
		reply_header(reply, "Retry-After: 1");
	if (err == ERR_AUTH)
		reply_header(reply, "WWW-Authenticate: Bearer");
	snprintf(reply->note, sizeof(reply->note), "err=%s msg=%s",
	    err_name(err), log_quote(err_text(), note, sizeof(note)));
	reply_problem(reply, status, err_name(err),
	    detail ? detail : "Something went wrong here.", "");
}

void
reply_header(struct reply *reply, const char *fmt, ...)
{
	size_t used = strlen(reply->headers);
	char line[256];
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	if (n < 0 || (size_t)n >= sizeof(line) ||
	    used + (size_t)n + 3 > sizeof(reply->headers))
		return;
	snprintf(reply->headers + used, sizeof(reply->headers) - used, "%s\r\n",
	    line);
}
