/* flowpinctl: what operators do by hand. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/clock.h"
#include "core/courier/courier.h"
#include "core/keys.h"
#include "core/program.h"
#include "core/store/connection.h"
#include "core/sync/absence.h"
#include "core/token.h"
#include "commands.h"
#include "doctor.h"
#include "migrate.h"

static void print_commands(void);

static const struct program program = { "flowpinctl",
	"administration of the Flowpin gateway", "", print_commands };

struct command {
	const char *name, *args; /* as they are typed */
	const char *help;        /* lines of --help */
	int (*run)(const struct config *config, int argc, char **argv);
};

static int
fail(void)
{
	return program_fail(&program);
}

/* Does a person agree, at the terminal or by --yes? */
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
	bool is_dry = argc == 1 && !strcmp(argv[0], "--dry-run");
	struct db_pool *pool = NULL;
	int count = 0;
	enum err err;

	if (argc == 1 && !strcmp(argv[0], "--print")) {
		migrate_print();
		return 0;
	}
	if (argc != is_dry)
		return MISUSED;
	err = open_for_schema(config, &pool);
	if (!err)
		err = migrate(pool, clock_mono_ms() + 10000, is_dry, &count);
	db_pool_free(pool);
	if (err)
		return fail();
	if (is_dry)
		printf("%s: %d migrations to apply; nothing was changed\n",
		    program.name, count);
	else
		printf("%s: %d migrations applied, the schema is up to date\n",
		    program.name, count);
	return 0;
}

static int
command_uninstall(const struct config *config, int argc, char **argv)
{
	bool says_yes = argc == 1 && !strcmp(argv[0], "--yes");
	bool is_dry = argc == 1 && !strcmp(argv[0], "--dry-run");
	struct db_pool *pool = NULL;
	enum err err;

	if (argc != says_yes + is_dry)
		return MISUSED;
	if (!is_dry &&
	    !is_agreed(says_yes,
		"This deletes all that the gateway keeps: links, writebacks, "
		"sealed keys, its story. Flowpin's own tables stay."))
		return 1;
	err = open_for_schema(config, &pool);
	if (!err)
		err = migrate_undo(pool, clock_mono_ms() + 10000, is_dry);
	db_pool_free(pool);
	if (err)
		return fail();
	printf("%s: %s\n", program.name,
	    is_dry ? "it could be taken away; nothing was changed"
		   : "the gateway's schema is gone");
	return 0;
}

struct sealing {
	bool is_dry;
	int plain, left;
};

static enum err
seal_one(const struct store *store, const struct crypto_keys *keys,
    struct connection *conn, struct sealing *sealing)
{
	enum err err;

	sealing->plain++;
	printf("%s %s user=%s\n", conn->id, conn->type, conn->user_id);
	if (sealing->is_dry)
		return OK;
	err = keys_seal(keys, conn->key, conn);
	if (!err)
		err = connection_seal(store, conn);
	if (err != ERR_CONFLICT)
		return err;
	sealing->left++;
	fprintf(stderr, "%s: %s: %s\n", program.name, conn->id, err_text());
	return OK;
}

/* Print which connections have a plain key, and seal these keys unless it is a
 * dry run. */
static enum err
seal_all(const struct store *store, const struct crypto_keys *keys,
    struct sealing *sealing)
{
	char after[CRYPTO_UUID] = "";
	enum err err = OK;

	while (!err) {
		struct connection conn = { 0 };

		err = connection_plain(store, *after ? after : NULL, &conn);
		if (!err) {
			snprintf(after, sizeof(after), "%s", conn.id);
			err = seal_one(store, keys, &conn, sealing);
		}
		connection_done(&conn);
	}
	return err == ERR_NOTFOUND ? OK : err;
}

static int
command_keys(const struct config *config, int argc, char **argv)
{
	struct sealing sealing = { .is_dry = argc == 2 &&
					     !strcmp(argv[1], "--dry-run") };
	bool says_yes = argc == 2 && !strcmp(argv[1], "--yes");
	struct courier courier = { 0 };
	struct store store = { 0 };
	enum err err;

	if (argc < 1 || strcmp(argv[0], "seal") ||
	    argc != 1 + sealing.is_dry + says_yes)
		return MISUSED;
	err = courier_open(&courier, config);
	if (!err)
		err = program_open_store(&program, config, &store);
	if (!err)
		err = connection_note(&store, NULL);
	if (!err && !sealing.is_dry &&
	    !is_agreed(says_yes,
		"Clients that need integrations.api_key will not find it any "
		"more.")) {
		db_pool_free(store.pool);
		courier_close(&courier);
		return 1;
	}
	if (!err)
		err = seal_all(&store, &courier.keys, &sealing);
	db_pool_free(store.pool);
	if (courier.http)
		courier_close(&courier);
	if (err)
		return fail();
	printf("%s: %d keys %s\n", program.name, sealing.plain - sealing.left,
	    sealing.is_dry ? "stand there in plain" : "sealed");
	return sealing.left > 0;
}

static int
command_keygen(const struct config *config, int argc, char **argv)
{
	(void)config;
	(void)argv;
	if (argc > 0)
		return MISUSED;
	for (int i = 0; i < CRYPTO_KEY_BYTES / 8; i++)
		printf("%016" PRIx64, crypto_random());
	printf("\n");
	return 0;
}

