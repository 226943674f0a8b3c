/* The beginning of every program. */
#include "core/program.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include "core/clock.h"
#include "core/crypto.h"
#include "core/log.h"
#include "queries.h"

/* The newest migration whose columns the statements use. */
#define SCHEMA_NEEDED 11

static void
print_help(const struct program *program)
{
	printf(
	    "%s - %s\n\nusage: %s [options]\n"
	    "  --config FILE  settings, before all else (default " CONFIG_FILE
	    ", if it is there)\n"
	    "  --help         this text\n"
	    "  --version      print the version\n%s",
	    program->name, program->summary, program->name, program->options);
	if (program->print_more)
		program->print_more();
	printf("\nSettings: `name = value` lines in the file, or environment "
	       "variables FLOWPIN_NAME,\nwhich win:\n");
	config_print_help();
}

int
program_begin(const struct program *program, int argc, char **argv, int *next,
    struct config *config)
{
	const char *path = NULL;
	enum log_level level = LOG_INFO;
	int i;

	for (i = 1; i < argc; i++) {
		if (!strcmp(argv[i], "--help")) {
			print_help(program);
			return 0;
		}
		if (!strcmp(argv[i], "--version")) {
			printf("%s %s\n", program->name, FLOWPIN_VERSION);
			return 0;
		}
		if (strcmp(argv[i], "--config"))
			break;
		if (++i == argc) {
			fprintf(stderr, "%s: --config needs a file\n",
			    program->name);
			return 2;
		}
		path = argv[i];
	}
	*next = i;
	if (config_load(path, config))
		return program_fail(program);
	if (log_level_parse(config->log_level, &level)) {
		config_done(config);
		return program_fail(program);
	}
	log_open(program->name, level);
	return -1;
}

int
program_fail(const struct program *program)
{
	fprintf(stderr, "%s: %s\n", program->name, err_text());
	return 1;
}

enum err
program_open_verifier(const struct config *config, struct token_verifier **out)
{
	struct token_options options = { .audience = config->jwt_audience,
		.leeway_s = 5 };
	char *secret = NULL;
	enum err err = config_require(config, "jwt_secret_file");

	if (!err)
		err = config_read_secret(
		    "jwt_secret_file", config->jwt_secret_file, &secret);
	if (err)
		return err;
	options.hs256_secret = secret;
	err = token_new(&options, out);
	crypto_free_secret(secret);
	return err;
}

static enum err
check_schema(const struct store *store)
{
	struct rows rows = { 0 };
	enum err err = store_run(store, q_schema_check_with(), &rows);

	if (err == ERR_SCHEMA)
		err = err_set(ERR_CONFIG,
		    "the database has no Flowpin schema yet: run flowpinctl "
		    "migrate");
	else if (!err && rows_int(&rows, 0, "newest") < SCHEMA_NEEDED)
		err = err_set(ERR_CONFIG,
		    "the database's schema is older than this program: run "
		    "flowpinctl migrate");
	rows_done(&rows);
	return err;
}

enum err
program_open_store(const struct program *program, const struct config *config,
    struct store *out)
{
	struct db_options options = {
		.url = config->database_url,
		.app_name = program->name,
		.connections = config->database_connections,
		.query_timeout_ms = config->query_timeout_ms,
		.connect_timeout_ms = config->connect_timeout_ms,
		.is_prepared = config->database_prepared,
	};
	enum err err = config_require(config, "database_url");

	memset(out, 0, sizeof(*out));
	if (!err)
		err = db_pool_new(&options, &out->pool);
	out->wait_ms = config->query_timeout_ms;
	out->give_up_ms = config->give_up_ms;
	out->recurring_grace_ms = config->recurring_grace_ms;
	out->doubt_ms = config->doubt_ms;
	if (!err)
		err = check_schema(out);
	if (err) {
		db_pool_free(out->pool);
		out->pool = NULL;
	}
	return err;
}

void
program_guard_secrets(void)
{
	const struct rlimit none = { 0, 0 };

	(void)setrlimit(RLIMIT_CORE, &none); /* units set it as well */
	(void)prctl(PR_SET_DUMPABLE, 0);
}
