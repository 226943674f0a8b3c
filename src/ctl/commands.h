/* Commands that have a file of their own. Each gives an exit code. */
#ifndef CTL_COMMANDS_H
#define CTL_COMMANDS_H

#include "core/program.h"

/* Which connections' marks are held, and why. */
int command_guard_list(
    const struct program *program, const struct config *config);

/* What is held there is right. is_dry: print what that would be. */
int command_guard_approve(const struct program *program,
    const struct config *config, const char *connection_id, bool is_dry);

/* The story of a task's completion. */
int command_explain_task(const struct program *program,
    const struct config *config, const char *task_id);

/* What a command returns that was given what it does not know. */
enum { MISUSED = -1 };

/* Print a token; write a key for that and print its set. */
int command_token(const struct program *program, const struct config *config,
    int argc, char **argv);
int command_token_key(const struct program *program, int argc, char **argv);

#endif
