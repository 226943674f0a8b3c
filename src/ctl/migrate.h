/* Bring a database to the schema of this program, or take that schema away
 * again. */
#ifndef CTL_MIGRATE_H
#define CTL_MIGRATE_H

#include "core/db.h"

/* Apply the migrations that are missing, in order, and make views, functions
 * and triggers anew. All of it is one transaction, so that a failure changes
 * nothing. If two run at once, one waits and then finds the work done. *count:
 * how many migrations were missing. is_dry: print their names instead, and
 * change nothing. deadline_ms (clock_mono_ms()) is for getting a connection.
 * ERR_BUSY: the tables were in use for too long. */
enum err migrate(struct db_pool *pool, int64_t deadline_ms, bool is_dry,
    int *count) MUST_CHECK;

/* Print all of it as a script for psql, for a database that has none of it. */
void migrate_print(void);

/* Take away the schema gateway, the triggers, the policies of its role, and
 * what the gateway added to Flowpin's tables, in one transaction. is_dry: roll
 * it back, so that the error tells what would stand in the way. */
enum err migrate_undo(
    struct db_pool *pool, int64_t deadline_ms, bool is_dry) MUST_CHECK;

#endif
