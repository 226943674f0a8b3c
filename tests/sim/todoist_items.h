/* todoist_items: what can happen to a Todoist task, whoever does it. */
#ifndef SIM_TODOIST_ITEMS_H
#define SIM_TODOIST_ITEMS_H

#include <stdbool.h>
#include <stdint.h>

struct sim;
struct item;

/* Each returns whether anything changed. */

/* With all subtasks; a recurring one moves to its next occurrence instead. */
bool todoist_close(struct sim *sim, struct item *it, int64_t now_ms);
/* For good, also a recurring one. */
bool todoist_complete(struct sim *sim, struct item *it, int64_t now_ms);
/* With finished ancestors; goes to the end of the list. */
bool todoist_reopen(struct sim *sim, struct item *it, int64_t now_ms);
/* One occurrence on, or back. False if it does not recur. */
bool todoist_advance(
    struct sim *sim, struct item *it, bool back, int64_t now_ms);

#endif
