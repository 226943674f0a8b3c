/* Bring a database to the schema of this program, or take it away again. */
#ifndef CTL_MIGRATE_H
#define CTL_MIGRATE_H

#include "core/db.h"

/* Applies what is missing, in order, and makes views, functions and triggers
 * anew: in one transaction, so that a failure changes nothing. Of two runners
 * one waits, then finds it done. *applied: how many migrations this one did. */
enum err migrate(
    struct db_pool *pool, int64_t deadline_ms, int *applied) MUST_CHECK;

/* Print all of it as a script for psql, for a database that has none of it. */
void migrate_print(void);

/* Take away schema gateway, the triggers, the policies of its role, and what
 * the gateway added to Flowpin's tables: in one transaction. */
enum err migrate_undo(struct db_pool *pool, int64_t deadline_ms) MUST_CHECK;

#endif
