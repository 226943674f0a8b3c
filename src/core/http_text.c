/* What requests and answers say, apart from sending them: which URLs may be
 * asked, the header lines that go out, and those of an answer that somebody
 * here acts on. Nothing in this file waits. */
#include "core/http.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <curl/curl.h>

#include "core/clock.h"
#include "core/crypto.h"
#include "http_text.h"

#define RETRY_AFTER_MAX_MS INT64_C(3600000)

static bool
append(struct curl_slist **list, const char *line)
{
	struct curl_slist *longer = curl_slist_append(*list, line);

	if (longer == NULL)
		return false;
	*list = longer;
	return true;
}

void
http_headers_free(struct curl_slist *headers)
{
	for (struct curl_slist *h = headers; h != NULL; h = h->next)
		crypto_wipe(h->data, strlen(h->data));
	curl_slist_free_all(headers);
}

/* "Name:" without a value keeps libcurl from sending its own header. */
enum err
http_headers_new(const struct http_request *req, struct curl_slist **out)
{
	struct buf line = BUF_INIT(8192);
	struct curl_slist *list = NULL;
	enum err err = OK;
	bool ok = append(&list, "Expect:") &&
		  append(&list, req->has_body ? "Content-Type: application/json"
					      : "Content-Type:");

	if (ok && req->authorization.len > 0) {
		err = buf_add_str(&line, "Authorization: ");
		if (!err)
			err = buf_add(&line, req->authorization.ptr,
			    req->authorization.len);
		ok = !err && append(&list, line.ptr);
	}
	crypto_wipe(line.ptr, line.len);
	buf_done(&line);
	if (!ok) {
		http_headers_free(list);
		return err ? err : err_set(ERR_NOMEM, "no memory for headers");
	}
	*out = list;
	return OK;
}

bool
http_url_allowed(const char *url)
{
	static const char *const loopback[] = { "127.0.0.1", "[::1]",
		"localhost" };
	CURLU *parsed;
	char *host = NULL, *other = NULL;
	bool is_https = strncasecmp(url, "https://", 8) == 0;
	bool ok = false;

	/* libcurl accepts one or three slashes after the colon; nobody else
	 * does. */
	if (!is_https && strncasecmp(url, "http://", 7) != 0)
		return false;
	if (url[is_https ? 8 : 7] == '/')
		return false;
	parsed = curl_url();
	if (parsed == NULL)
		return false;
	if (curl_url_set(parsed, CURLUPART_URL, url, CURLU_DISALLOW_USER) ||
	    curl_url_get(parsed, CURLUPART_HOST, &host, 0) ||
	    curl_url_get(parsed, CURLUPART_FRAGMENT, &other, 0) == CURLUE_OK)
		goto out;
	ok = is_https && host[0] != '\0';
	for (size_t i = 0; i < sizeof(loopback) / sizeof(loopback[0]); i++)
		ok = ok || strcasecmp(host, loopback[i]) == 0;
out:
	curl_free(host);
	curl_free(other);
	curl_url_cleanup(parsed);
	return ok;
}

int64_t
http_retry_after_ms(const char *value, const char *date, int64_t now_ms)
{
	int64_t ms, then, base;

	if (value == NULL)
		return -1;
	while (*value == ' ' || *value == '\t')
		value++;
	if (isdigit((unsigned char)*value)) {
		for (ms = 0; isdigit((unsigned char)*value); value++) {
			if (ms < RETRY_AFTER_MAX_MS)
				ms = ms * 10 + (*value - '0') * 1000;
		}
		if (value[strspn(value, " \t")] != '\0')
			return -1; /* neither a number nor an HTTP-date */
		return ms < RETRY_AFTER_MAX_MS ? ms : RETRY_AFTER_MAX_MS;
	}
	/* curl_getdate() guesses, so require the weekday of an HTTP-date. */
	then = isalpha((unsigned char)*value) ? curl_getdate(value, NULL) : -1;
	if (then < 0)
		return -1;
	base = date != NULL ? curl_getdate(date, NULL) : -1;
	ms = then * 1000 - (base >= 0 ? base * 1000 : now_ms);
	if (ms < 0)
		return 0;
	return ms < RETRY_AFTER_MAX_MS ? ms : RETRY_AFTER_MAX_MS;
}

/* A header of the final answer: neither of a 1xx before it nor a trailer. */
static const char *
header(CURL *easy, const char *name)
{
	struct curl_header *found;

	if (curl_easy_header(easy, name, 0, CURLH_HEADER, -1, &found))
		return NULL;
	return found->value;
}

static void
read_content_type(const char *value, char *out, size_t size)
{
	size_t n = 0;

	while (value != NULL && value[n] != '\0' && value[n] != ';' &&
	       value[n] != ' ' && value[n] != '\t' && n + 1 < size) {
		out[n] = (char)tolower((unsigned char)value[n]);
		n++;
	}
	out[n] = '\0';
}

/* If h is X-RateLimit-<bucket>-Remaining and says 0: when does the bucket fill
 * again (the bucket's -Reset)? 0 otherwise. */
static int64_t
bucket_reset_ms(CURL *easy, const struct curl_header *h)
{
	static const char prefix[] = "X-RateLimit-", suffix[] = "-Remaining";
	const size_t len = strlen(h->name), tail = sizeof(suffix) - 1;
	const char *value;
	char name[96], *end;
	long long ms;

	if (len <= sizeof(prefix) - 1 + tail || len >= sizeof(name) ||
	    strncasecmp(h->name, prefix, sizeof(prefix) - 1) != 0 ||
	    strcasecmp(h->name + len - tail, suffix) != 0 ||
	    h->value[0] != '0' || strtod(h->value, NULL) > 0)
		return 0;
	(void)snprintf(
	    name, sizeof(name), "%.*s-Reset", (int)(len - tail), h->name);
	value = header(easy, name);
	if (value == NULL)
		return 0;
	errno = 0;
	ms = strtoll(value, &end, 10);
	return errno == 0 && end != value && ms > 0 ? ms : 0;
}

void
http_read_answer(CURL *easy, struct http_response *res)
{
	struct curl_header *h = NULL;
	int64_t reset;
	long status = 0;

	(void)curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
	res->carried = HTTP_ANSWERED;
	res->status = (int)status;
	res->now_ms = clock_wall_ms();
	read_content_type(header(easy, "Content-Type"), res->content_type,
	    sizeof(res->content_type));
	res->retry_after_ms = http_retry_after_ms(
	    header(easy, "Retry-After"), header(easy, "Date"), res->now_ms);
	while ((h = curl_easy_nextheader(easy, CURLH_HEADER, -1, h)) != NULL) {
		reset = bucket_reset_ms(easy, h);
		if (reset > res->reset_at_ms)
			res->reset_at_ms = reset;
	}
}
