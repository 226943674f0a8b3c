/* Settings: one table of names, types and defaults. A file holds `name = value`
 * lines; the environment variable FLOWPIN_NAME overrides each. */
#ifndef CORE_CONFIG_H
#define CORE_CONFIG_H

#include <stddef.h>

#include "core/err.h"
#include "core/log.h"

struct config {
	char *database_url;
	int database_connections;
	int database_prepared;
	int query_timeout_ms;
	char *socket;
	int workers;
	char *supabase_url, *jwks_file, *jwt_secret_files;
	char *jwt_issuer, *jwt_audience;
	int jwt_clients, jwt_anonymous;
	char *master_key_files;
	char *api_keys; /* keep, seal */
	char *todoist_url, *linear_url, *attio_url;
	char *ca_file;
	int call_deadline_ms;
	int provider_timeout_ms;
	int connect_timeout_ms;
	int lease_ms;
	int give_up_ms;
	int recurring_grace_ms;
	int doubt_ms;
	int sweep_ms;
	int stop_ms;
	char *cors_origins;
	int body_max_bytes;
	int poll_interval_ms;
	int poll_idle_interval_ms;
	int poll_longest_wait_ms;
	int poll_concurrency;
	int poll_type_concurrency;
	int poll_lease_ms;
	int poll_max_items;
	int absence_least_ms;
	int replica_lag_ms;
	char *complete_on;
	int retain_writebacks_days, retain_runs_days, retain_events_days;
	int retain_idempotency_days;
	char *log_level;
};

/* The file that is read when none is named; it may be missing. */
#define CONFIG_FILE "/etc/flowpin/flowpin.conf"

/* Read the settings. path NULL: CONFIG_FILE, if it exists. ERR_CONFIG:
 * err_text() is one sentence that names the file and line, or the setting.
 * Unknown names are refused, so that a typo does not silently mean the default.
 * *out is set on success only, and ended with config_done(). */
enum err config_load(const char *path, struct config *out) MUST_CHECK;
void config_done(struct config *config);

/* Has the text setting of this name a value? ERR_CONFIG names it and says how
 * to set it. */
enum err config_require(
    const struct config *config, const char *name) MUST_CHECK;

/* Does a call's deadline end at least a second before its lease? ERR_CONFIG
 * says which setting is wrong. */
enum err config_check_times(const struct config *config) MUST_CHECK;

/* Is each of cors_origins an origin as browsers send it? ERR_CONFIG names the
 * first that is not. */
enum err config_check_origins(const struct config *config) MUST_CHECK;

/* Is api_keys "keep" or "seal"? ERR_CONFIG if not. */
enum err config_check_api_keys(const struct config *config) MUST_CHECK;

/* The base URL of a provider by name; NULL: no such provider. */
const char *config_base_url(const struct config *config, const char *provider);

/* One line per setting: name, default, meaning; for --help and manuals. */
void config_print_help(void);

/* The first line of a file that holds a secret, without the white space around
 * it; only its first 4095 bytes are read. setting names it in errors.
 * ERR_CONFIG: the file cannot be read, or the line is empty. The caller gives
 * *out to crypto_free_secret(). */
enum err config_read_secret(
    const char *setting, const char *path, char **out) MUST_CHECK;

/* The same for each of these paths, which are separated by commas or white
 * space. ERR_CONFIG too if there are more than most. *count of them are the
 * caller's to free, also after an error. */
enum err config_read_secrets(const char *setting, const char *paths, char **out,
    size_t most, size_t *count) MUST_CHECK;

#endif
