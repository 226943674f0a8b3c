/* attio: what its two files share. */
#ifndef SIM_ATTIO_H
#define SIM_ATTIO_H

struct buf;
struct call;
struct item;

void attio_task_json(struct buf *out, const char *key, const struct item *it,
    const struct call *c);
/* Refuse one member of a request; path is dotted, as in "data.deadline_at". */
void attio_invalid(struct call *c, const char *path, const char *expected);

/* GET /v2/tasks */
void attio_list_serve(struct call *c);

#endif
