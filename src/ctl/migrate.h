/* Bring a database to the schema of this program. */
#ifndef CTL_MIGRATE_H
#define CTL_MIGRATE_H

#include "core/db.h"

/* Applies what is missing, in order, each migration in one transaction that
 * begins by taking its number: of two runners one waits, then finds it done.
 * *applied: how many this one did. */
enum err migrate(
    struct db_pool *pool, int64_t deadline_ms, int *applied) MUST_CHECK;

#endif
