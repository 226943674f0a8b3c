/* config: what a setting is when nobody says it, what wins when two do, and
 * that every mistake is one sentence that names its place. */
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "core/config.h"
#include "core/crypto.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

extern char **environ;

static char dir[] = "/tmp/flowpin-config.XXXXXX";
static char path[64];

/* What the machine's own environment says about Flowpin is not our matter. */
static void
forget_environment(void)
{
	char name[128];

	for (char **entry = environ; *entry;) {
		size_t n = strcspn(*entry, "=");

		if (strncmp(*entry, "FLOWPIN_", 8) || n >= sizeof(name)) {
			entry++;
			continue;
		}
		snprintf(name, sizeof(name), "%.*s", (int)n, *entry);
		assert_int_equal(unsetenv(name), 0);
		entry = environ;
	}
}

static int
make_dir(void **state)
{
	(void)state;
	forget_environment();
	if (!mkdtemp(dir))
		return 1;
	snprintf(path, sizeof(path), "%s/flowpin.conf", dir);
	return 0;
}

static int
remove_dir(void **state)
{
	(void)state;
	(void)unlink(path);
	return rmdir(dir);
}

static int
clean(void **state)
{
	(void)state;
	forget_environment();
	return 0;
}

static void
write_file(const char *text)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
}

static void
load(const char *text, struct config *config)
{
	write_file(text);
	if (config_load(path, config))
		fail_msg("%s: %s", text, err_text());
}

/* Refused with a sentence that holds both words, and out left alone. */
static void
refuse(const char *text, const char *word, const char *other)
{
	struct config config;

	memset(&config, 0x5a, sizeof(config));
	write_file(text);
	if (config_load(path, &config) != ERR_CONFIG)
		fail_msg("accepted: %s", text);
	if (!strstr(err_text(), word) || !strstr(err_text(), other))
		fail_msg("'%s' and '%s' are not both in: %s", word, other,
		    err_text());
	for (size_t i = 0; i < sizeof(config); i++)
		assert_int_equal(((unsigned char *)&config)[i], 0x5a);
}

/* --- defaults ------------------------------------------------------------- */

static void
test_without_a_word_every_setting_has_its_default(void **state)
{
	struct config c;

	(void)state;
	load("", &c);
	assert_string_equal(c.database_url, "");
	assert_int_equal(c.database_connections, 12);
	assert_int_equal(c.database_prepared, 0); /* a pooler may be there */
	assert_int_equal(c.query_timeout_ms, 10000);
	assert_string_equal(c.socket, "/run/flowpin/gateway.sock");
	assert_int_equal(c.workers, 64);
	assert_string_equal(c.jwt_secret_files, "");
	assert_string_equal(c.jwt_audience, "authenticated");
	assert_string_equal(c.master_key_files, "");
	assert_string_equal(c.todoist_url, "https://api.todoist.com");
	assert_string_equal(c.linear_url, "https://api.linear.app");
	assert_string_equal(c.attio_url, "https://api.attio.com");
	assert_string_equal(c.ca_file, "");
	assert_string_equal(c.log_level, "info");
	assert_int_equal(c.give_up_ms, 86400000);
	assert_int_equal(c.poll_interval_ms, 60000);
	assert_int_equal(c.retain_events_days, 30);
	/* the gateway refuses to start otherwise */
	assert_true(c.lease_ms >= c.call_deadline_ms + 1000);
	assert_true(c.provider_timeout_ms < c.call_deadline_ms);
	config_done(&c);
}

static void
test_a_file_that_is_not_named_may_be_missing(void **state)
{
	struct config c;

	(void)state;
	if (access(CONFIG_FILE, F_OK) == 0)
		skip();
	assert_int_equal(config_load(NULL, &c), OK);
	assert_int_equal(c.workers, 64);
	config_done(&c);
}

static void
test_a_file_that_is_named_must_be_there(void **state)
{
	struct config c;

	(void)state;
	assert_int_equal(
	    config_load("/nonexistent/flowpin.conf", &c), ERR_CONFIG);
	assert_non_null(strstr(err_text(), "/nonexistent/flowpin.conf"));
	assert_non_null(strstr(err_text(), "No such file"));
	/* nor is a directory a file */
	assert_int_equal(config_load(dir, &c), ERR_CONFIG);
	assert_non_null(strstr(err_text(), dir));
}

/* --- the file ------------------------------------------------------------- */

