/*
 * Todoist's REST API v1: paths, lists, and the shapes of its answers.
 * https://developer.todoist.com/api/v1/
 */
#include "todoist.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "call.h"
#include "todoist_items.h"
#include "when.h"

static const char base[] = "/api/v1/";

bool
todoist_is_numeric(const char *id)
{
	return *id && strspn(id, "0123456789") == strlen(id);
}

static void
add_due(struct buf *out, const struct item *it)
{
	if (!it->due_date) {
		json_raw(out, "due", "null");
		return;
	}
	json_open(out, "due", '{');
	json_str(out, "date", it->due_date);
	json_str(out, "timezone", it->due_zone);
	json_str(out, "string", it->due_string ? it->due_string : it->due_date);
	json_str(out, "lang", "en");
	json_bool(out, "is_recurring", it->recurring);
	json_close(out, '}');
}

void
todoist_task_json(
    struct buf *out, const char *key, const struct item *it, bool bad_id)
{
	json_open(out, key, '{');
	if (bad_id)
		json_int(out, "id", it->old_id);
	else
		json_str(out, "id", it->id);
	json_str(out, "user_id", it->acc->user_id);
	json_str(out, "project_id", it->project_id);
	json_raw(out, "section_id", "null");
	json_str(out, "parent_id", it->parent_id);
	json_str(out, "added_by_uid", it->acc->user_id);
	json_raw(out, "assigned_by_uid", "null");
	json_str(out, "responsible_uid", it->assignee);
	json_raw(out, "labels", it->labels ? it->labels : "[]");
	json_raw(out, "deadline", "null");
	json_raw(out, "duration", it->duration ? it->duration : "null");
	json_bool(out, "is_collapsed", false);
	json_bool(out, "checked", it->done);
	json_bool(out, "is_deleted", it->deleted);
	when_json(out, "added_at", it->created_ms, 6);
	when_json(out, "completed_at", it->completed_ms, 6);
	when_json(out, "updated_at", it->updated_ms, 6);
	add_due(out, it);
	json_int(out, "priority", it->priority);
	json_int(out, "child_order", (int64_t)it->pos + 1);
	json_str(out, "content", it->title);
	json_str(out, "description", it->description ? it->description : "");
	json_int(out, "day_order", -1);
	json_close(out, '}');
}

static void
error_extra(struct call *c, struct buf *out, const char *argument)
{
	char event[33];

	ids_hex(&c->sim->ids, 16, event);
	json_open(out, "error_extra", '{');
	json_str(out, "event_id", event);
	json_int(out, "retry_after", c->fault.kind ? c->fault.retry_after : 3);
	if (argument) {
		json_str(out, "argument", argument);
		json_str(out, "expected", "a valid value");
	}
	json_close(out, '}');
}

static void
error_about(struct call *c, int status, const char *tag, int code,
    const char *message, const char *argument)
{
	struct buf *out = &c->ans->body;

	if (c->fault.kind && *c->fault.message)
		message = c->fault.message;
	answer_clear(c->ans);
	c->ans->status = status;
	json_open(out, NULL, '{');
	json_str(out, "error", message);
	json_int(out, "error_code", code);
	error_extra(c, out, argument);
	json_str(out, "error_tag", tag);
	json_int(out, "http_code", status);
	json_close(out, '}');
}

void
todoist_error(
    struct call *c, int status, const char *tag, int code, const char *message)
{
	error_about(c, status, tag, code, message, NULL);
}

void
todoist_bad_argument(struct call *c, const char *argument)
{
	error_about(c, 400, "INVALID_ARGUMENT_VALUE", 20,
	    "Invalid argument value", argument);
}

static void
refuse_status(struct call *c, int status)
{
	static const struct {
		int status, code;
		const char *tag, *message;
	} table[] = {
		{ 400, 20, "INVALID_ARGUMENT_VALUE", "Invalid argument value" },
		{ 401, 477, "UNAUTHORIZED", "Unauthorized" },
		{ 403, 479, "FORBIDDEN", "Forbidden" },
		{ 404, 478, "NOT_FOUND", "Task not found" },
		{ 405, 405, "METHOD_NOT_ALLOWED", "Method not allowed" },
		{ 429, 35, "LIMITS_REACHED", "Too many requests" },
		{ 503, 503, "SERVICE_UNAVAILABLE", "Service unavailable" },
		{ 0, 500, "INTERNAL_ERROR", "Internal server error" },
	};
	size_t i;

	for (i = 0; table[i].status && table[i].status != status; i++)
		;
	if (status == 401)
		answer_header(c->ans, "WWW-Authenticate", "Bearer");
	todoist_error(c, status, table[i].tag, table[i].code, table[i].message);
}

