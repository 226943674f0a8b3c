/* log: one event is one line, whatever is in it. Standard error is caught in a
 * pipe. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "core/log.h"

static int saved_stderr, pipe_end;

static void
catch_stderr(void)
{
	int fds[2];

	assert_int_equal(pipe(fds), 0);
	saved_stderr = dup(STDERR_FILENO);
	assert_true(dup2(fds[1], STDERR_FILENO) >= 0);
	(void)close(fds[1]);
	pipe_end = fds[0];
}

/* Everything since catch_stderr(); stderr is itself again. */
static size_t
caught(char *out, size_t size)
{
	size_t len = 0;
	ssize_t n;

	(void)dup2(saved_stderr, STDERR_FILENO); /* closes the pipe's end */
	(void)close(saved_stderr);
	while ((n = read(pipe_end, out + len, size - 1 - len)) > 0)
		len += (size_t)n;
	(void)close(pipe_end);
	out[len] = '\0';
	return len;
}

static void
test_a_line_has_level_program_and_text(void **state)
{
	char out[8192];

	(void)state;
	log_open("flowpin-test", LOG_DEBUG);
	catch_stderr();
	log_debug("a=%d", 1);
	log_info("b=%s", "two");
	log_warn("c=3");
	log_error("d=4");
	(void)caught(out, sizeof(out));
	assert_string_equal(out, "level=debug prog=flowpin-test a=1\n"
				 "level=info prog=flowpin-test b=two\n"
				 "level=warn prog=flowpin-test c=3\n"
				 "level=error prog=flowpin-test d=4\n");
}

/* journalctl -p goes by what a line begins with. */
static void
test_the_journal_is_told_priorities(void **state)
{
	char out[8192], stream[64];
	struct stat file;

	(void)state;
	catch_stderr();
	assert_int_equal(fstat(STDERR_FILENO, &file), 0);
	snprintf(stream, sizeof(stream), "%llu:%llu",
	    (unsigned long long)file.st_dev, (unsigned long long)file.st_ino);
	assert_int_equal(setenv("JOURNAL_STREAM", stream, 1), 0);
	log_open("t", LOG_DEBUG);
	log_debug("a=1");
	log_info("b=2");
	log_warn("c=3");
	log_error("d=4");
	(void)caught(out, sizeof(out));
	assert_string_equal(out, "<7>level=debug prog=t a=1\n"
				 "<6>level=info prog=t b=2\n"
				 "<4>level=warn prog=t c=3\n"
				 "<3>level=error prog=t d=4\n");
	/* somebody redirected it since */
	catch_stderr();
	log_open("t", LOG_DEBUG);
	log_info("e=5");
	(void)caught(out, sizeof(out));
	assert_int_equal(unsetenv("JOURNAL_STREAM"), 0);
	assert_string_equal(out, "level=info prog=t e=5\n");
}

static void
test_less_than_the_least_level_is_not_written(void **state)
{
	char out[8192];

	(void)state;
	log_open("t", LOG_WARN);
	catch_stderr();
	log_debug("no=1");
	log_info("no=2");
	log_warn("yes=1");
	(void)caught(out, sizeof(out));
	assert_string_equal(out, "level=warn prog=t yes=1\n");
}

static void
test_control_bytes_cannot_forge_a_second_line(void **state)
{
	char out[8192];

	(void)state;
	log_open("t", LOG_INFO);
	catch_stderr();
	log_info("a=%s", "x\nlevel=error\r\t\x1b[2J\x7f\xc3\xa9");
	(void)caught(out, sizeof(out));
	assert_string_equal(
	    out, "level=info prog=t a=x?level=error???[2J?\xc3\xa9\n");
}

static void
test_a_long_event_is_cut_and_still_one_line(void **state)
{
	char longer[5000], out[8192];
	size_t len;

	(void)state;
	memset(longer, 'x', sizeof(longer) - 1);
	longer[sizeof(longer) - 1] = '\0';
	log_open("t", LOG_INFO);
	catch_stderr();
	log_info("a=%s", longer);
	len = caught(out, sizeof(out));
	assert_int_equal(len, 2048);
	assert_string_equal(out + len - 5, "x...\n");
	assert_ptr_equal(strchr(out, '\n'), out + len - 1);
}

