/* http: what goes out, what comes back, and how far a request came for every
 * way in which a server can fail. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "http_server.h"

static void
test_an_answer_comes_whole(void **state)
{
	static const struct step steps[] = {
		{ "HTTP/1.1 429 Slow\r\nContent-Length: 5\r\n"
		  "Content-Type: Application/JSON ; charset=utf-8\r\n"
		  "Date: Mon, 23 Nov 2026 10:00:00 GMT\r\n"
		  "Retry-After: Mon, 23 Nov 2026 10:00:07 GMT\r\n"
		  "X-RateLimit-Requests-Remaining: 0\r\n"
		  "x-ratelimit-requests-reset: 1795428111000\r\n"
		  "X-RateLimit-Complexity-Remaining: 0\r\n"
		  "X-RateLimit-Complexity-Reset: 1795428222000\r\n"
		  "X-RateLimit-Endpoint-Requests-Remaining: 5\r\n"
		  "X-RateLimit-Endpoint-Requests-Reset: 1795428333000\r\n"
		  "X-RateLimit-Odd-Remaining: 0\r\n\r\nhello",
		    KEEP },
	};
	struct http_response res = HTTP_RESPONSE_INIT(100);
	struct server s;

	(void)state;
	START(&s, steps);
	assert_int_equal(
	    send_to(s.port, HTTP_POST, "{\"a\":1}", PATIENCE_MS, &res), OK);
	server_stop(&s);
	assert_int_equal(res.carried, HTTP_ANSWERED);
	assert_int_equal(res.status, 429);
	assert_string_equal(res.body.ptr, "hello");
	assert_string_equal(res.content_type, "application/json");
	assert_true(res.retry_after_ms == 7000);
	assert_true(res.reset_at_ms == 1795428222000);
	assert_true(res.now_ms > 1700000000000);
	http_response_done(&res);
}

static void
test_the_bytes_of_each_method_are_as_asked(void **state)
{
	static const struct {
		enum http_method method;
		const char *body, *first, *length;
	} rows[] = {
		{ HTTP_GET, NULL, "GET /v1/x?a=b HTTP/1.1\r\n", NULL },
		{ HTTP_POST, "{\"a\":1}", "POST /v1/x?a=b HTTP/1.1\r\n", "7" },
		{ HTTP_POST, NULL, "POST /v1/x?a=b HTTP/1.1\r\n", "0" },
		{ HTTP_PATCH, "{}", "PATCH /v1/x?a=b HTTP/1.1\r\n", "2" },
	};
	static const struct step steps[] = { { OK_KEEP, KEEP } };
	struct http_response res = HTTP_RESPONSE_INIT(100);
	struct server s;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		START(&s, steps);
		assert_int_equal(send_to(s.port, rows[i].method, rows[i].body,
				     PATIENCE_MS, &res),
		    OK);
		server_stop(&s);
		assert_int_equal(res.carried, HTTP_ANSWERED);
		assert_memory_equal(
		    s.last, rows[i].first, strlen(rows[i].first));
		assert_non_null(
		    strstr(s.last, "\r\nAuthorization: Bearer k3y\r\n"));
		assert_non_null(
		    strstr(s.last, "\r\nUser-Agent: flowpin-test/1\r\n"));
		assert_null(strcasestr(s.last, "\r\nExpect:"));
		assert_null(strcasestr(s.last, "\r\nAccept-Encoding:"));
		if (rows[i].body != NULL)
			assert_non_null(strstr(
			    s.last, "\r\nContent-Type: application/json\r\n"));
		else
			assert_null(strcasestr(s.last, "Content-Type"));
		assert_int_equal(announced(s.last),
		    rows[i].length != NULL ? atol(rows[i].length) : 0);
		assert_true((strstr(s.last, "Content-Length: ") != NULL) ==
			    (rows[i].length != NULL));
		if (rows[i].body != NULL)
			assert_string_equal(
			    strstr(s.last, "\r\n\r\n") + 4, rows[i].body);
	}
	http_response_done(&res);
}

static void
test_failures_say_how_far_the_request_came(void **state)
{
	static const struct {
		const char *name;
		struct step step;
		int timeout_ms;
		const char *why;
	} rows[] = {
		{ "closed", { NULL, CLOSE }, PATIENCE_MS, "" },
		{ "reset", { NULL, RESET }, PATIENCE_MS, "" },
		{ "silent", { NULL, HANG }, 150, "timeout" },
		{ "half a status line", { "HTTP/1.1 20", CLOSE }, PATIENCE_MS,
		    "" },
		{ "half the headers", { "HTTP/1.1 200 OK\r\nA: b\r\n", HANG },
		    150, "timeout" },
		{ "cut body",
		    { "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{}", CLOSE },
		    PATIENCE_MS, "" },
		{ "reset body",
		    { "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{}", RESET },
		    PATIENCE_MS, "" },
		{ "stalled body",
		    { "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{}", HANG },
		    150, "timeout" },
		{ "cut chunk",
		    { "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
		      "9\r\n{}",
			CLOSE },
		    PATIENCE_MS, "" },
		{ "no last chunk",
		    { "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
		      "2\r\n{}\r\n",
			CLOSE },
		    PATIENCE_MS, "" },
		{ "announced too large",
		    { "HTTP/1.1 200 OK\r\nContent-Length: 101\r\n\r\n", HANG },
		    PATIENCE_MS, "too large" },
		{ "chunked too large",
		    { "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
		      "65\r\n"
		      "0123456789012345678901234567890123456789"
		      "0123456789012345678901234567890123456789"
		      "0123456789012345678901234567890123456789\r\n0\r\n\r\n",
			KEEP },
		    PATIENCE_MS, "too large" },
		{ "no HTTP", { "SSH-2.0-x\r\n\r\n", CLOSE }, PATIENCE_MS, "" },
		{ "only interim", { "HTTP/1.1 103 Hints\r\n\r\n", CLOSE },
		    PATIENCE_MS, "" },
	};
	struct http_response res = HTTP_RESPONSE_INIT(100);
	struct server s;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		server_start(&s, &rows[i].step, 1);
		assert_int_equal(
		    send_to(s.port, HTTP_POST, "{}", rows[i].timeout_ms, &res),
		    OK);
		server_stop(&s);
		if (res.carried != HTTP_NO_ANSWER || s.requests != 1 ||
		    strstr(res.why, rows[i].why) == NULL ||
		    res.why[0] == '\0' || res.status != 0 || res.body.len != 0)
			fail_msg("%s: carried %d, %d requests, status %d: %s",
			    rows[i].name, (int)res.carried, s.requests,
			    res.status, res.why);
	}
	http_response_done(&res);
}

static void
test_headers_of_interim_answers_and_trailers_do_not_count(void **state)
{
	static const struct step steps[] = {
		{ "HTTP/1.1 103 Hints\r\nRetry-After: 9\r\n"
		  "Content-Type: text/html\r\n\r\n"
		  "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
		  "2\r\n{}\r\n0\r\nRetry-After: 8\r\n\r\n",
		    KEEP },
	};
	struct http_response res = HTTP_RESPONSE_INIT(100);
	struct server s;

	(void)state;
	START(&s, steps);
	assert_int_equal(
	    send_to(s.port, HTTP_GET, NULL, PATIENCE_MS, &res), OK);
	server_stop(&s);
	assert_int_equal(res.carried, HTTP_ANSWERED);
	assert_int_equal(res.status, 200);
	assert_true(res.retry_after_ms == -1);
	assert_string_equal(res.content_type, "");
	assert_string_equal(res.body.ptr, "{}");
	http_response_done(&res);
}

static void
test_a_redirect_is_an_answer_and_not_followed(void **state)
{
	static const struct step steps[] = {
		{ "HTTP/1.1 307 Go\r\nLocation: /elsewhere\r\n"
		  "Content-Length: 0\r\n\r\n",
		    KEEP },
	};
	struct http_response res = HTTP_RESPONSE_INIT(100);
	struct server s;

	(void)state;
	START(&s, steps);
	assert_int_equal(
	    send_to(s.port, HTTP_GET, NULL, PATIENCE_MS, &res), OK);
	server_stop(&s);
	assert_int_equal(res.carried, HTTP_ANSWERED);
	assert_int_equal(res.status, 307);
	assert_int_equal(s.requests, 1);
	http_response_done(&res);
}

static void
test_nobody_listening_means_not_sent(void **state)
{
	static const struct step steps[] = { { OK_KEEP, KEEP } };
	struct http_response res = HTTP_RESPONSE_INIT(100);
	struct server s;

	(void)state;
	START(&s, steps);
	server_stop(&s); /* its port is closed now */
	assert_int_equal(
	    send_to(s.port, HTTP_POST, "{}", PATIENCE_MS, &res), OK);
	assert_int_equal(res.carried, HTTP_NOT_SENT);
	assert_true(res.why[0] != '\0');
	http_response_done(&res);
}