static void
refuse(struct call *c, enum refusal why, int status)
{
	int64_t wait = c->fault.kind ? c->fault.retry_after : 1;

	switch (why) {
	case REFUSE_AUTH:
		todoist_error(c, 401, "UNAUTHORIZED", 477, "Unauthorized");
		answer_header(c->ans, "WWW-Authenticate", "Bearer");
		break;
	case REFUSE_SCOPE:
		todoist_error(c, 403, "AUTH_INSUFFICIENT_TOKEN_SCOPE", 480,
		    "Insufficient token scope");
		break;
	case REFUSE_NOT_FOUND:
		todoist_error(c, 404, "NOT_FOUND", 478, "Task not found");
		break;
	case REFUSE_RATE:
		todoist_error(c, status ? status : 429, "LIMITS_REACHED", 35,
		    "Too many requests. Limits reached. Try again later");
		answer_header(c->ans, "Retry-After", "%lld", (long long)wait);
		break;
	default:
		refuse_status(c, status ? status : 500);
	}
}

struct item *
todoist_visible(struct call *c, const char *id)
{
	struct item *it = item_find(c->sim, PROV_TODOIST, id);

	if (!it || it->acc != c->acc || it->moved)
		return NULL;
	return it;
}

static struct item *
item_of_path(struct call *c)
{
	struct item *it;

	if (todoist_is_numeric(c->item)) {
		todoist_error(c, 400, "V1_ID_CANNOT_BE_USED", 9,
		    "V1 id cannot be used: the value is not a valid base32 "
		    "id");
		return NULL;
	}
	it = todoist_visible(c, c->item);
	if (!it)
		refuse(c, REFUSE_NOT_FOUND, 404);
	return it;
}

static void
serve_read(struct call *c)
{
	struct item *it = item_of_path(c);

	if (!it)
		return;
	if ((it->deleted && !c->acc->deleted_reads_flag) ||
	    (it->done && c->acc->completed_reads_404))
		refuse(c, REFUSE_NOT_FOUND, 404);
	else
		todoist_task_json(
		    &c->ans->body, NULL, it, c->fault.kind == FAULT_WRONG_TYPE);
}

static void
serve_close(struct call *c)
{
	struct item *it = item_of_path(c);

	if (!it)
		return;
	if (it->deleted) {
		refuse(c, REFUSE_NOT_FOUND, 404);
		return;
	}
	c->applied = todoist_close(c->sim, it, c->now_ms);
	buf_puts(&c->ans->body, "null");
}

static void
serve_reopen(struct call *c)
{
	struct item *it = item_of_path(c);

	if (!it)
		return;
	if (it->deleted) {
		refuse(c, REFUSE_NOT_FOUND, 404);
		return;
	}
	c->applied = todoist_reopen(c->sim, it, c->now_ms);
	buf_puts(&c->ans->body, "null");
}

static void
serve_user(struct call *c)
{
	struct account *acc = c->acc;
	struct buf *out = &c->ans->body;

	json_open(out, NULL, '{');
	json_str(out, "id", acc->user_id);
	json_str(out, "email", acc->email);
	json_fmt(out, "full_name", "User %s", acc->user_id);
	json_str(out, "inbox_project_id", acc->inbox_id);
	json_raw(out, "business_account_id", "null");
	json_raw(out, "is_premium", "false");
	json_str(out, "premium_status", "not_premium");
	json_raw(out, "date_format", "0");
	json_raw(out, "time_format", "0");
	json_raw(out, "weekly_goal", "25");
	json_raw(out, "daily_goal", "5");
	json_raw(out, "completed_count", "0");
	json_raw(out, "completed_today", "0");
	json_raw(out, "karma", "0");
	json_str(out, "karma_trend", "-");
	json_str(out, "lang", "en");
	json_raw(out, "next_week", "1");
	json_raw(out, "start_day", "1");
	json_str(out, "start_page", "inbox");
	json_raw(out, "days_off", "[6,7]");
	json_raw(out, "weekend_start_day", "6");
	json_raw(out, "tz_info",
	    "{\"gmt_string\":\"+00:00\",\"hours\":0,\"is_dst\":0,"
	    "\"minutes\":0,\"timezone\":\"UTC\"}");
	json_close(out, '}');
}

