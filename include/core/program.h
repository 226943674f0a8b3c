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

/* Who users are, from jwt_secret_file and jwt_audience. ERR_CONFIG. */
enum err program_open_verifier(
    const struct config *config, struct token_verifier **out) MUST_CHECK;

/* A pool of connections, and proof that the database can be reached and has
 * the schema that this program needs. ERR_DB, ERR_CONFIG. */
enum err program_open_store(const struct program *program,
    const struct config *config, struct store *out) MUST_CHECK;

/* Secrets must not reach a core file, and nobody may attach. */
void program_guard_secrets(void);

#endif
