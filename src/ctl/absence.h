/* What operators see and decide about tasks that vanished at their provider. */
#ifndef CTL_ABSENCE_H
#define CTL_ABSENCE_H

#include "core/program.h"

/* Commands: exit codes, 2 for a wrong command line. */
int absence_guard_command(const struct program *program,
    const struct config *config, int argc, char **argv);
int absence_explain_command(const struct program *program,
    const struct config *config, int argc, char **argv);

#endif