static void
serve_id_mappings(struct call *c)
{
	const char *p =
	    after_prefix(c->req->path, "/api/v1/id_mappings/tasks/");
	struct buf *out = &c->ans->body;
	int n = 0;

	json_open(out, NULL, '[');
	while (p && *p) {
		size_t len = strcspn(p, ",");
		struct item *it = NULL;
		char id[64];

		snprintf(
		    id, sizeof(id), "%.*s", len < sizeof(id) ? (int)len : 0, p);
		it = map_get(&c->sim->old_ids, id);
		if (!it)
			it = item_find(c->sim, PROV_TODOIST, id);
		if (++n > 100) {
			todoist_bad_argument(c, "obj_ids");
			return;
		}
		if (it && it->acc == c->acc && !it->moved) {
			json_open(out, NULL, '{');
			json_fmt(out, "old_id", "%lld", (long long)it->old_id);
			json_str(out, "new_id", it->id);
			json_close(out, '}');
		}
		p += len + (p[len] == ',');
	}
	json_close(out, ']');
}

/* Paths */

struct route {
	const char *method, *path, *tail; /* the id stands between them */
	const char *op;
	bool write;
	void (*serve)(struct call *c);
};

static const struct route routes[] = {
	{ "GET", "tasks", NULL, "list", false, todoist_list_serve },
	{ "GET", "tasks/filter", NULL, "list", false, todoist_filter_serve },
	{ "GET", "tasks/completed/by_completion_date", NULL, "completed_list",
	    false, todoist_completed_serve },
	{ "POST", "sync", NULL, "sync", false, todoist_sync_serve },
	{ "GET", "user", NULL, "user", false, serve_user },
	{ "GET", "id_mappings/tasks/", "", "id_mappings", false,
	    serve_id_mappings },
	{ "POST", "tasks/", "/close", "close", true, serve_close },
	{ "POST", "tasks/", "/reopen", "reopen", true, serve_reopen },
	{ "GET", "tasks/", "", "read", false, serve_read },
};

/* Length of the id in the path, 0 if the route has none, -1 if not this. */
static int
path_match(const struct route *r, const char *path)
{
	const char *id = after_prefix(path, r->path);
	size_t n;

	if (!id)
		return -1;
	if (!r->tail)
		return *id ? -1 : 0;
	n = strcspn(id, "/");
	return n > 0 && strcmp(id + n, r->tail) == 0 ? (int)n : -1;
}

/* NULL if there is none; *other: the path exists with another method. */
static const struct route *
find_route(const struct request *req, bool *other)
{
	const char *path = after_prefix(req->path, base);
	size_t i;

	*other = false;
	for (i = 0; path && i < sizeof(routes) / sizeof(*routes); i++) {
		if (path_match(&routes[i], path) < 0)
			continue;
		if (strcmp(routes[i].method, req->method) == 0)
			return &routes[i];
		*other = true;
	}
	return NULL;
}

static void
classify(struct call *c)
{
	const char *cursor = request_arg(c->req, "cursor");
	bool other;
	const struct route *r = find_route(c->req, &other);

	if (!r)
		return;
	c->op = r->op;
	c->write = r->write;
	if (r->tail && r->serve != serve_id_mappings) {
		const char *id = c->req->path + strlen(base) + strlen(r->path);

		c->item = mem_dup(id);
		c->item[strcspn(id, "/")] = '\0';
	}
	if (r->serve == todoist_sync_serve)
		todoist_sync_classify(c);
	if (cursor)
		c->page = cursor_page(cursor);
}

/* Retired generations answer everyone alike, in plain text. */
static void
answer_gone(struct call *c)
{
	answer_clear(c->ans);
	c->ans->status = 410;
	c->ans->type = "text/plain; charset=utf-8";
	buf_puts(&c->ans->body, "This endpoint is deprecated.\n");
}

static void
serve(struct call *c)
{
	const char *auth = request_header(c->req, "Authorization");
	bool other;
	const struct route *r = find_route(c->req, &other);

	if (!after_prefix(c->req->path, base))
		answer_gone(c);
	else if (!after_prefix(auth, "Bearer "))
		refuse(c, REFUSE_AUTH, 401);
	else if (c->req->too_large)
		refuse_status(c, 413);
	else if (r)
		r->serve(c);
	else if (other)
		refuse_status(c, 405);
	else
		todoist_error(c, 404, "NOT_FOUND", 478, "Not found");
}

static void
refuse_call(struct call *c, enum refusal why, int status)
{
	if (!after_prefix(c->req->path, base) && why == REFUSE_AUTH)
		answer_gone(c);
	else
		refuse(c, why, status);
}

static bool
owns(const char *path)
{
	return after_prefix(path, base) || after_prefix(path, "/rest/v") ||
	       after_prefix(path, "/sync/v");
}

const struct provider provider_todoist = {
	.prov = PROV_TODOIST,
	.owns = owns,
	.classify = classify,
	.serve = serve,
	.refuse = refuse_call,
	.forget = todoist_sync_forget,
};
