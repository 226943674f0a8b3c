/* The table is the manual: --help prints it, and a test checks that the sample
 * configuration names every row. */
#include "core/config.h"

#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/crypto.h"
#include "core/words.h"

struct setting {
	const char *name;
	size_t at;
	const char *text; /* default of a text, NULL for a number */
	int number, least, most;
	const char *meaning;
};

#define AT(member) offsetof(struct config, member)
#define ORIGIN_MAX 200

/* clang-format off */
static const struct setting settings[] = {
	{ "database_url", AT(database_url), "", 0, 0, 0,
	  "PostgreSQL, as libpq takes it (required)" },
	{ "database_connections", AT(database_connections), NULL, 12, 1, 200,
	  "at most so many connections to PostgreSQL per process" },
	{ "database_prepared", AT(database_prepared), NULL, 0, 0, 1,
	  "1: named prepared statements, faster; not behind a transaction-mode "
	  "pooler" },
	{ "query_timeout_ms", AT(query_timeout_ms), NULL, 10000, 100, 600000,
	  "an SQL statement that takes longer is given up" },
	{ "socket", AT(socket), "/run/flowpin/gateway.sock", 0, 0, 0,
	  "FastCGI socket, unless systemd hands one over" },
	{ "workers", AT(workers), NULL, 64, 1, 512,
	  "requests handled at once" },
	{ "supabase_url", AT(supabase_url), "", 0, 0, 0,
	  "the project, https://REF.supabase.co: it signs users' tokens and is "
	  "their issuer (gateway: this, jwks_file or jwt_secret_files)" },
	{ "jwks_file", AT(jwks_file), "", 0, 0, 0,
	  "file with a JSON Web Key Set to check users' tokens with, instead "
	  "of the project's" },
	{ "jwt_secret_files", AT(jwt_secret_files), "", 0, 0, 0,
	  "files with shared secrets that sign users' tokens; may stand beside "
	  "published keys" },
	{ "jwt_issuer", AT(jwt_issuer), "", 0, 0, 0,
	  "issuer (iss) that a user's token must name, if not the project" },
	{ "jwt_audience", AT(jwt_audience), "authenticated", 0, 0, 0,
	  "audience (aud) that a user's token must name" },
	{ "jwt_clients", AT(jwt_clients), NULL, 0, 0, 1,
	  "1: accept tokens that an OAuth client got for a user" },
	{ "jwt_anonymous", AT(jwt_anonymous), NULL, 1, 0, 1,
	  "0: refuse tokens of anonymous users" },
	{ "master_key_files", AT(master_key_files), "", 0, 0, 0,
	  "files with a master key each, 64 hex digits; the first encrypts, "
	  "all decrypt (required)" },
	{ "api_keys", AT(api_keys), "keep", 0, 0, 0,
	  "keep: a key in integrations.api_key is used from there; seal: it is "
	  "encrypted when found, and the column emptied" },
	{ "todoist_url", AT(todoist_url), "https://api.todoist.com", 0, 0, 0,
	  "address of Todoist's API" },
	{ "linear_url", AT(linear_url), "https://api.linear.app", 0, 0, 0,
	  "address of Linear's API" },
	{ "attio_url", AT(attio_url), "https://api.attio.com", 0, 0, 0,
	  "address of Attio's API" },
	{ "ca_file", AT(ca_file), "", 0, 0, 0,
	  "file with the CA certificates to trust instead of the system's" },
	{ "call_deadline_ms", AT(call_deadline_ms), NULL, 10000, 100, 60000,
	  "a completion call is answered within this time" },
	{ "provider_timeout_ms", AT(provider_timeout_ms), NULL, 4000, 50, 60000,
	  "a single request to a provider ends after this time" },
	{ "connect_timeout_ms", AT(connect_timeout_ms), NULL, 2000, 50, 60000,
	  "an attempt to connect to a provider or the database ends after it" },
	{ "lease_ms", AT(lease_ms), NULL, 20000, 200, 600000,
	  "a writeback that its owner has not ended by then is taken over" },
	{ "give_up_ms", AT(give_up_ms), NULL, 86400000, 1000, INT_MAX,
	  "a writeback whose outcome is unknown at this age is rolled back" },
	{ "recurring_grace_ms", AT(recurring_grace_ms), NULL, 10000, 0, 600000,
	  "wait before acting on a recurring item completed by its row: the "
	  "client may close it itself" },
	{ "doubt_ms", AT(doubt_ms), NULL, 15000, 0, 600000,
	  "how long a provider may still be working on a write that it did not "
	  "answer" },
	{ "sweep_ms", AT(sweep_ms), NULL, 2000, 50, 600000,
	  "how often a gateway looks for writebacks to take over" },
	{ "stop_ms", AT(stop_ms), NULL, 15000, 0, 600000,
	  "after SIGTERM, requests in progress have this long to finish" },
	{ "cors_origins", AT(cors_origins), "", 0, 0, 0,
	  "origins whose pages may call from a browser, like "
	  "https://app.example.com" },
	{ "body_max_bytes", AT(body_max_bytes), NULL, 65536, 256, 1048576,
	  "a request body larger than this is refused" },
	{ "poll_interval_ms", AT(poll_interval_ms), NULL, 60000, 100, INT_MAX,
	  "interval between two polls of a connection" },
	{ "poll_idle_interval_ms", AT(poll_idle_interval_ms), NULL, 600000, 100,
	  INT_MAX, "after ten polls without changes the interval doubles each "
	  "time, up to this" },
	{ "poll_longest_wait_ms", AT(poll_longest_wait_ms), NULL, 1800000, 100,
	  INT_MAX, "after a failed poll the interval doubles each time, up to "
	  "about this" },
	{ "poll_concurrency", AT(poll_concurrency), NULL, 64, 1, 512,
	  "connections polled at once" },
	{ "poll_type_concurrency", AT(poll_type_concurrency), NULL, 32, 1,
	  512, "of these, at most so many of one provider" },
	{ "poll_lease_ms", AT(poll_lease_ms), NULL, 300000, 1000, INT_MAX,
	  "a run (one poll of one connection) ends within this time" },
	{ "poll_max_items", AT(poll_max_items), NULL, 100000, 1, 1000000,
	  "a list with more items counts as incomplete" },
	{ "absence_least_ms", AT(absence_least_ms), NULL, 50000, 0, INT_MAX,
	  "an item that the provider cannot show must be missing this long, in "
	  "at least two lists" },
	{ "replica_lag_ms", AT(replica_lag_ms), NULL, 60000, 0, INT_MAX,
	  "how long after our own write a list may still show the old state" },
	{ "complete_on", AT(complete_on), "completed, canceled, duplicate, deleted, "
	  "archived, reassigned, moved, not_visible", 0, 0, 0,
	  "what has to become of an item that is no longer listed to complete "
	  "its task" },
	{ "retain_writebacks_days", AT(retain_writebacks_days), NULL, 90, 1,
	  36500, "how long ended writebacks are kept" },
	{ "retain_runs_days", AT(retain_runs_days), NULL, 14, 1, 36500,
	  "how long runs, and what they decided, are kept" },
	{ "retain_events_days", AT(retain_events_days), NULL, 30, 1, 36500,
	  "how long events are kept" },
	{ "retain_idempotency_days", AT(retain_idempotency_days), NULL, 2, 1,
	  36500, "how long answers under an Idempotency-Key are kept" },
	{ "log_level", AT(log_level), "info", 0, 0, 0,
	  "debug, info, warn or error" },
};
/* clang-format on */
#define SETTINGS (sizeof(settings) / sizeof(settings[0]))

