/* Settings: one table of names, types and defaults; a file of `name = value`
 * lines, each overridden by the environment variable FLOWPIN_NAME. */
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

/* path NULL: CONFIG_FILE if it is there. ERR_CONFIG is one sentence that names
 * the file and line, or the setting. Unknown names are refused: a typo must
 * not silently mean the default. */
enum err config_load(const char *path, struct config *out) MUST_CHECK;
void config_done(struct config *config);

/* Is this setting, by its name, given? ERR_CONFIG names it and says how to. */
enum err config_require(
    const struct config *config, const char *name) MUST_CHECK;

/* Is a call over before its lease is? ERR_CONFIG says which setting is wrong.
 */
enum err config_check_times(const struct config *config) MUST_CHECK;

/* Is each of cors_origins an origin as browsers send it? ERR_CONFIG names one
 * that is none. */
enum err config_check_origins(const struct config *config) MUST_CHECK;

/* Does api_keys say what it may? ERR_CONFIG. */
enum err config_check_api_keys(const struct config *config) MUST_CHECK;

/* The base URL of a provider by name; NULL: no such provider. */
const char *config_base_url(const struct config *config, const char *provider);

/* One line per setting: name, default, meaning; for --help and manuals. */
void config_print_help(void);

/* The first line of a small file that holds a secret, white space trimmed. The
 * caller wipes and frees it with crypto_free_secret(). */
enum err config_read_secret(
    const char *setting, const char *path, char **out) MUST_CHECK;

/* The same of each of these paths, separated by commas or white space, most at
 * most; *count of them are the caller's to free, also after an error. */
enum err config_read_secrets(const char *setting, const char *paths, char **out,
    size_t most, size_t *count) MUST_CHECK;

#endif