static void
test_lines_are_read_as_people_write_them(void **state)
{
	static const struct {
		const char *file, *socket;
		int workers;
	} table[] = {
		{ "workers = 3\n", "/run/flowpin/gateway.sock", 3 },
		{ "workers=3", "/run/flowpin/gateway.sock", 3 },
		{ "  workers\t=  3 \t\r\n", "/run/flowpin/gateway.sock", 3 },
		{ "\n\n# workers = 9\n   # x\nworkers = 3\n",
		    "/run/flowpin/gateway.sock", 3 },
		{ "workers = 9\nworkers = 3\n", "/run/flowpin/gateway.sock",
		    3 },
		{ "socket = /tmp/a b\nworkers = 3\n", "/tmp/a b", 3 },
		{ "socket = a=b # c\nworkers = 3", "a=b # c", 3 },
		{ "socket =\nworkers = 3\n", "", 3 },
		{ "workers = 1", "/run/flowpin/gateway.sock", 1 },
		{ "workers = 512", "/run/flowpin/gateway.sock", 512 },
	};
	struct config c;

	(void)state;
	for (size_t i = 0; i < COUNT(table); i++) {
		load(table[i].file, &c);
		assert_int_equal(c.workers, table[i].workers);
		assert_string_equal(c.socket, table[i].socket);
		config_done(&c);
	}
}

static void
test_a_typo_is_refused_with_file_and_line(void **state)
{
	char place[80];

	(void)state;
	snprintf(place, sizeof(place), "%s:1:", path);
	refuse("wrokers = 3\n", place, "'wrokers'");
	refuse("Workers = 3\n", place, "'Workers'");
	refuse("= 3\n", place, "''");
	refuse("workers\n", place, "name = value");
	snprintf(place, sizeof(place), "%s:4:", path);
	refuse("# one\n\nworkers = 3\nworkers_max = 4\nworkers = x\n", place,
	    "'workers_max'");
}

static void
test_a_number_out_of_place_is_refused(void **state)
{
	static const char *const values[] = { "", "x", "3x", "3 4", "1.5",
		"0x10", "1e3", "-1", "0", "513", "2147483648", "4294967299",
		"99999999999999999999", "-99999999999999999999", "3 # three" };
	char file[80], value[40], place[80];

	(void)state;
	snprintf(place, sizeof(place), "%s:2:", path);
	for (size_t i = 0; i < COUNT(values); i++) {
		snprintf(file, sizeof(file), "\nworkers = %s\n", values[i]);
		snprintf(value, sizeof(value), "'%s'", values[i]);
		refuse(file, place, "workers");
		refuse(file, value, "from 1 to 512");
	}
}

static void
test_a_long_line_is_read_whole(void **state)
{
	static char file[70000];
	struct config c;
	size_t n;

	(void)state;
	n = (size_t)snprintf(file, sizeof(file), "database_url = ");
	memset(file + n, 'x', 65536);
	memcpy(file + n + 65536, "\nworkers = 5\n", 14);
	load(file, &c);
	assert_int_equal(strlen(c.database_url), 65536);
	assert_int_equal(c.workers, 5);
	config_done(&c);
}

/* --- the environment ------------------------------------------------------ */

static void
test_the_environment_wins_over_the_file(void **state)
{
	struct config c;

	(void)state;
	assert_int_equal(setenv("FLOWPIN_WORKERS", "7", 1), 0);
	assert_int_equal(setenv("FLOWPIN_SOCKET", "/tmp/from-env", 1), 0);
	assert_int_equal(setenv("FLOWPIN_JWT_AUDIENCE", "", 1), 0);
	/* others may use the prefix too: `make run` exports such */
	assert_int_equal(setenv("FLOWPIN_URL", "http://localhost", 1), 0);
	assert_int_equal(setenv("FLOWPIN_workers", "9", 1), 0);
	load("workers = 3\nsocket = /tmp/from-file\nsweep_ms = 77\n", &c);
	assert_int_equal(c.workers, 7);
	assert_string_equal(c.socket, "/tmp/from-env");
	assert_string_equal(c.jwt_audience, "");
	assert_int_equal(c.sweep_ms, 77);
	config_done(&c);
}

static void
test_a_bad_number_in_the_environment_names_its_variable(void **state)
{
	(void)state;
	assert_int_equal(setenv("FLOWPIN_POLL_MAX_ITEMS", "many", 1), 0);
	refuse("workers = 3\n", "FLOWPIN_POLL_MAX_ITEMS", "'many'");
}

static void
test_a_good_variable_does_not_excuse_a_bad_file(void **state)
{
	(void)state;
	assert_int_equal(setenv("FLOWPIN_WORKERS", "7", 1), 0);
	refuse("workers = x\n", ":1:", "workers");
}