static char **
text_of(const struct config *config, const struct setting *s)
{
	return (char **)((char *)(uintptr_t)config + s->at);
}

static int *
number_of(const struct config *config, const struct setting *s)
{
	return (int *)((char *)(uintptr_t)config + s->at);
}

static const struct setting *
setting_by_name(const char *name)
{
	for (size_t i = 0; i < SETTINGS; i++)
		if (!strcmp(settings[i].name, name))
			return &settings[i];
	return NULL;
}

/* where: the file and line, or the variable, for the error's text. */
static enum err
set_value(struct config *config, const struct setting *s, const char *value,
    const char *where)
{
	char *end, *copy;
	long number;

	if (s->text) {
		copy = strdup(value);
		if (!copy)
			return err_set(ERR_NOMEM, "no memory for settings");
		free(*text_of(config, s));
		*text_of(config, s) = copy;
		return OK;
	}
	errno = 0;
	number = strtol(value, &end, 10);
	if (errno || end == value || *end || number < s->least ||
	    number > s->most)
		return err_set(ERR_CONFIG,
		    "%s: %s must be a whole number from %d to %d, not '%s'",
		    where, s->name, s->least, s->most, value);
	*number_of(config, s) = (int)number;
	return OK;
}

static char *
trim(char *text)
{
	char *end;

	while (isspace((unsigned char)*text))
		text++;
	end = text + strlen(text);
	while (end > text && isspace((unsigned char)end[-1]))
		*--end = '\0';
	return text;
}

