/* What the tests of the providers share: answers out of fixtures or thin air,
 * the same with one thing changed, and what a request must look like. */
#ifndef TESTS_UNIT_PROVIDER_TEST_H
#define TESTS_UNIT_PROVIDER_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <cjson/cJSON.h>

#include "core/json.h"
#include "core/providers/provider.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define JSON_TYPE "application/json"
#define NOW_MS INT64_C(1795428000000) /* 2026-11-23T10:00:00Z */

/* The whole file, to be freed. Tests run from the repository's root. */
static inline char *
fixture(const char *name)
{
	char path[256];
	struct buf text = BUF_INIT(1024 * 1024);
	char chunk[4096];
	size_t n;
	FILE *f;

	(void)snprintf(path, sizeof(path), "tests/fixtures/%s", name);
	f = fopen(path, "r");
	if (f == NULL)
		fail_msg("%s: no such fixture", path);
	while ((n = fread(chunk, 1, sizeof(chunk), f)) > 0)
		assert_int_equal(buf_add(&text, chunk, n), OK);
	(void)fclose(f);
	return buf_take(&text, NULL);
}

static inline struct http_response
answered(int status, const char *content_type, const char *body)
{
	struct http_response res = HTTP_RESPONSE_INIT(8 * 1024 * 1024);

	res.carried = HTTP_ANSWERED;
	res.status = status;
	res.now_ms = NOW_MS;
	(void)snprintf(
	    res.content_type, sizeof(res.content_type), "%s", content_type);
	if (*body != '\0')
		assert_int_equal(buf_add_str(&res.body, body), OK);
	return res;
}

static inline struct http_response
answered_file(int status, const char *name)
{
	char *text = fixture(name);
	struct http_response res = answered(status,
	    strstr(name, ".html") != NULL  ? "text/html"
	    : strstr(name, ".txt") != NULL ? "text/plain"
					   : JSON_TYPE,
	    text);

	free(text);
	return res;
}

static inline struct http_response
not_answered(enum http_carried carried, const char *why)
{
	struct http_response res = HTTP_RESPONSE_INIT(1024);

	res.carried = carried;
	(void)snprintf(res.why, sizeof(res.why), "%s", why);
	return res;
}

/* One change of an answer: what stands at path ("results.0.id") is replaced
 * by value (JSON), or removed if that is NULL. */
struct change {
	const char *path, *value;
};

static inline cJSON *
step_into(cJSON *at, const char *name)
{
	return cJSON_IsArray(at)
		   ? cJSON_GetArrayItem(at, (int)strtol(name, NULL, 10))
		   : cJSON_GetObjectItemCaseSensitive(at, name);
}

/* text with the change made, to be freed. */
static inline char *
changed(const char *text, const struct change *change)
{
	cJSON *root = cJSON_Parse(text), *at = root;
	char name[64], *out;
	const char *p = change->path;
	size_t n;

	assert_non_null(root);
	for (;;) {
		n = strcspn(p, ".");
		assert_true(n < sizeof(name));
		memcpy(name, p, n);
		name[n] = '\0';
		if (p[n] == '\0')
			break;
		at = step_into(at, name);
		assert_non_null(at);
		p += n + 1;
	}
	if (cJSON_IsArray(at)) {
		assert_non_null(change->value);
		assert_true(cJSON_ReplaceItemInArray(at,
		    (int)strtol(name, NULL, 10), cJSON_Parse(change->value)));
	} else {
		cJSON_DeleteItemFromObjectCaseSensitive(at, name);
		if (change->value != NULL)
			assert_true(cJSON_AddItemToObject(
			    at, name, cJSON_Parse(change->value)));
	}
	out = cJSON_PrintUnformatted(root);
	cJSON_Delete(root);
	return out;
}

struct expected_request {
	enum http_method method;
	const char *url, *authorization, *body; /* body NULL: none */
};

/* Byte for byte; req is done afterwards. */
static inline void
assert_request(struct http_request *req, const struct expected_request *want)
{
	assert_int_equal(req->method, want->method);
	assert_string_equal(req->url.ptr, want->url);
	assert_string_equal(req->authorization.ptr, want->authorization);
	assert_int_equal(req->has_body, want->body != NULL);
	if (want->body != NULL)
		assert_string_equal(req->body.ptr, want->body);
	else
		assert_int_equal(req->body.len, 0);
	http_request_done(req);
}

/* What an answer must mean; wait_ms counts only for rate limits. */
struct meaning {
	enum outcome outcome;
	enum reason reason;
	int64_t wait_ms;
};

static inline void
assert_meaning(
    const char *what, const struct answer *answer, const struct meaning *want)
{
	if (answer->outcome != want->outcome || answer->reason != want->reason)
		fail_msg("%s: %s %s (%s), not %s %s", what,
		    outcome_name(answer->outcome), reason_name(answer->reason),
		    answer->detail, outcome_name(want->outcome),
		    reason_name(want->reason));
	if (want->outcome == OUTCOME_RATE_LIMITED)
		assert_int_equal(answer->retry_after_ms, want->wait_ms);
	else
		assert_int_equal(answer->retry_after_ms, -1);
	assert_true(answer->detail[0] != '\0');
	for (const char *p = answer->detail; *p != '\0'; p++)
		assert_true(*p >= ' ' && *p <= '~');
}

