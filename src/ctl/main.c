/* flowpinctl: what operators do by hand. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/clock.h"
#include "core/delivery/courier.h"
#include "core/program.h"
#include "core/store/connection.h"
#include "core/sync/absence.h"
#include "core/token.h"
#include "absence.h"
#include "migrate.h"

static const struct program program = { "flowpinctl",
	"care of the Flowpin gateway",
	"\ncommands:\n"
	"  migrate             bring the database to this program's schema\n"
	"  keygen              print a new master key\n"
	"  token USER_ID [--life SECONDS]\n"
	"                      print a bearer token for a user (tests, demos)\n"
	"  guard list          which connections' marks are held, and why\n"
	"  guard approve CONNECTION_ID\n"
	"                      what is held there is right: go on\n"
	"  explain TASK_ID     the story of a task's completion, in order\n"
	"  check-config        are the settings complete and readable?\n"
	"  doctor              check settings, database, and every provider's "
	"state\n" };

struct command {
	const char *name;
	int (*run)(const struct config *config, int argc, char **argv);
};

static int
fail(void)
{
	return program_fail(&program);
}

static int
command_migrate(const struct config *config, int argc, char **argv)
{
	struct db_options options = { .url = config->database_url,
		.app_name = program.name,
		.connections = 1,
		.query_timeout_ms = 600000,
		.connect_timeout_ms = config->connect_timeout_ms };
	struct db_pool *pool = NULL;
	int applied = 0;
	enum err err = config_require(config, "database_url");

	(void)argc;
	(void)argv;
	if (!err)
		err = db_pool_new(&options, &pool);
	if (!err)
		err = migrate(pool, clock_mono_ms() + 10000, &applied);
	db_pool_free(pool);
	if (err)
		return fail();
	printf("%s: %d migrations applied, the schema is up to date\n",
	    program.name, applied);
	return 0;
}

static int
command_keygen(const struct config *config, int argc, char **argv)
{
	(void)config;
	(void)argc;
	(void)argv;
	for (int i = 0; i < CRYPTO_KEY_BYTES / 8; i++)
		printf("%016" PRIx64, crypto_random());
	printf("\n");
	return 0;
}

static int
command_token(const struct config *config, int argc, char **argv)
{
	struct token_options options = { .audience = config->jwt_audience };
	char user_id[CRYPTO_UUID], *secret = NULL, *token = NULL;
	long life_s = 3600;
	enum err err;

	if (argc < 1 || !crypto_uuid_parse(argv[0], user_id)) {
		fprintf(stderr, "%s: token needs a user's id\n", program.name);
		return 2;
	}
	if (argc == 3 && !strcmp(argv[1], "--life"))
		life_s = strtol(argv[2], NULL, 10);
	if (argc == 2 || argc > 3 || life_s < 1) {
		fprintf(stderr, "%s: usage: token USER_ID [--life SECONDS]\n",
		    program.name);
		return 2;
	}
	err = config_require(config, "jwt_secret_file");
	if (!err)
		err = config_read_secret(
		    "jwt_secret_file", config->jwt_secret_file, &secret);
	options.hs256_secret = secret;
	if (!err)
		err = token_sign(
		    &options, user_id, clock_wall_ms(), life_s, &token);
	crypto_free_secret(secret);
	if (err)
		return fail();
	printf("%s\n", token);
	crypto_free_secret(token);
	return 0;
}

static int
command_guard(const struct config *config, int argc, char **argv)
{
	return absence_guard_command(&program, config, argc, argv);
}

static int
command_explain(const struct config *config, int argc, char **argv)
{
	return absence_explain_command(&program, config, argc, argv);
}

static enum err
check_settings(const struct config *config)
{
	struct courier courier;
	struct token_verifier *verifier = NULL;
	unsigned policy;
	enum err err = config_require(config, "database_url");

	if (!err)
		err = config_check_times(config);
	if (!err)
		err = program_open_verifier(config, &verifier);
	token_free(verifier);
	if (!err)
		err = absence_policy_parse(config->complete_on, &policy);
	if (err)
		return err;
	err = courier_open(&courier, config);
	if (!err)
		courier_close(&courier);
	return err;
}

static int
command_check_config(const struct config *config, int argc, char **argv)
{
	(void)argc;
	(void)argv;
	if (check_settings(config))
		return fail();
	printf("%s: the settings are fine\n", program.name);
	return 0;
}

static void
print_provider(const struct provider_health *h)
{
	printf("%-8s %" PRId64 " connections", h->type, h->connections);
	if (h->auth_failed)
		printf(", %" PRId64 " with a refused key", h->auth_failed);
	if (h->failing)
		printf(", %" PRId64 " failing", h->failing);
	if (h->last_complete_run_age_s >= 0)
		printf(", last complete run %" PRId64 " s ago",
		    h->last_complete_run_age_s);
	else if (h->connections)
		printf(", never polled completely");
	printf("\n");
}

static int
command_doctor(const struct config *config, int argc, char **argv)
{
	struct provider_health health[16] = { 0 };
	const char *names[16];
	struct store store = { 0 };
	size_t n = 0;
	enum err err = check_settings(config);

	(void)argc;
	(void)argv;
	if (err)
		return fail();
	printf("settings ok\n");
	err = program_open_store(&program, config, &store);
	if (err)
		return fail();
	printf("database ok, schema ok\n");
	for (; n < 16 && provider_at(n); n++)
		names[n] = provider_at(n)->name;
	err = connection_health(&store, names, n, health);
	for (size_t i = 0; !err && i < n; i++)
		print_provider(&health[i]);
	db_pool_free(store.pool);
	return err ? fail() : 0;
}

static const struct command commands[] = {
	{ "migrate", command_migrate },
	{ "keygen", command_keygen },
	{ "token", command_token },
	{ "guard", command_guard },
	{ "explain", command_explain },
	{ "check-config", command_check_config },
	{ "doctor", command_doctor },
};

int
main(int argc, char **argv)
{
	struct config config;
	int next, code = program_begin(&program, argc, argv, &next, &config);

	if (code >= 0)
		return code;
	code = 2;
	if (next == argc) {
		fprintf(
		    stderr, "%s: which command? (see --help)\n", program.name);
		goto out;
	}
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		if (strcmp(argv[next], commands[i].name))
			continue;
		code =
		    commands[i].run(&config, argc - next - 1, argv + next + 1);
		goto out;
	}
	fprintf(stderr, "%s: no such command: %s (see --help)\n", program.name,
	    argv[next]);
out:
	config_done(&config);
	return code;
}
