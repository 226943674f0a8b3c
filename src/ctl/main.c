/* flowpinctl: what operators do by hand. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/clock.h"
#include "core/delivery/courier.h"
#include "core/keys.h"
#include "core/program.h"
#include "core/store/connection.h"
#include "core/sync/absence.h"
#include "core/token.h"
#include "absence.h"
#include "doctor.h"
#include "migrate.h"

static const struct program program = { "flowpinctl",
	"care of the Flowpin gateway",
	"\ncommands:\n"
	"  migrate [--print]   bring the database to this program's schema; or "
	"print\n"
	"                      it as a script for psql\n"
	"  uninstall-schema [--yes]\n"
	"                      take all of it away again; Flowpin's tables "
	"stay\n"
	"  keys seal [--dry-run] [--yes]\n"
	"                      seal the keys that stand in "
	"integrations.api_key, "
	"and\n"
	"                      empty that column: clients cannot read them "
	"back "
	"then\n"
	"  keygen              print a new master key\n"
	"  token USER_ID [--life SECONDS]\n"
	"                      print a bearer token for a user (tests, demos)\n"
	"  guard list          which connections' marks are held, and why\n"
	"  guard approve CONNECTION_ID\n"
	"                      what is held there is right: go on\n"
	"  explain TASK_ID     the story of a task's completion, in order\n"
	"  check-config        are the settings complete and readable?\n"
	"  doctor              look at settings, database, triggers, rights, "
	"keys "
	"and runs\n" };

struct command {
	const char *name;
	int (*run)(const struct config *config, int argc, char **argv);
};

static int
misused(const char *usage)
{
	fprintf(stderr, "%s: usage: %s\n", program.name, usage);
	return 2;
}

static int
fail(void)
{
	return program_fail(&program);
}

/* A person says yes, at a terminal or by --yes. */
static bool
is_agreed(bool says_yes, const char *question)
{
	char line[16];

	if (says_yes)
		return true;
	printf("%s Type yes to go on: ", question);
	fflush(stdout);
	return fgets(line, sizeof(line), stdin) && !strcmp(line, "yes\n");
}

static enum err
open_for_schema(const struct config *config, struct db_pool **pool)
{
	struct db_options options = { .url = config->database_url,
		.app_name = program.name,
		.connections = 1,
		.query_timeout_ms = 600000,
		.connect_timeout_ms = config->connect_timeout_ms };
	enum err err = config_require(config, "database_url");

	return err ? err : db_pool_new(&options, pool);
}

static int
command_migrate(const struct config *config, int argc, char **argv)
{
	struct db_pool *pool = NULL;
	int applied = 0;
	enum err err;

	if (argc == 1 && !strcmp(argv[0], "--print")) {
		migrate_print();
		return 0;
	}
	if (argc > 0)
		return misused("migrate [--print]");
	err = open_for_schema(config, &pool);
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
command_uninstall(const struct config *config, int argc, char **argv)
{
	bool says_yes = argc == 1 && !strcmp(argv[0], "--yes");
	struct db_pool *pool = NULL;
	enum err err;

	if (argc != says_yes)
		return misused("uninstall-schema [--yes]");
	if (!is_agreed(says_yes,
		"This deletes all that the gateway keeps: links, writebacks, "
		"sealed keys, its story. Flowpin's own tables stay."))
		return 1;
	err = open_for_schema(config, &pool);
	if (!err)
		err = migrate_undo(pool, clock_mono_ms() + 10000);
	db_pool_free(pool);
	if (err)
		return fail();
	printf("%s: the gateway's schema is gone\n", program.name);
	return 0;
}

/* Print which connections have a plain key; seal them unless that was all.
 * *count: how many. */
static enum err
seal_all(const struct store *store, const struct crypto_keys *keys, bool seals,
    int *count)
{
	char after[CRYPTO_UUID] = "";
	enum err err = OK;

	*count = 0;
	while (!err) {
		struct connection conn = { 0 };

		err = connection_plain(store, *after ? after : NULL, &conn);
		if (!err) {
			snprintf(after, sizeof(after), "%s", conn.id);
			++*count;
			printf("%s %s user=%s\n", conn.id, conn.type,
			    conn.user_id);
		}
		if (!err && seals)
			err = keys_seal(keys, conn.key, &conn);
		if (!err && seals)
			err = connection_seal(store, &conn);
		connection_done(&conn);
	}
	return err == ERR_NOTFOUND ? OK : err;
}

static int
command_keys(const struct config *config, int argc, char **argv)
{
	bool is_dry = argc == 2 && !strcmp(argv[1], "--dry-run");
	bool says_yes = argc == 2 && !strcmp(argv[1], "--yes");
	struct courier courier = { 0 };
	struct store store = { 0 };
	int count = 0;
	enum err err;

	if (argc < 1 || strcmp(argv[0], "seal") ||
	    argc != 1 + is_dry + says_yes)
		return misused("keys seal [--dry-run] [--yes]");
	err = courier_open(&courier, config);
	if (!err)
		err = program_open_store(&program, config, &store);
	if (!err)
		err = connection_note(&store, NULL);
	if (!err && !is_dry &&
	    !is_agreed(says_yes,
		"Clients that need integrations.api_key will not find it any "
		"more.")) {
		db_pool_free(store.pool);
		courier_close(&courier);
		return 1;
	}
	if (!err)
		err = seal_all(&store, &courier.keys, !is_dry, &count);
	db_pool_free(store.pool);
	if (courier.http)
		courier_close(&courier);
	if (err)
		return fail();
	printf("%s: %d keys %s\n", program.name, count,
	    is_dry ? "stand there in plain" : "sealed");
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
		err = config_check_api_keys(config);
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
	printf("       %s: %" PRId64 " connections", h->type, h->connections);
	if (h->without_key)
		printf(", %" PRId64 " more without a key", h->without_key);
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

/* What the last polls did, for each provider. */
static enum err
print_providers(const struct store *store)
{
	struct provider_health health[16] = { 0 };
	const char *names[16];
	size_t n = 0;
	enum err err;

	for (; n < 16 && provider_at(n); n++)
		names[n] = provider_at(n)->name;
	err = connection_health(store, names, n, health);
	for (size_t i = 0; !err && i < n; i++)
		print_provider(&health[i]);
	return err;
}

static int
command_doctor(const struct config *config, int argc, char **argv)
{
	struct courier courier = { 0 };
	struct store store = { 0 };
	bool is_well = true;
	enum err err = check_settings(config);

	(void)argc;
	(void)argv;
	if (err)
		return fail();
	printf("ok     settings\n");
	err = program_open_store(&program, config, &store);
	if (err)
		return fail();
	printf("ok     schema\n");
	err = courier_open(&courier, config);
	if (!err)
		err = doctor_database(
		    &store, &courier.keys, config->database_prepared, &is_well);
	if (!err)
		err = print_providers(&store);
	if (courier.http)
		courier_close(&courier);
	db_pool_free(store.pool);
	if (err)
		return fail();
	return is_well ? 0 : 1;
}

static const struct command commands[] = {
	{ "migrate", command_migrate },
	{ "uninstall-schema", command_uninstall },
	{ "keys", command_keys },
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