static int
run_token(const struct config *config, int argc, char **argv)
{
	return command_token(&program, config, argc, argv);
}

static int
run_token_key(const struct config *config, int argc, char **argv)
{
	(void)config;
	return command_token_key(&program, argc, argv);
}

static int
command_guard(const struct config *config, int argc, char **argv)
{
	bool is_list = argc == 1 && !strcmp(argv[0], "list");
	bool is_dry = argc == 3 && !strcmp(argv[2], "--dry-run");
	char id[CRYPTO_UUID];

	if (is_list)
		return command_guard_list(&program, config);
	if (argc != 2 + is_dry || strcmp(argv[0], "approve") != 0 ||
	    !crypto_uuid_parse(argv[1], id))
		return MISUSED;
	return command_guard_approve(&program, config, id, is_dry);
}

static int
command_explain(const struct config *config, int argc, char **argv)
{
	char id[CRYPTO_UUID];

	if (argc != 1 || !crypto_uuid_parse(argv[0], id))
		return MISUSED;
	return command_explain_task(&program, config, id);
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
		err = config_check_origins(config);
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
	(void)argv;
	if (argc > 0)
		return MISUSED;
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

/* Print what the last polls of each provider did. */
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
	enum err err;

	(void)argv;
	if (argc > 0)
		return MISUSED;
	err = check_settings(config);
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
	{ "migrate", "[--dry-run | --print]",
	    "create or update the gateway's schema in the database; or list\n"
	    "the missing migrations; or print all as a script for psql\n",
	    command_migrate },
	{ "uninstall-schema", "[--dry-run | --yes]",
	    "remove all that the gateway added; Flowpin's tables stay; or\n"
	    "only try it\n",
	    command_uninstall },
	{ "keys", "seal [--dry-run | --yes]",
	    "encrypt the keys in integrations.api_key into the gateway's own\n"
	    "table, and empty the column: clients cannot read them any more\n",
	    command_keys },
	{ "keygen", "", "print a new master key\n", command_keygen },
	{ "token", "USER_ID [--life SECONDS] [--key FILE]",
	    "print a bearer token for a user (tests, demos), signed with the\n"
	    "private key in FILE, or with the first of jwt_secret_files\n",
	    run_token },
	{ "token-key", "FILE",
	    "write a new private key for token into FILE, and print the key\n"
	    "set with its public half, for jwks_file\n",
	    run_token_key },
	{ "guard", "list | approve CONNECTION_ID [--dry-run]",
	    "list the connections whose changes to tasks are held back, and\n"
	    "why; or approve the changes that are held back for one\n",
	    command_guard },
	{ "explain", "TASK_ID", "print what happened to a task, in order\n",
	    command_explain },
	{ "check-config", "",
	    "check whether the settings are complete and their files "
	    "readable\n",
	    command_check_config },
	{ "doctor", "",
	    "check settings, database, triggers, rights, keys and runs\n",
	    command_doctor },
};

static const struct command *
find_command(const char *name)
{
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		if (!strcmp(name, commands[i].name))
			return &commands[i];
	return NULL;
}

static void
print_command(const struct command *c)
{
	bool is_new = true;

	printf("  %s%s%s\n", c->name, *c->args ? " " : "", c->args);
	for (const char *p = c->help; *p; p++) {
		printf("%s%c", is_new ? "      " : "", *p);
		is_new = *p == '\n';
	}
}

static void
print_commands(void)
{
	printf("\ncommands:\n");
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		print_command(&commands[i]);
}

/* --help after a command is about that command. It needs no settings. */
static const struct command *
asked_about(int argc, char **argv)
{
	const struct command *c = NULL;

	for (int i = 1; i < argc && !c; i++) {
		if (!strcmp(argv[i], "--config"))
			i++;
		else
			c = find_command(argv[i]);
	}
	for (int i = 1; c && i < argc; i++)
		if (!strcmp(argv[i], "--help"))
			return c;
	return NULL;
}

static int
run(const struct config *config, int argc, char **argv)
{
	const struct command *c = argc > 0 ? find_command(argv[0]) : NULL;
	int code;

	if (argc == 0) {
		fprintf(
		    stderr, "%s: which command? (see --help)\n", program.name);
		return 2;
	}
	if (!c) {
		fprintf(stderr, "%s: no such command: %s (see --help)\n",
		    program.name, argv[0]);
		return 2;
	}
	code = c->run(config, argc - 1, argv + 1);
	if (code != MISUSED)
		return code;
	fprintf(stderr, "%s: usage: %s%s%s%s\n", program.name, c->name,
	    *c->args ? " " : "", c->args,
	    strstr(c->args, "_ID") ? " (an ID is a UUID)" : "");
	return 2;
}

int
main(int argc, char **argv)
{
	const struct command *about = asked_about(argc, argv);
	struct config config;
	int next, code;

	if (about) {
		print_command(about);
		return 0;
	}
	code = program_begin(&program, argc, argv, &next, &config);
	if (code >= 0)
		return code;
	code = run(&config, argc - next, argv + next);
	config_done(&config);
	return code;
}
