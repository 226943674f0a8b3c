/*
 * Todoist's lists: the active tasks in their order, and those completed
 * within a span of time. A cursor is a place in that order.
 */

#include "todoist.h"

#include <stdio.h>
#include <string.h>

#include "call.h"
#include "when.h"

struct list {
	const char *project_id, *parent_id, *ids, *nobody;
	int64_t limit;
	struct cursor cursor;
	char scope[600];
	/* Faults: rows to leave out first, and finished ones shown. */
	int64_t skip;
	bool finished_too;
	bool ends_silently; /* the last page has no next_cursor, as recorded */
};

static bool
is_in_commas(const char *list, const char *id)
{
	size_t n = strlen(id);

	while (list) {
		if (strncmp(list, id, n) == 0 &&
		    (list[n] == ',' || list[n] == '\0'))
			return true;
		list = strchr(list, ',');
		if (list)
			list++;
	}
	return false;
}

static bool
is_listed(const struct item *it, const struct list *list)
{
	if (it->deleted || it->archived || it->moved)
		return false;
	if (it->done && !list->finished_too)
		return false;
	if (list->project_id && strcmp(it->project_id, list->project_id))
		return false;
	if (list->parent_id &&
	    (!it->parent_id || strcmp(it->parent_id, list->parent_id)))
		return false;
	return !list->ids || is_in_commas(list->ids, it->id);
}

/* limit and cursor, and what faults do to a page; false: already refused. */
static bool
read_paging(struct call *c, struct list *list)
{
	const char *limit = request_arg(c->req, "limit");
	const char *cursor = request_arg(c->req, "cursor");

	list->limit = 50;
	if (limit && !number_read(limit, 1, 200, &list->limit)) {
		todoist_bad_argument(c, "limit");
		return false;
	}
	list->cursor.page = 1;
	if (cursor && *cursor &&
	    !cursor_read(&list->cursor, list->scope, cursor)) {
		todoist_bad_argument(c, "cursor");
		return false;
	}
	if (c->fault.kind == FAULT_MISSING_PAGE)
		list->skip = list->limit;
	if (c->fault.kind == FAULT_DROP_ITEMS)
		list->skip = c->fault.drop;
	return true;
}

static const char *
or_nothing(const char *s)
{
	return s ? s : "";
}

/* next_at < 0: that was the end. */
static void
close_page(struct call *c, const struct list *list, int64_t next_at)
{
	struct cursor next = { .at = next_at, .page = list->cursor.page + 1 };
	struct buf *out = &c->ans->body;
	char text[160];

	json_close(out, ']');
	if (c->fault.kind == FAULT_SAME_CURSOR) {
		next = list->cursor;
		next_at = next.at;
	}
	cursor_write(&next, list->scope, text);
	if (c->fault.kind != FAULT_NO_NEXT_CURSOR &&
	    (next_at >= 0 || !list->ends_silently))
		json_str(out, "next_cursor", next_at < 0 ? NULL : text);
	json_close(out, '}');
}

static void
add_rows(struct call *c, struct list *list)
{
	struct account *acc = c->acc;
	size_t at = (size_t)list->cursor.at;
	int64_t left = list->limit;

	if (c->fault.kind == FAULT_EMPTY_LIST)
		at = acc->n;
	for (; at < acc->n; at++) {
		struct item *it = acc->items[at];

		if (!it || !is_listed(it, list))
			continue;
		if (list->skip > 0) {
			list->skip--;
			continue;
		}
		/* One row further than asked for tells whether there is more.
		 */
		if (left-- == 0)
			break;
		todoist_task_json(
		    &c->ans->body, NULL, it, c->fault.kind == FAULT_WRONG_TYPE);
	}
	close_page(c, list, at < acc->n ? (int64_t)at : -1);
}

void
todoist_list_serve(struct call *c)
{
	struct list list = {
		.project_id = request_arg(c->req, "project_id"),
		.parent_id = request_arg(c->req, "parent_id"),
		.ids = request_arg(c->req, "ids"),
		.finished_too = c->fault.kind == FAULT_FINISHED_ROWS,
	};

	list.nobody = request_arg(c->req, "section_id");
	if (!list.nobody)
		list.nobody = request_arg(c->req, "label");
	if (!list.nobody)
		list.nobody = request_arg(c->req, "goal_id");
	snprintf(list.scope, sizeof(list.scope), "list %s %s %s %s %s",
	    c->acc->user_id, or_nothing(list.project_id),
	    or_nothing(list.parent_id), or_nothing(list.ids),
	    or_nothing(request_arg(c->req, "query")));
	if (!read_paging(c, &list))
		return;
	/* No section, label or goal is modelled, so none has tasks. */
	if (list.nobody)
		list.cursor.at = (int64_t)c->acc->n;
	json_open(&c->ans->body, NULL, '{');
	json_open(&c->ans->body, "results", '[');
	add_rows(c, &list);
}

void
todoist_filter_serve(struct call *c)
{
	const char *query = request_arg(c->req, "query");

	if (!query || !*query || strlen(query) > 1024)
		todoist_bad_argument(c, "query");
	else
		todoist_list_serve(c);
}

struct span {
	int64_t since, until;
};

/* Completing one occurrence leaves no trace here, at Todoist neither. */
static bool
is_completed_within(const struct item *it, const void *arg)
{
	const struct span *span = arg;

	return it->done && !it->deleted && !it->moved && !it->recurring &&
	       it->completed_ms >= span->since &&
	       it->completed_ms <= span->until;
}

static int
newest_completed_first(const void *a, const void *b)
{
	const struct item *x = *(struct item *const *)a;
	const struct item *y = *(struct item *const *)b;

	if (x->completed_ms != y->completed_ms)
		return x->completed_ms < y->completed_ms ? 1 : -1;
	return x->pos < y->pos ? -1 : x->pos > y->pos;
}

static bool
read_span(struct call *c, struct span *span)
{
	const char *since = request_arg(c->req, "since");
	const char *until = request_arg(c->req, "until");

	if (!since || !when_read(since, c->now_ms, &span->since)) {
		todoist_bad_argument(c, "since");
		return false;
	}
	if (!until || !when_read(until, c->now_ms, &span->until)) {
		todoist_bad_argument(c, "until");
		return false;
	}
	return true;
}

void
todoist_completed_serve(struct call *c)
{
	struct list list = { .ends_silently = true };
	char key[160];
	struct span span;
	struct view_plan plan = { key, is_completed_within,
		newest_completed_first, &span };
	const struct view *view;
	size_t at, end;

	if (!read_span(c, &span))
		return;
	snprintf(key, sizeof(key), "completed %lld %lld", (long long)span.since,
	    (long long)span.until);
	snprintf(list.scope, sizeof(list.scope), "%s %s", c->acc->user_id, key);
	if (!read_paging(c, &list))
		return;
	view = account_view(c->acc, &plan);
	at = (size_t)list.cursor.at + (size_t)list.skip;
	if (at > view->n || c->fault.kind == FAULT_EMPTY_LIST)
		at = view->n;
	end = at + (size_t)list.limit < view->n ? at + (size_t)list.limit
						: view->n;
	json_open(&c->ans->body, NULL, '{');
	json_open(&c->ans->body, "items", '[');
	for (; at < end; at++)
		todoist_task_json(&c->ans->body, NULL, view->items[at],
		    c->fault.kind == FAULT_WRONG_TYPE);
	close_page(c, &list, end < view->n ? (int64_t)end : -1);
}