static enum err
read_line(struct config *config, char *line, const char *where)
{
	char *name = trim(line), *equals;
	const struct setting *s;

	if (*name == '\0' || *name == '#')
		return OK;
	equals = strchr(name, '=');
	if (!equals)
		return err_set(ERR_CONFIG, "%s: expected name = value", where);
	*equals = '\0';
	name = trim(name);
	s = setting_by_name(name);
	if (!s)
		return err_set(
		    ERR_CONFIG, "%s: there is no setting '%s'", where, name);
	return set_value(config, s, trim(equals + 1), where);
}

static enum err
read_file(struct config *config, const char *path, bool must_exist)
{
	FILE *file = fopen(path, "re");
	char *line = NULL, where[300];
	size_t size = 0;
	enum err err = OK;

	if (!file && errno == ENOENT && !must_exist)
		return OK;
	if (!file)
		return err_set(ERR_CONFIG, "cannot read configuration %s: %s",
		    path, strerror(errno));
	for (int n = 1; !err && getline(&line, &size, file) >= 0; n++) {
		snprintf(where, sizeof(where), "%s:%d", path, n);
		err = read_line(config, line, where);
	}
	if (!err && ferror(file))
		err = err_set(ERR_CONFIG, "cannot read configuration %s: %s",
		    path, strerror(errno));
	free(line);
	fclose(file);
	return err;
}

static enum err
read_environment(struct config *config)
{
	char name[64];
	const char *value;
	enum err err;

	for (size_t i = 0; i < SETTINGS; i++) {
		snprintf(name, sizeof(name), "FLOWPIN_%s", settings[i].name);
		for (char *p = name; *p; p++)
			*p = (char)toupper((unsigned char)*p);
		value = getenv(name);
		if (!value)
			continue;
		err = set_value(config, &settings[i], value, name);
		if (err)
			return err;
	}
	return OK;
}

static enum err
set_defaults(struct config *config)
{
	for (size_t i = 0; i < SETTINGS; i++) {
		const struct setting *s = &settings[i];

		if (!s->text) {
			*number_of(config, s) = s->number;
			continue;
		}
		*text_of(config, s) = strdup(s->text);
		if (!*text_of(config, s))
			return err_set(ERR_NOMEM, "no memory for settings");
	}
	return OK;
}

enum err
config_load(const char *path, struct config *out)
{
	struct config config = { 0 };
	enum err err = set_defaults(&config);

	if (!err)
		err = read_file(&config, path ? path : CONFIG_FILE, path);
	if (!err)
		err = read_environment(&config);
	if (err) {
		config_done(&config);
		return err;
	}
	*out = config;
	return OK;
}

void
config_done(struct config *config)
{
	for (size_t i = 0; i < SETTINGS; i++) {
		if (!settings[i].text)
			continue;
		free(*text_of(config, &settings[i]));
		*text_of(config, &settings[i]) = NULL;
	}
}

enum err
config_check_times(const struct config *config)
{
	if (config->lease_ms >= config->call_deadline_ms + 1000)
		return OK;
	return err_set(ERR_CONFIG, "lease_ms must be at least a second more "
				   "than call_deadline_ms");
}

enum err
config_check_api_keys(const struct config *config)
{
	if (!strcmp(config->api_keys, "keep") ||
	    !strcmp(config->api_keys, "seal"))
		return OK;
	return err_set(ERR_CONFIG, "api_keys must be keep or seal, not '%s'",
	    config->api_keys);
}

