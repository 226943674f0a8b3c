/* flowpinctl guard. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/store/guard.h"
#include "commands.h"

/* Print the guards of the connection only, or all if that is NULL. *count: how
 * many. */
static enum err
print_guards(const struct store *store, const char *only, int *count)
{
	struct held_guard *list = NULL;
	size_t n = 0;
	enum err err = guard_list(store, &list, &n);

	*count = 0;
	for (size_t i = 0; i < n; i++) {
		if (only && strcmp(only, list[i].connection_id) != 0)
			continue;
		++*count;
		printf("%s %s %s held=%" PRId64 " since=%s user=%s%s\n",
		    list[i].connection_id, list[i].type, list[i].kind,
		    list[i].held, list[i].raised_at, list[i].user_id,
		    list[i].is_approved ? " approved" : "");
	}
	free(list);
	return err;
}

int
command_guard_list(const struct program *program, const struct config *config)
{
	struct store store = { 0 };
	int count;
	enum err err = program_open_store(program, config, &store);

	if (!err)
		err = print_guards(&store, NULL, &count);
	db_pool_free(store.pool);
	return err ? program_fail(program) : 0;
}

int
command_guard_approve(const struct program *program,
    const struct config *config, const char *connection_id, bool is_dry)
{
	struct store store = { 0 };
	int count = 0;
	enum err err = program_open_store(program, config, &store);

	if (!err && is_dry)
		err = print_guards(&store, connection_id, &count);
	else if (!err)
		err = guard_approve(&store, connection_id);
	db_pool_free(store.pool);
	if (err)
		return program_fail(program);
	if (is_dry)
		printf("%s: %d to approve; nothing was changed\n",
		    program->name, count);
	else
		printf("%s: approved; the next run goes on\n", program->name);
	return 0;
}
