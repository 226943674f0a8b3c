/* Shared commits: calls that wait for the database at the same time go into one
 * statement and one commit. Whoever comes while a commit is under way waits for
 * the next one, together with all others that came. Whoever comes alone goes at
 * once, on their own thread, without any wait. There is no extra thread: the
 * first in the queue runs the statement for the rest. One statement at a time
 * makes the largest ones, and so the cheapest. Another starts beside it only if
 * it is full, or takes so long that something must hold it up. */
#ifndef CORE_STORE_COMMITS_H
#define CORE_STORE_COMMITS_H

#include <stddef.h>

#include "core/err.h"

struct commits;

struct commits_options {
	size_t most;     /* elements in one statement, at most; 512 or fewer */
	int writers;     /* statements under way at once, at most */
	int patience_ms; /* how long to wait for the one before */
	void *context;
	/* Do the work for all elements; results go into them. */
	void (*run)(void *context, void **elements, size_t count);
	/* Two elements with the same key never go into one statement. */
	const char *(*key)(const void *element);
};

enum err commits_new(
    const struct commits_options *options, struct commits **out) MUST_CHECK;
void commits_free(struct commits *commits);

/* Returns when run() has done element, on this thread or on another. */
void commits_join(struct commits *commits, void *element);

/* How many wait for a statement that is under way to end. */
size_t commits_waiting(struct commits *commits);

#endif
