/* http, what needs no connection: URLs and Retry-After. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "core/http.h"

static void
test_https_anywhere_and_http_on_loopback_are_allowed(void **state)
{
	static const char *const rows[] = { "https://api.todoist.com/api/v1",
		"https://api.linear.app/graphql?a=b%20c",
		"https://example.com:8443/", "https://10.0.0.1/",
		"HTTPS://Example.com/", "http://127.0.0.1:8080/x",
		"http://localhost/", "http://LOCALHOST:1/", "http://[::1]:9/" };

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (!http_url_allowed(rows[i]))
			fail_msg("refused: %s", rows[i]);
	}
}

static void
test_every_other_url_is_refused(void **state)
{
	static const char *const rows[] = { "", "/", "example.com",
		"https:", "https://", "https:///x", "https:/example.com",
		"http://example.com/", "http://127.0.0.2/",
		"http://127.0.0.1.example.com/", "http://localhost.example/",
		"http://localhost@example.com/", "https://user@example.com/",
		"https://user:pw@example.com/", "http://:pw@127.0.0.1/",
		"http://127.0.0.1:x/", "http://127.0.0.1:99999/",
		"file:///etc/passwd", "ftp://127.0.0.1/", "gopher://127.0.0.1",
		"javascript:1", "//127.0.0.1/", " https://example.com/",
		"https://exa mple.com/", "https://example.com/a b",
		"https://example.com/\r\nx", "https://example.com/#x",
		"https://example.com\\@127.0.0.1/", "http://[::2]/",
		"http://0.0.0.0/", "http:127.0.0.1", "https:\\\\x" };

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (http_url_allowed(rows[i]))
			fail_msg("allowed: %s", rows[i]);
	}
}

#define DATE "Mon, 23 Nov 2026 10:00:00 GMT"
#define NOW_MS INT64_C(1795428000500) /* half a second later */

static void
test_retry_after_is_read_in_both_forms(void **state)
{
	static const struct {
		const char *value, *date;
		int64_t want_ms;
	} rows[] = {
		{ "0", NULL, 0 },
		{ "7", NULL, 7000 },
		{ " 120 ", NULL, 120000 },
		{ "3600", NULL, 3600000 },
		{ "3601", NULL, 3600000 },
		{ "99999999999999999999999999", NULL, 3600000 },
		{ "Mon, 23 Nov 2026 10:00:02 GMT", NULL, 1500 },
		{ "Mon, 23 Nov 2026 10:00:02 GMT", DATE, 2000 },
		{ "Mon, 23 Nov 2026 10:00:02 GMT", "yesterday", 1500 },
		{ "Monday, 23-Nov-26 10:00:02 GMT", DATE, 2000 },
		{ "Mon, 23 Nov 2026 09:59:00 GMT", DATE, 0 },
		{ "Thu, 23 Nov 2028 10:00:00 GMT", DATE, 3600000 },
		{ NULL, DATE, -1 },
		{ "", NULL, -1 },
		{ "-5", NULL, -1 },
		{ "1.5", NULL, -1 },
		{ "7s", NULL, -1 },
		{ "soon", DATE, -1 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		int64_t ms =
		    http_retry_after_ms(rows[i].value, rows[i].date, NOW_MS);
		if (ms != rows[i].want_ms)
			fail_msg("%s: %lld",
			    rows[i].value != NULL ? rows[i].value : "none",
			    (long long)ms);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    test_https_anywhere_and_http_on_loopback_are_allowed),
		cmocka_unit_test(test_every_other_url_is_refused),
		cmocka_unit_test(test_retry_after_is_read_in_both_forms),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