/* As browsers send it: scheme, host in lower case, and the port if it is not
 * the scheme's own. */
static bool
is_origin(const char *text, size_t len)
{
	static const char letters[] =
	    "abcdefghijklmnopqrstuvwxyz0123456789.-:[]";
	size_t scheme = !strncmp(text, "https://", 8)  ? 8
			: !strncmp(text, "http://", 7) ? 7
						       : 0;

	return scheme > 0 && len > scheme && len <= ORIGIN_MAX &&
	       strspn(text + scheme, letters) >= len - scheme;
}

enum err
config_check_origins(const struct config *config)
{
	const char *rest = config->cors_origins, *p;
	size_t n;

	while ((p = words_next(&rest, &n)))
		if (!is_origin(p, n))
			return err_set(ERR_CONFIG,
			    "cors_origins: '%.*s' is no origin; one is like "
			    "https://app.example.com",
			    (int)(n < ORIGIN_MAX ? n : ORIGIN_MAX), p);
	return OK;
}

enum err
config_require(const struct config *config, const char *name)
{
	const struct setting *s = setting_by_name(name);
	char variable[64];

	if (!s || !s->text)
		return err_set(ERR_BUG, "no setting %s", name);
	if (**text_of(config, s))
		return OK;
	snprintf(variable, sizeof(variable), "FLOWPIN_%s", name);
	for (char *p = variable; *p; p++)
		*p = (char)toupper((unsigned char)*p);
	return err_set(ERR_CONFIG,
	    "the setting %s is missing: put it into the configuration file or "
	    "set %s",
	    name, variable);
}

enum err
config_read_secrets(const char *setting, const char *paths, char **out,
    size_t most, size_t *count)
{
	char path[PATH_MAX];
	enum err err = OK;
	const char *p;
	size_t n;

	*count = 0;
	while (!err && (p = words_next(&paths, &n))) {
		if (n >= sizeof(path) || *count == most)
			return err_set(ERR_CONFIG,
			    "%s: too long a path, or more than %zu", setting,
			    most);
		memcpy(path, p, n);
		path[n] = '\0';
		err = config_read_secret(setting, path, &out[*count]);
		*count += !err;
	}
	return err;
}

const char *
config_base_url(const struct config *config, const char *provider)
{
	char name[64];
	const struct setting *s;

	snprintf(name, sizeof(name), "%s_url", provider);
	s = setting_by_name(name);
	return s && s->text ? *text_of(config, s) : NULL;
}

void
config_print_help(void)
{
	for (size_t i = 0; i < SETTINGS; i++) {
		const struct setting *s = &settings[i];

		printf("  %-24s %s ", s->name, s->meaning);
		if (s->text)
			printf("[%s]\n", *s->text ? s->text : "none");
		else
			printf("[%d]\n", s->number);
	}
}

enum err
config_read_secret(const char *setting, const char *path, char **out)
{
	char line[4096], *text;
	FILE *file = fopen(path, "re");
	enum err err = OK;

	if (!file)
		return err_set(ERR_CONFIG, "%s: cannot read %s: %s", setting,
		    path, strerror(errno));
	setvbuf(file, NULL, _IONBF, 0); /* no copy of it in stdio's buffer */
	if (!fgets(line, sizeof(line), file))
		err =
		    ferror(file)
			? err_set(ERR_CONFIG, "%s: cannot read %s: %s", setting,
			      path, strerror(errno))
			: err_set(ERR_CONFIG, "%s: %s is empty", setting, path);
	if (!err && !strchr(line, '\n') && fgetc(file) != EOF)
		err = err_set(ERR_CONFIG, "%s: the line in %s is too long",
		    setting, path);
	fclose(file);
	if (err) {
		crypto_wipe(line, sizeof(line));
		return err;
	}
	text = trim(line);
	if (*text == '\0')
		err = err_set(ERR_CONFIG, "%s: %s is empty", setting, path);
	else if (!(*out = strdup(text)))
		err = err_set(ERR_NOMEM, "no memory for %s", setting);
	crypto_wipe(line, sizeof(line));
	return err;
}
