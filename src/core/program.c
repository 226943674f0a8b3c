/* What every program does first. */
#include "core/program.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include "core/clock.h"
#include "core/crypto.h"
#include "core/http.h"
#include "core/log.h"
#include "queries.h"

#define ISSUER_MAX 480 /* see struct program_users */

/* The newest migration that the statements need. */
#define SCHEMA_NEEDED 12

static void
print_help(const struct program *program)
{
	printf("%s - %s\n\nusage: %s [options]\n"
	       "  --config FILE  read settings from FILE; comes first "
	       "(default " CONFIG_FILE ", if it exists)\n"
	       "  --help         this text\n"
	       "  --version      print the version\n%s",
	    program->name, program->summary, program->name, program->options);
	if (program->print_more)
		program->print_more();
	printf("\nSettings: `name = value` lines in the file, or environment "
	       "variables FLOWPIN_NAME,\nwhich win over it:\n");
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

/* As tokens name it: without a slash at the end. */
static void
write_issuer(const struct config *config, char *out, size_t size)
{
	const char *url = config->supabase_url;
	int len = (int)strlen(url);

	while (len > 0 && url[len - 1] == '/')
		len--;
	if (*config->jwt_issuer)
		snprintf(out, size, "%s", config->jwt_issuer);
	else
		snprintf(out, size, len ? "%.*s/auth/v1" : "", len, url);
}

enum err
program_users(const struct config *config, struct program_users *out)
{
	size_t most = sizeof(out->secrets) / sizeof(out->secrets[0]) - 1;

	memset(out, 0, sizeof(*out));
	write_issuer(config, out->issuer, sizeof(out->issuer));
	out->options =
	    (struct token_options){ .secrets =
					(const char *const *)out->secrets,
		    .audience = config->jwt_audience,
		    .issuer = *out->issuer ? out->issuer : NULL,
		    .allows_clients = config->jwt_clients,
		    .allows_anonymous = config->jwt_anonymous,
		    .leeway_s = 60 };
	return config_read_secrets("jwt_secret_files", config->jwt_secret_files,
	    out->secrets, most, &out->count);
}

void
program_users_done(struct program_users *users)
{
	for (size_t i = 0; i < users->count; i++)
		crypto_free_secret(users->secrets[i]);
	memset(users, 0, sizeof(*users));
}

static enum err
check_keys(const struct config *config)
{
	if (*config->supabase_url && !http_url_allowed(config->supabase_url))
		return err_set(ERR_CONFIG,
		    "supabase_url must be https, like "
		    "https://REF.supabase.co, not '%s'",
		    config->supabase_url);
	if (strlen(config->jwt_issuer) > ISSUER_MAX ||
	    strlen(config->supabase_url) > ISSUER_MAX)
		return err_set(ERR_CONFIG,
		    "jwt_issuer and supabase_url may have %d bytes",
		    ISSUER_MAX);
	if (*config->supabase_url || *config->jwks_file ||
	    *config->jwt_secret_files)
		return OK;
	return err_set(ERR_CONFIG,
	    "nothing says whose tokens are users': put supabase_url, jwks_file "
	    "or jwt_secret_files into the configuration file");
}

enum err
program_open_verifier(const struct config *config, struct token_verifier **out)
{
	struct program_users users = { 0 };
	enum err err = check_keys(config);

	*out = NULL;
	if (!err)
		err = program_users(config, &users);
	if (!err)
		err = token_new(&users.options, out);
	program_users_done(&users);
	if (!err && *config->jwks_file)
		err = program_read_keys(config, *out);
	if (err && *out) {
		token_free(*out);
		*out = NULL;
	}
	return err;
}

enum err
program_read_keys(const struct config *config, struct token_verifier *verifier)
{
	FILE *file = fopen(config->jwks_file, "re");
	char *text = NULL;
	size_t len = 0, size = 0, count;
	enum err err;

	if (!file)
		return err_set(ERR_CONFIG, "jwks_file: cannot read %s: %s",
		    config->jwks_file, strerror(errno));
	/* reads up to a NUL, which no JSON has */
	len = getdelim(&text, &size, '\0', file) < 0 ? 0 : strlen(text);
	if (ferror(file))
		err = err_set(ERR_CONFIG, "jwks_file: cannot read %s: %s",
		    config->jwks_file, strerror(errno));
	else
		err = token_set_keys(verifier, text ? text : "", len, &count);
	if (!err && count == 0)
		err = err_set(
		    ERR_INPUT, "key set: no public key for ES256 or RS256");
	if (err == ERR_INPUT) {
		char why[200];

		snprintf(why, sizeof(why), "%s", err_text());
		err = err_set(
		    ERR_CONFIG, "jwks_file: %s: %s", config->jwks_file, why);
	}
	fclose(file);
	free(text);
	return err;
}

enum err
program_check_store(const struct store *store)
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
program_make_store(const struct program *program, const struct config *config,
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
	return err;
}

enum err
program_open_store(const struct program *program, const struct config *config,
    struct store *out)
{
	enum err err = program_make_store(program, config, out);

	if (!err)
		err = program_check_store(out);
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

	(void)setrlimit(RLIMIT_CORE, &none); /* the systemd units set it too */
	(void)prctl(PR_SET_DUMPABLE, 0);
}
