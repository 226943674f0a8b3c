/* Tokens for tests and demos, and for projects that sign their own. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/clock.h"
#include "core/token.h"
#include "commands.h"

#define LONGEST_LIFE_S 315360000 /* ten years */

static bool
is_count(const char *text, long *out)
{
	char *end;

	*out = strtol(text, &end, 10);
	return *text >= '0' && *text <= '9' && !*end && *out >= 1;
}

/* A whole small file as text; the caller gives it to crypto_free_secret(). */
static enum err
read_key_file(const char *path, char **out)
{
	FILE *file = fopen(path, "re");
	size_t size = 0;
	ssize_t len = 0;

	*out = NULL;
	if (file)
		len = getdelim(out, &size, '\0', file);
	if (!file || len < 0) {
		enum err err = err_set(ERR_CONFIG, "cannot read %s: %s", path,
		    file && !ferror(file) ? "it is empty" : strerror(errno));

		if (file)
			fclose(file);
		free(*out);
		*out = NULL;
		return err;
	}
	fclose(file);
	return OK;
}

struct token_order {
	const char *user_id, *key_file;
	long life_s;
};

static bool
read_token_order(int argc, char **argv, struct token_order *out)
{
	char id[CRYPTO_UUID];

	*out = (struct token_order){ .life_s = 3600 };
	if (argc < 1 || argc % 2 == 0 || !crypto_uuid_parse(argv[0], id))
		return false;
	out->user_id = argv[0];
	for (int i = 1; i < argc; i += 2) {
		if (!strcmp(argv[i], "--key"))
			out->key_file = argv[i + 1];
		else if (strcmp(argv[i], "--life") != 0 ||
			 !is_count(argv[i + 1], &out->life_s) ||
			 out->life_s > LONGEST_LIFE_S)
			return false;
	}
	return true;
}

int
command_token(const struct program *program, const struct config *config,
    int argc, char **argv)
{
	struct program_users users;
	struct token_order order;
	char *key = NULL, *token = NULL;
	enum err err;

	if (!read_token_order(argc, argv, &order))
		return MISUSED;
	err = program_users(config, &users);
	if (!err && order.key_file)
		err = read_key_file(order.key_file, &key);
	else if (!err)
		err = config_require(config, "jwt_secret_files");
	if (!err)
		err = token_sign(&users.options, key, order.user_id,
		    clock_wall_ms(), order.life_s, &token);
	program_users_done(&users);
	crypto_free_secret(key);
	if (err)
		return program_fail(program);
	printf("%s\n", token);
	crypto_free_secret(token);
	return 0;
}

/* Write the key to a new file that nobody else may read. */
static enum err
write_key_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	size_t len = strlen(text);
	bool is_written = fd >= 0 && write(fd, text, len) == (ssize_t)len;

	if (fd >= 0 && close(fd))
		is_written = false;
	if (is_written)
		return OK;
	(void)err_set(ERR_CONFIG, "cannot write %s: %s", path, strerror(errno));
	if (fd >= 0)
		unlink(path); /* nobody needs half a key */
	return ERR_CONFIG;
}

int
command_token_key(const struct program *program, int argc, char **argv)
{
	char *key = NULL, *set = NULL;
	enum err err;

	if (argc != 1 || argv[0][0] == '-')
		return MISUSED;
	err = token_new_key(&key, &set);
	if (!err)
		err = write_key_file(argv[0], key);
	if (!err && (printf("%s\n", set) < 0 || fflush(stdout))) {
		err = err_set(ERR_CONFIG, "the key set cannot be printed: %s",
		    strerror(errno));
		unlink(argv[0]);
	}
	crypto_free_secret(key);
	crypto_free_secret(set);
	return err ? program_fail(program) : 0;
}