static void *
log_often(void *letter)
{
	for (int i = 0; i < 200; i++)
		log_info("t=%.*s", 80, (const char *)letter);
	return NULL;
}

static void
test_lines_of_threads_do_not_mix(void **state)
{
	enum { THREADS = 2 };
	static char text[THREADS][81];
	static char out[65536]; /* all lines fit the pipe */
	pthread_t threads[THREADS];
	size_t lines = 0;

	(void)state;
	log_open("t", LOG_INFO);
	catch_stderr();
	for (int i = 0; i < THREADS; i++) {
		memset(text[i], 'a' + i, 80);
		assert_int_equal(
		    pthread_create(&threads[i], NULL, log_often, text[i]), 0);
	}
	for (int i = 0; i < THREADS; i++)
		(void)pthread_join(threads[i], NULL);
	(void)caught(out, sizeof(out));
	for (char *line = out, *end; *line != '\0'; line = end + 1) {
		end = strchr(line, '\n');
		assert_non_null(end);
		*end = '\0';
		assert_memory_equal(line, "level=info prog=t t=", 20);
		assert_int_equal(strlen(line), 100);
		assert_int_equal(strspn(line + 20, &line[99]), 80);
		lines++;
	}
	assert_int_equal(lines, 400);
}

static void
test_levels_are_read_by_name(void **state)
{
	enum log_level level = LOG_DEBUG;

	(void)state;
	assert_int_equal(log_level_parse("warn", &level), OK);
	assert_int_equal(level, LOG_WARN);
	assert_int_equal(log_level_parse("debug", &level), OK);
	assert_int_equal(level, LOG_DEBUG);
	assert_int_equal(log_level_parse("loud", &level), ERR_CONFIG);
	assert_int_equal(log_level_parse("", &level), ERR_CONFIG);
	assert_int_equal(log_level_parse("WARN", &level), ERR_CONFIG);
	assert_int_equal(level, LOG_DEBUG);
}

static void
test_quoted_values_are_escaped_and_cut_to_fit(void **state)
{
	static const struct {
		const char *text, *want;
		unsigned long size;
	} rows[] = {
		{ "plain", "\"plain\"", 64 },
		{ NULL, "\"\"", 64 },
		{ "", "\"\"", 64 },
		{ "a\"b\\c", "\"a\\\"b\\\\c\"", 64 },
		{ "a\n\r\tb", "\"a\\n\\r\\tb\"", 64 },
		{ "\x01\x1b\x7f", "\"\\x01\\x1b\\x7f\"", 64 },
		{ "\xc3\xa9", "\"\\xc3\\xa9\"", 64 },
		{ "a\xff", "\"a\\xff\"", 64 },
		{ "abcdef", "\"abcd\"", 7 },
		{ "abc\n", "\"abc\"", 7 }, /* no half of an escape */
		{ "abc", "\"\"", 3 },
		{ "abc", "", 2 },
		{ "abc", "", 1 },
	};
	char out[64];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		memset(out, '#', sizeof(out));
		assert_ptr_equal(
		    log_quote(rows[i].text, out, rows[i].size), out);
		assert_string_equal(out, rows[i].want);
		if (rows[i].size < sizeof(out))
			assert_int_equal(out[rows[i].size], '#');
	}
	out[0] = '#';
	(void)log_quote("abc", out, 0);
	assert_int_equal(out[0], '#');
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_line_has_level_program_and_text),
		cmocka_unit_test(test_the_journal_is_told_priorities),
		cmocka_unit_test(test_less_than_the_least_level_is_not_written),
		cmocka_unit_test(test_control_bytes_cannot_forge_a_second_line),
		cmocka_unit_test(test_a_long_event_is_cut_and_still_one_line),
		cmocka_unit_test(test_lines_of_threads_do_not_mix),
		cmocka_unit_test(test_levels_are_read_by_name),
		cmocka_unit_test(test_quoted_values_are_escaped_and_cut_to_fit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
