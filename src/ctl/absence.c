/* flowpinctl guard and flowpinctl explain. */
#include "absence.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/providers/provider.h"
#include "core/store/guard.h"
#include "core/store/story.h"
#include "core/sync/verdict.h"

static enum err
print_guards(const struct store *store)
{
	struct held_guard *list = NULL;
	size_t n = 0;
	enum err err = guard_list(store, &list, &n);

	for (size_t i = 0; i < n; i++)
		printf("%s %s %s held=%" PRId64 " since=%s user=%s%s\n",
		    list[i].connection_id, list[i].type, list[i].kind,
		    list[i].held, list[i].raised_at, list[i].user_id,
		    list[i].is_approved ? " approved" : "");
	free(list);
	return err;
}

int
absence_guard_command(const struct program *program,
    const struct config *config, int argc, char **argv)
{
	char id[CRYPTO_UUID];
	struct store store = { 0 };
	bool is_list = argc == 1 && !strcmp(argv[0], "list");
	enum err err;

	if (!is_list && (argc != 2 || strcmp(argv[0], "approve") ||
			    !crypto_uuid_parse(argv[1], id))) {
		fprintf(stderr,
		    "%s: usage: guard list | guard approve CONNECTION_ID\n",
		    program->name);
		return 2;
	}
	err = program_open_store(program, config, &store);
	if (!err)
		err =
		    is_list ? print_guards(&store) : guard_approve(&store, id);
	db_pool_free(store.pool);
	if (err)
		return program_fail(program);
	if (!is_list)
		printf("%s: approved; the next run goes on\n", program->name);
	return 0;
}

/* What a user heard is told in the words that they heard. */
static void
print_line(const struct story_line *line)
{
	const struct provider *provider = provider_by_name(line->told.source);
	char sentence[400];

	printf("%s %-9s %s", line->at, line->kind, line->text);
	if (line->told.type[0]) {
		event_sentence(&line->told,
		    provider ? provider->title : "The provider", sentence,
		    sizeof(sentence));
		printf(": %s", sentence);
	}
	putchar('\n');
}

int
absence_explain_command(const struct program *program,
    const struct config *config, int argc, char **argv)
{
	char id[CRYPTO_UUID];
	struct store store = { 0 };
	struct story story = { 0 };
	enum err err;

	if (argc != 1 || !crypto_uuid_parse(argv[0], id)) {
		fprintf(
		    stderr, "%s: explain needs a task's id\n", program->name);
		return 2;
	}
	err = program_open_store(program, config, &store);
	if (!err)
		err = story_read(&store, id, &story);
	for (size_t i = 0; i < story.count; i++)
		print_line(&story.list[i]);
	story_done(&story);
	db_pool_free(store.pool);
	return err ? program_fail(program) : 0;
}
