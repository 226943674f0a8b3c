/* Bring a database to the schema of this program, or take it away again. */
#ifndef CTL_MIGRATE_H
#define CTL_MIGRATE_H

#include "core/db.h"

/* Applies what is missing, in order, and makes views, functions and triggers
 * anew: in one transaction, so that a failure changes nothing. Of two runners
 * one waits, then finds it done. *count: how many migrations were missing.
 * is_dry: print their names instead; nothing is changed. */
enum err migrate(struct db_pool *pool, int64_t deadline_ms, bool is_dry,
    int *count) MUST_CHECK;

/* Print all of it as a script for psql, for a database that has none of it. */
void migrate_print(void);

/* Take away schema gateway, the triggers, the policies of its role, and what
 * the gateway added to Flowpin's tables: in one transaction. is_dry: which is
 * rolled back, so that what would stand in the way is said. */
enum err migrate_undo(
    struct db_pool *pool, int64_t deadline_ms, bool is_dry) MUST_CHECK;

#endif