static void
test_a_passed_deadline_means_not_sent(void **state)
{
	static const struct step steps[] = { { OK_KEEP, KEEP } };
	struct http_response res = HTTP_RESPONSE_INIT(100);
	struct server s;

	(void)state;
	START(&s, steps);
	assert_int_equal(send_to(s.port, HTTP_POST, "{}", -10, &res), OK);
	server_stop(&s);
	assert_int_equal(res.carried, HTTP_NOT_SENT);
	assert_non_null(strstr(res.why, "timeout"));
	assert_int_equal(s.connections, 0);
	http_response_done(&res);
}

/* A listener whose queue is full: nothing answers the connect. */
static void
test_a_connect_that_hangs_means_not_sent(void **state)
{
	struct sockaddr_in at = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct http_response res = HTTP_RESPONSE_INIT(100);
	int full = socket(AF_INET, SOCK_STREAM, 0), waiting[4];
	socklen_t len = sizeof(at);

	(void)state;
	assert_int_equal(bind(full, (void *)&at, sizeof(at)), 0);
	assert_int_equal(listen(full, 0), 0);
	assert_int_equal(getsockname(full, (void *)&at, &len), 0);
	for (int i = 0; i < 4; i++) {
		waiting[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
		(void)connect(waiting[i], (void *)&at, sizeof(at));
	}
	assert_int_equal(
	    send_to(ntohs(at.sin_port), HTTP_POST, "{}", 200, &res), OK);
	assert_int_equal(res.carried, HTTP_NOT_SENT);
	assert_non_null(strstr(res.why, "timeout"));
	for (int i = 0; i < 4; i++)
		(void)close(waiting[i]);
	(void)close(full);
	http_response_done(&res);
}

static void
test_urls_and_keys_that_are_not_allowed_are_not_sent(void **state)
{
	struct http_response res = HTTP_RESPONSE_INIT(100);
	struct http_request req = HTTP_REQUEST_INIT;

	(void)state;
	assert_int_equal(buf_add_str(&req.url, "http://example.com/"), OK);
	assert_int_equal(
	    http_send(http, &req, clock_mono_ms() + 500, &res), ERR_CONFIG);
	buf_clear(&req.url);
	assert_int_equal(buf_add_str(&req.url, "http://127.0.0.1:9/"), OK);
	assert_int_equal(buf_add_str(&req.authorization, "k\r\nX-Evil: 1"), OK);
	assert_int_equal(
	    http_send(http, &req, clock_mono_ms() + 500, &res), ERR_INPUT);
	http_request_done(&req);
	http_response_done(&res);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_an_answer_comes_whole),
		cmocka_unit_test(test_the_bytes_of_each_method_are_as_asked),
		cmocka_unit_test(test_failures_say_how_far_the_request_came),
		cmocka_unit_test(
		    test_headers_of_interim_answers_and_trailers_do_not_count),
		cmocka_unit_test(test_a_redirect_is_an_answer_and_not_followed),
		cmocka_unit_test(test_nobody_listening_means_not_sent),
		cmocka_unit_test(test_a_passed_deadline_means_not_sent),
		cmocka_unit_test(test_a_connect_that_hangs_means_not_sent),
		cmocka_unit_test(
		    test_urls_and_keys_that_are_not_allowed_are_not_sent),
	};

	return cmocka_run_group_tests(tests, make_http, free_http);
}
