/* flowpinctl explain. */
#include <stdio.h>
#include <string.h>

#include "core/providers/provider.h"
#include "core/store/story.h"
#include "core/sync/verdict.h"
#include "commands.h"

/* An event is printed with the sentence that its user was told. */
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
command_explain_task(const struct program *program, const struct config *config,
    const char *task_id)
{
	struct store store = { 0 };
	struct story story = { 0 };
	enum err err = program_open_store(program, config, &store);

	if (!err)
		err = story_read(&store, task_id, &story);
	for (size_t i = 0; i < story.count; i++)
		print_line(&story.list[i]);
	story_done(&story);
	db_pool_free(store.pool);
	return err ? program_fail(program) : 0;
}
