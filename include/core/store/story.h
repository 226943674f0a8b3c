/* The story of a task's completion, for operators: what runs, writebacks and
 * guards did, in order. */
#ifndef CORE_STORE_STORY_H
#define CORE_STORE_STORY_H

#include "core/store/store.h"

struct story_line {
	char at[40], kind[16]; /* task, run, decision, writeback, event, ... */
	char *text;
	struct event told; /* what the user was told; type empty: nothing */
};
struct story {
	struct story_line *list;
	size_t count;
};
void story_done(struct story *story);

/* ERR_NOTFOUND: nothing is known of such a task. The caller ends out with
 * story_done(). */
enum err story_read(const struct store *store, const char *task_id,
    struct story *out) MUST_CHECK;

#endif
