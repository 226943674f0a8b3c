/* What the main() functions of all programs share: options, settings, the
 * database. */
#ifndef CORE_PROGRAM_H
#define CORE_PROGRAM_H

#include "core/config.h"
#include "core/store/store.h"
#include "core/token.h"

struct program {
	const char *name;         /* flowpin-gateway */
	const char *summary;      /* in the first line of --help */
	const char *options;      /* further lines of --help, or "" */
	void (*print_more)(void); /* the text after them; NULL: none */
};

/* Reads the options --config, --help and --version, which come before all
 * others, then the settings, and opens the log. Returns -1 to go on, else the
 * exit code. *next is the index of the first argument that is not one of these
 * options. On -1 the caller ends config with config_done(). */
int program_begin(const struct program *program, int argc, char **argv,
    int *next, struct config *config);

/* Print err_text() on stderr and return the exit code 1. */
int program_fail(const struct program *program);

/* How users' tokens are made and verified, with the shared secrets. */
struct program_users {
	struct token_options options; /* points into the rest */
	char *secrets[9];
	size_t count;
	char issuer[512];
};

/* Read them from the settings. ERR_CONFIG: a secret cannot be read. Call
 * program_users_done() either way, and do not copy *out: it points into
 * itself. */
enum err program_users(
    const struct config *config, struct program_users *out) MUST_CHECK;
void program_users_done(struct program_users *users);

/* Use the keys of jwks_file from now on. ERR_CONFIG: the file cannot be read or
 * is no key set, and the keys stay as they were; or it has no usable public
 * key, and then no published key is known any more. */
enum err program_read_keys(
    const struct config *config, struct token_verifier *verifier) MUST_CHECK;

/* Make the verifier of users' tokens from the settings: shared secrets and the
 * keys of jwks_file. Those that the project publishes are fetched later, by the
 * gateway. ERR_CONFIG; *out is NULL after a failure. */
enum err program_open_verifier(
    const struct config *config, struct token_verifier **out) MUST_CHECK;

/* Make a pool of connections, without opening one. ERR_CONFIG; then out->pool
 * is NULL. */
enum err program_make_store(const struct program *program,
    const struct config *config, struct store *out) MUST_CHECK;
/* Can the database be reached (ERR_DB), and has it the schema that this program
 * needs (ERR_CONFIG)? */
enum err program_check_store(const struct store *store) MUST_CHECK;

/* Open a pool of connections, and check that the database can be reached and
 * has the schema that this program needs. ERR_DB, ERR_CONFIG; then out->pool is
 * NULL. */
enum err program_open_store(const struct program *program,
    const struct config *config, struct store *out) MUST_CHECK;

/* Keep secrets out of core files, and let nobody attach a debugger. */
void program_guard_secrets(void);

#endif