static inline enum err
err_of(const struct meaning *v)
{
	if (v->outcome == OUTCOME_AUTH_FAILED)
		return ERR_AUTH;
	return v->outcome == OUTCOME_RATE_LIMITED ? ERR_BUSY : ERR_REMOTE;
}

/* Compare JSON texts without minding the order of members. */
static inline void
assert_json_equal(const char *text, const char *want)
{
	cJSON *a, *b;

	assert_non_null(text);
	a = cJSON_Parse(text);
	b = cJSON_Parse(want);
	if (!cJSON_Compare(a, b, true))
		fail_msg("%s is not %s", text, want);
	cJSON_Delete(a);
	cJSON_Delete(b);
}

/* A list's bodies with a description of a million characters of so many bytes
 * each, which is to be cut between two of them. The fixture has one item, whose
 * description is at path. */
static inline void
assert_long_description_is_cut(
    const struct provider *provider, const char *file, const char *path)
{
	static const char *const characters[] = { "a", "\xc3\xa4",
		"\xe2\x98\x8e", "\xf0\x9f\x9a\xaa" };
	static const size_t lengths[] = { 16384, 16384, 16383, 16384 };
	static const size_t after_a_byte[] = { 16384, 16383, 16384, 16381 };
	char *text = fixture(file);

	for (size_t i = 0; i < COUNT(characters) * 2; i++) {
		const char *one = characters[i / 2];
		struct buf json = BUF_INIT(8 * 1024 * 1024);
		struct change change = { path, NULL };
		struct connection conn = { .id = "" };
		struct http_response res;
		struct answer failure;
		struct page page;
		cJSON *bag;
		const char *cut;
		char *body;

		assert_int_equal(buf_add_str(&json, i % 2 ? "\"x" : "\""), OK);
		for (size_t n = 0; n < 1000000; n++)
			assert_int_equal(buf_add_str(&json, one), OK);
		assert_int_equal(buf_add_str(&json, "\""), OK);
		change.value = json.ptr;
		body = changed(text, &change);
		res = answered(200, JSON_TYPE, body);
		assert_int_equal(provider->list_response(&conn, NULL,
				     provider->list_max, &res, &page, &failure),
		    OK);
		bag = cJSON_Parse(page.items.list[0].bag);
		cut = json_str(bag, "description");
		assert_non_null(cut);
		assert_int_equal(
		    strlen(cut), i % 2 ? after_a_byte[i / 2] : lengths[i / 2]);
		assert_true(json_is_utf8(cut, strlen(cut)));
		cJSON_Delete(bag);
		page_done(&page);
		http_response_done(&res);
		buf_done(&json);
		free(body);
	}
	free(text);
}

/* Whatever a database column held: no request is made with such a key, and
 * what is said of it does not tell it. */
static inline void
assert_refuses_key(const struct provider *provider, const char *key)
{
	char *copy = strdup(key);
	struct connection conn = { .key = copy };
	struct push push = { .conn = &conn,
		.base_url = "https://x.test",
		.source_id = "1",
		.source_metadata = "{\"is_recurring\":false}",
		.target = "s",
		.command_id = "11111111-2222-4333-8444-555555555555" };
	const char *const ids[] = { "1" };

	for (int i = 0; i < 3; i++) {
		struct http_request req = HTTP_REQUEST_INIT;
		enum err err = i == 0 ? provider->list_request(
					    &conn, push.base_url, NULL, 1, &req)
			       : i == 1 ? provider->read_request(&conn,
					      push.base_url, ids, 1, &req)
					: provider->write_request(&push, &req);

		if (err != ERR_AUTH)
			fail_msg("request %d takes the key '%s'", i, key);
		assert_int_equal(req.authorization.len, 0);
		assert_null(strstr(err_text(), "k3y"));
		assert_true(strlen(err_text()) > 20);
		http_request_done(&req);
	}
	free(copy);
}

static inline void
assert_one_is_odd(const char *what, const struct items *items)
{
	size_t odd = 0;

	for (size_t i = 0; i < items->count; i++) {
		const struct item *item = &items->list[i];

		odd += item->is_odd;
		assert_non_null(item->source_id);
		assert_non_null(item->title);
		if (item->is_odd)
			assert_null(item->metadata);
	}
	if (odd != 1)
		fail_msg("%zu are odd: %s", odd, what);
}

static inline void
assert_refuses_odd_keys(const struct provider *provider)
{
	static const char *const whole[] = { "", " ", "Bearer ", "Bearer  k3y",
		"k3y\r\nX-Other: y", "k3y\n" };
	char key[16];

	for (size_t i = 0; i < COUNT(whole); i++)
		assert_refuses_key(provider, whole[i]);
	for (int byte = 1; byte < 256; byte++) {
		if (byte >= 0x21 && byte <= 0x7e)
			continue;
		for (size_t at = 0; at < 4; at++) {
			(void)snprintf(key, sizeof(key), "k3yk3yk3y");
			key[at * 2] = (char)byte;
			assert_refuses_key(provider, key);
		}
	}
}

#endif