/* --- questions ------------------------------------------------------------ */

static void
test_what_is_required_and_missing_is_named_with_its_variable(void **state)
{
	struct config c;

	(void)state;
	load("database_url = postgresql:///x\n", &c);
	assert_int_equal(config_require(&c, "database_url"), OK);
	assert_int_equal(config_require(&c, "jwt_secret_files"), ERR_CONFIG);
	assert_non_null(strstr(err_text(), "jwt_secret_files"));
	assert_non_null(strstr(err_text(), "FLOWPIN_JWT_SECRET_FILES"));
	assert_int_equal(config_require(&c, "no_such_thing"), ERR_BUG);
	config_done(&c);
}

static void
test_a_provider_is_found_by_its_name(void **state)
{
	struct config c;

	(void)state;
	load("linear_url = http://127.0.0.1:1\n", &c);
	assert_string_equal(
	    config_base_url(&c, "todoist"), "https://api.todoist.com");
	assert_string_equal(
	    config_base_url(&c, "linear"), "http://127.0.0.1:1");
	assert_string_equal(
	    config_base_url(&c, "attio"), "https://api.attio.com");
	assert_null(config_base_url(&c, "asana"));
	assert_null(config_base_url(&c, ""));
	config_done(&c);
}

static void
test_settings_that_are_done_may_be_done_again(void **state)
{
	struct config c;

	(void)state;
	load("", &c);
	config_done(&c);
	assert_null(c.database_url);
	assert_null(c.log_level);
	config_done(&c);
}

/* --- secrets -------------------------------------------------------------- */

static void
test_a_secret_is_the_first_line_without_white_space(void **state)
{
	static const struct {
		const char *file, *secret;
	} table[] = {
		{ "abc", "abc" },
		{ "abc\n", "abc" },
		{ "  abc\t\r\n", "abc" },
		{ "abc\nsecond\n", "abc" },
		{ "a b\n", "a b" },
		{ "%s%n\n", "%s%n" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(table); i++) {
		char *secret = NULL;

		write_file(table[i].file);
		assert_int_equal(
		    config_read_secret("jwt_secret_files", path, &secret), OK);
		assert_string_equal(secret, table[i].secret);
		crypto_free_secret(secret);
	}
}

static void
test_a_secret_that_is_not_there_names_its_setting_and_file(void **state)
{
	static const char *const files[] = { "", "\n", " \t\n", "\nabc\n" };
	char *secret = NULL;

	(void)state;
	for (size_t i = 0; i < COUNT(files); i++) {
		write_file(files[i]);
		assert_int_equal(
		    config_read_secret("jwt_secret_files", path, &secret),
		    ERR_CONFIG);
		assert_non_null(strstr(err_text(), "jwt_secret_files"));
		assert_non_null(strstr(err_text(), path));
		assert_non_null(strstr(err_text(), "empty"));
		assert_null(strstr(err_text(), "abc"));
	}
	assert_int_equal(config_read_secret("jwt_secret_files",
			     "/nonexistent/secret", &secret),
	    ERR_CONFIG);
	assert_non_null(strstr(err_text(), "/nonexistent/secret"));
	assert_null(secret);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    test_without_a_word_every_setting_has_its_default),
		cmocka_unit_test(test_a_file_that_is_not_named_may_be_missing),
		cmocka_unit_test(test_a_file_that_is_named_must_be_there),
		cmocka_unit_test(test_lines_are_read_as_people_write_them),
		cmocka_unit_test(test_a_typo_is_refused_with_file_and_line),
		cmocka_unit_test(test_a_number_out_of_place_is_refused),
		cmocka_unit_test(test_a_long_line_is_read_whole),
		cmocka_unit_test_teardown(
		    test_the_environment_wins_over_the_file, clean),
		cmocka_unit_test_teardown(
		    test_a_bad_number_in_the_environment_names_its_variable,
		    clean),
		cmocka_unit_test_teardown(
		    test_a_good_variable_does_not_excuse_a_bad_file, clean),
		cmocka_unit_test(
		    test_what_is_required_and_missing_is_named_with_its_variable),
		cmocka_unit_test(test_a_provider_is_found_by_its_name),
		cmocka_unit_test(test_settings_that_are_done_may_be_done_again),
		cmocka_unit_test(
		    test_a_secret_is_the_first_line_without_white_space),
		cmocka_unit_test(
		    test_a_secret_that_is_not_there_names_its_setting_and_file),
	};

	return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
