/* A fair share: how much of something that is scarce each of its holders has at
 * the moment. Nobody waits here: who has enough is told so. Thread-safe. */
#ifndef CORE_SHARE_H
#define CORE_SHARE_H

#include <stdbool.h>
#include <stddef.h>

#include "core/err.h"

/* The longest name of a holder, with its end: a UUID's. */
#define SHARE_NAME 37

struct share;

/* size: holders at once at most. */
enum err share_new(size_t size, struct share **out) MUST_CHECK;
void share_free(struct share *share); /* NULL is fine */

/* One more for holder; false: it has most already, or there are size others. */
bool share_take(struct share *share, const char *holder, int most);
/* One less. */
void share_give(struct share *share, const char *holder);
/* The holders that have most or more: calls each() with every one. each() must
 * not come back here. */
void share_full(struct share *share, int most,
    void (*each)(void *context, const char *holder), void *context);

#endif
