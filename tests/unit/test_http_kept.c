/* http: kept connections and handles. Above all: a write is not sent twice,
 * though libcurl would do so when a kept connection dies. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "http_server.h"

static void
test_a_write_is_never_sent_again_on_a_dead_connection(void **state)
{
	static const struct step steps[] = { { OK_KEEP, KEEP }, { NULL, CLOSE },
		{ OK_KEEP, KEEP } };
	static const enum http_method writes[] = { HTTP_POST, HTTP_PATCH };
	struct http_response res = HTTP_RESPONSE_INIT(100);
	struct server s;

	(void)state;
	for (size_t i = 0; i < sizeof(writes) / sizeof(writes[0]); i++) {
		START(&s, steps);
		assert_int_equal(
		    send_to(s.port, HTTP_GET, NULL, PATIENCE_MS, &res), OK);
		assert_int_equal(res.carried, HTTP_ANSWERED);
		assert_int_equal(
		    send_to(s.port, writes[i], "{}", PATIENCE_MS, &res), OK);
		assert_int_equal(res.carried, HTTP_NO_ANSWER);
		assert_int_equal(s.requests, 2);
		/* The write did go over the kept connection, and what comes
		 * next is not troubled by its end. */
		assert_int_equal(
		    send_to(s.port, writes[i], "{}", PATIENCE_MS, &res), OK);
		assert_int_equal(res.carried, HTTP_ANSWERED);
		server_stop(&s);
		assert_int_equal(s.requests, 3);
	}
	http_response_done(&res);
}

static void
test_a_write_is_never_sent_again_after_a_reset(void **state)
{
	static const struct step steps[] = { { OK_KEEP, KEEP }, { NULL, RESET },
		{ OK_KEEP, KEEP } };
	struct http_response res = HTTP_RESPONSE_INIT(100);
	struct server s;

	(void)state;
	START(&s, steps);
	assert_int_equal(
	    send_to(s.port, HTTP_POST, NULL, PATIENCE_MS, &res), OK);
	assert_int_equal(
	    send_to(s.port, HTTP_POST, NULL, PATIENCE_MS, &res), OK);
	server_stop(&s);
	assert_int_equal(res.carried, HTTP_NO_ANSWER);
	assert_int_equal(s.requests, 2);
	http_response_done(&res);
}

static void
test_a_read_is_sent_again_on_a_dead_connection(void **state)
{
	static const struct step steps[] = { { OK_KEEP, KEEP }, { NULL, CLOSE },
		{ OK_KEEP, KEEP } };
	struct http_response res = HTTP_RESPONSE_INIT(100);
	struct server s;

	(void)state;
	START(&s, steps);
	assert_int_equal(
	    send_to(s.port, HTTP_GET, NULL, PATIENCE_MS, &res), OK);
	assert_int_equal(
	    send_to(s.port, HTTP_GET, NULL, PATIENCE_MS, &res), OK);
	server_stop(&s);
	assert_int_equal(res.carried, HTTP_ANSWERED);
	assert_int_equal(s.requests, 3);
	http_response_done(&res);
}

static void
test_a_connection_closed_while_idle_costs_a_write_nothing(void **state)
{
	static const struct step steps[] = { { OK_KEEP, CLOSE } };
	struct http_response res = HTTP_RESPONSE_INIT(100);
	struct server s;

	(void)state;
	START(&s, steps);
	for (int i = 1; i <= 3; i++) {
		assert_int_equal(
		    send_to(s.port, HTTP_POST, "{}", PATIENCE_MS, &res), OK);
		assert_int_equal(res.carried, HTTP_ANSWERED);
		/* The server has closed it by then: it waits for another. */
		while (s.connections < i)
			clock_sleep_ms(1);
		clock_sleep_ms(50);
	}
	server_stop(&s);
	assert_int_equal(s.connections, 3);
	assert_int_equal(s.requests, 3);
	http_response_done(&res);
}

static void
test_connections_are_kept_for_reads_and_writes(void **state)
{
	static const struct step steps[] = { { OK_KEEP, KEEP } };
	struct http_response res = HTTP_RESPONSE_INIT(100);
	struct server s;

	(void)state;
	START(&s, steps);
	for (int i = 0; i < 30; i++) {
		assert_int_equal(send_to(s.port, (enum http_method)(i % 3),
				     i % 3 ? "{}" : NULL, PATIENCE_MS, &res),
		    OK);
		assert_int_equal(res.carried, HTTP_ANSWERED);
		assert_string_equal(res.body.ptr, "{}");
	}
	server_stop(&s);
	assert_int_equal(s.connections, 1);
	assert_int_equal(s.requests, 30);
	http_response_done(&res);
}

struct sender {
	unsigned port;
	int timeout_ms;
	struct http_response res;
};

static void *
send_in_thread(void *cookie)
{
	struct sender *sender = cookie;

	(void)send_to(
	    sender->port, HTTP_GET, NULL, sender->timeout_ms, &sender->res);
	return NULL;
}

static void
test_more_requests_than_handles_wait_until_their_deadline(void **state)
{
	static const struct step steps[] = { { NULL, HANG } };
	struct sender senders[2];
	pthread_t threads[2];
	struct http_response res = HTTP_RESPONSE_INIT(100);
	struct server s;
	int64_t before;

	(void)state;
	START(&s, steps);
	for (int i = 0; i < 2; i++) {
		senders[i] =
		    (struct sender){ s.port, 600, HTTP_RESPONSE_INIT(100) };
		assert_int_equal(pthread_create(&threads[i], NULL,
				     send_in_thread, &senders[i]),
		    0);
	}
	clock_sleep_ms(200); /* both have their handle by now */
	before = clock_mono_ms();
	assert_int_equal(send_to(s.port, HTTP_GET, NULL, 100, &res), OK);
	assert_int_equal(res.carried, HTTP_NOT_SENT);
	assert_non_null(strstr(res.why, "no free handle"));
	assert_true(clock_mono_ms() - before >= 99);
	for (int i = 0; i < 2; i++) {
		(void)pthread_join(threads[i], NULL);
		http_response_done(&senders[i].res);
	}
	server_stop(&s);
	http_response_done(&res);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    test_a_write_is_never_sent_again_on_a_dead_connection),
		cmocka_unit_test(
		    test_a_write_is_never_sent_again_after_a_reset),
		cmocka_unit_test(
		    test_a_read_is_sent_again_on_a_dead_connection),
		cmocka_unit_test(
		    test_a_connection_closed_while_idle_costs_a_write_nothing),
		cmocka_unit_test(
		    test_connections_are_kept_for_reads_and_writes),
		cmocka_unit_test(
		    test_more_requests_than_handles_wait_until_their_deadline),
	};

	return cmocka_run_group_tests(tests, make_http, free_http);
}
