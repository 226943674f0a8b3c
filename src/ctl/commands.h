/* Commands that have a file of their own. Each returns an exit code, or MISUSED
 * if it reads arguments. */
#ifndef CTL_COMMANDS_H
#define CTL_COMMANDS_H

#include "core/program.h"

/* Print which connections' marks are held back by a guard, and why. */
int command_guard_list(
    const struct program *program, const struct config *config);

/* Approve what a guard holds back there: it is right. is_dry: print what that
 * would be. */
int command_guard_approve(const struct program *program,
    const struct config *config, const char *connection_id, bool is_dry);

/* Print the story of a task's completion. */
int command_explain_task(const struct program *program,
    const struct config *config, const char *task_id);

/* What a command returns if its arguments are wrong. */
enum { MISUSED = -1 };

/* Print a token. Write a key for that to a file, and print its key set. */
int command_token(const struct program *program, const struct config *config,
    int argc, char **argv);
int command_token_key(const struct program *program, int argc, char **argv);

#endif
