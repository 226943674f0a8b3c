/*
 * Attio's list of tasks: filters, four orders, and offsets into whatever the
 * list is at that moment, with all the races that this means.
 */

#include "attio.h"

#include <stdio.h>
#include <string.h>

#include "call.h"

struct list {
	int64_t limit, offset;
	int completed;        /* -1: both */
	const char *assignee; /* NULL: anyone; "": nobody */
	const char *sort;
	bool finished_too;
};

static bool
is_listed(const struct item *it, const void *arg)
{
	const struct list *list = arg;

	if (it->deleted)
		return false;
	if (list->completed >= 0 && it->done != list->completed &&
	    !list->finished_too)
		return false;
	if (!list->assignee)
		return true;
	if (!*list->assignee || strcmp(list->assignee, "null") == 0)
		return !it->assignee;
	return it->assignee && (!strcmp(it->assignee, list->assignee) ||
				   (!strcmp(it->acc->email, list->assignee) &&
				       !item_is_others(it)));
}

static int
compare(int64_t a, int64_t b)
{
	return a < b ? -1 : a > b;
}

static int
created_desc(const void *a, const void *b)
{
	const struct item *x = *(struct item *const *)a;
	const struct item *y = *(struct item *const *)b;

	return compare((int64_t)y->pos, (int64_t)x->pos);
}

/* What was never completed comes last either way. */
static int
completed_asc(const void *a, const void *b)
{
	const struct item *x = *(struct item *const *)a;
	const struct item *y = *(struct item *const *)b;

	if (!x->completed_ms != !y->completed_ms)
		return x->completed_ms ? -1 : 1;
	if (x->completed_ms != y->completed_ms)
		return compare(x->completed_ms, y->completed_ms);
	return compare((int64_t)x->pos, (int64_t)y->pos);
}

static int
completed_desc(const void *a, const void *b)
{
	const struct item *x = *(struct item *const *)a;
	const struct item *y = *(struct item *const *)b;

	if (x->completed_ms && y->completed_ms &&
	    x->completed_ms != y->completed_ms)
		return compare(y->completed_ms, x->completed_ms);
	return completed_asc(a, b);
}

static const struct {
	const char *name;
	int (*order)(const void *a, const void *b);
} sorts[] = {
	{ "created_at:asc", NULL },
	{ "created_at:desc", created_desc },
	{ "completed_at:asc", completed_asc },
	{ "completed_at:desc", completed_desc },
};

static bool
read_list(struct call *c, struct list *list)
{
	const char *limit = request_arg(c->req, "limit");
	const char *offset = request_arg(c->req, "offset");
	const char *completed = request_arg(c->req, "is_completed");

	*list = (struct list){ .limit = 500, .completed = -1 };
	if (limit && !number_read(limit, 1, 500, &list->limit)) {
		attio_invalid(c, "limit", "an integer from 1 to 500");
		return false;
	}
	if (offset && !number_read(offset, 0, 1000000000, &list->offset)) {
		attio_invalid(c, "offset", "a non-negative integer");
		return false;
	}
	if (completed && strcmp(completed, "true") != 0 &&
	    strcmp(completed, "false") != 0) {
		attio_invalid(c, "is_completed", "true or false");
		return false;
	}
	if (completed)
		list->completed = strcmp(completed, "true") == 0;
	list->assignee = request_arg(c->req, "assignee");
	list->sort = request_arg(c->req, "sort");
	if (!list->sort)
		list->sort = sorts[0].name;
	list->finished_too = c->fault.kind == FAULT_FINISHED_ROWS;
	return true;
}

void
attio_list_serve(struct call *c)
{
	struct list list;
	char key[160];
	struct view_plan plan = { key, is_listed, NULL, &list };
	const struct view *view;
	size_t i, at, end;

	if (!read_list(c, &list))
		return;
	for (i = 0; i < sizeof(sorts) / sizeof(*sorts); i++)
		if (strcmp(sorts[i].name, list.sort) == 0)
			break;
	if (i == sizeof(sorts) / sizeof(*sorts)) {
		attio_invalid(c, "sort", "a known order");
		return;
	}
	plan.order = sorts[i].order;
	snprintf(key, sizeof(key), "%zu %d %d %d %.100s", i, list.completed,
	    list.finished_too, !!list.assignee,
	    list.assignee ? list.assignee : "");
	view = account_view(c->acc, &plan);
	at = (size_t)list.offset;
	if (c->fault.kind == FAULT_MISSING_PAGE)
		at += (size_t)list.limit;
	else if (c->fault.kind == FAULT_DROP_ITEMS)
		at += (size_t)c->fault.drop;
	if (at > view->n || c->fault.kind == FAULT_EMPTY_LIST)
		at = view->n;
	end = at + (size_t)list.limit;
	json_open(&c->ans->body, NULL, '{');
	json_open(&c->ans->body, "data", '[');
	for (; at < end && at < view->n; at++)
		attio_task_json(&c->ans->body, NULL, view->items[at], c);
	json_close(&c->ans->body, ']');
	json_close(&c->ans->body, '}');
}
