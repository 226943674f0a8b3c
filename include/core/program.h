/* What the programs' main() have in common: options, settings, the database. */
#ifndef CORE_PROGRAM_H
#define CORE_PROGRAM_H

#include "core/config.h"
#include "core/store/store.h"
#include "core/token.h"

struct program {
	const char *name;         /* flowpin-gateway */
	const char *summary;      /* one line of --help */
	const char *options;      /* further lines of --help, or "" */
	void (*print_more)(void); /* what comes after them; NULL: nothing */
};

/* Handles --config, --help and --version in front of everything else; leaves
 * the rest to the caller: *next is the index of the first argument that is not
 * one of these. Returns -1 to go on, else the exit code. Reads the settings
 * and opens the log. */
int program_begin(const struct program *program, int argc, char **argv,
    int *next, struct config *config);

/* Say err_text() on stderr, in one sentence, and return the exit code 1. */
int program_fail(const struct program *program);

/* How users' tokens are made and verified, with the shared secrets. */
struct program_users {
	struct token_options options; /* points into the rest */
	char *secrets[9];
	size_t count;
	char issuer[512];
};

/* From the settings. ERR_CONFIG: a secret cannot be read. To be done with
 * either way, and not to be copied. */
enum err program_users(
    const struct config *config, struct program_users *out) MUST_CHECK;
void program_users_done(struct program_users *users);

/* Take the keys of jwks_file. ERR_CONFIG: it cannot be read, or is none; then
 * all stays as it was. */
enum err program_read_keys(
    const struct config *config, struct token_verifier *verifier) MUST_CHECK;

/* Who users are. The keys that the project publishes are fetched later, by the
 * gateway. ERR_CONFIG; *out is NULL then. */
enum err program_open_verifier(
    const struct config *config, struct token_verifier **out) MUST_CHECK;

/* A pool of connections, and proof that the database can be reached and has
 * the schema that this program needs. ERR_DB, ERR_CONFIG. */
enum err program_open_store(const struct program *program,
    const struct config *config, struct store *out) MUST_CHECK;

/* Secrets must not reach a core file, and nobody may attach. */
void program_guard_secrets(void);

#endif
