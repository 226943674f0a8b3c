/* todoist: what its two files share. */
#ifndef SIM_TODOIST_H
#define SIM_TODOIST_H

#include <stdbool.h>

struct buf;
struct call;
struct item;

/* A task in the 23 fields of the API. */
void todoist_task_json(
    struct buf *out, const char *key, const struct item *it, bool bad_id);
void todoist_error(
    struct call *c, int status, const char *tag, int code, const char *message);
/* The caller's own item, if GET would show it. */
struct item *todoist_visible(struct call *c, const char *id);
bool todoist_is_numeric(const char *id);

/* Refuse a parameter. */
void todoist_bad_argument(struct call *c, const char *argument);

/* GET /tasks, /tasks/filter, /tasks/completed/by_completion_date */
void todoist_list_serve(struct call *c);
void todoist_filter_serve(struct call *c);
void todoist_completed_serve(struct call *c);

/* POST /sync */
void todoist_sync_classify(struct call *c);
void todoist_sync_serve(struct call *c);
void todoist_sync_forget(struct call *c);

#endif
