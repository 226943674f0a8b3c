/*
 * Attio's tasks, v2: offset paging without any total, and bodies that are
 * checked field by field. https://docs.attio.com/rest-api/
 */
#include "attio.h"

#include <cjson/cJSON.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "call.h"
#include "when.h"

static const char tasks[] = "/v2/tasks";

static void
add_actor(struct buf *out, const char *key, const char *prefix, const char *id)
{
	char type[40], name[40];

	snprintf(type, sizeof(type), "%stype", prefix);
	snprintf(name, sizeof(name), "%sid", prefix);
	json_open(out, key, '{');
	json_str(out, type, "workspace-member");
	json_str(out, name, id);
	json_close(out, '}');
}

void
attio_task_json(struct buf *out, const char *key, const struct item *it,
    const struct call *c)
{
	json_open(out, key, '{');
	json_open(out, "id", '{');
	json_str(out, "workspace_id", it->acc->org_id);
	if (c->fault.kind == FAULT_WRONG_TYPE)
		json_raw(out, "task_id", "42");
	else
		json_str(out, "task_id", it->id);
	json_close(out, '}');
	json_str(out, "content_plaintext", it->title);
	json_str(out, "deadline_at", it->due_date);
	json_bool(out, "is_completed", it->done);
	when_json(out, "completed_at", it->completed_ms, 9);
	json_raw(out, "linked_records",
	    it->linked_records ? it->linked_records : "[]");
	json_open(out, "assignees", '[');
	if (it->assignee)
		add_actor(out, NULL, "referenced_actor_", it->assignee);
	json_close(out, ']');
	add_actor(out, "created_by_actor", "", it->acc->user_id);
	when_json(out, "created_at", it->created_ms, 9);
	json_close(out, '}');
}

static void
answer_task(struct call *c, const struct item *it)
{
	json_open(&c->ans->body, NULL, '{');
	attio_task_json(&c->ans->body, "data", it, c);
	json_close(&c->ans->body, '}');
}

static void
error(struct call *c, int status, const char *type, const char *code,
    const char *message)
{
	struct buf *out = &c->ans->body;

	if (c->fault.kind && *c->fault.message)
		message = c->fault.message;
	answer_clear(c->ans);
	c->ans->status = status;
	json_open(out, NULL, '{');
	json_int(out, "status_code", status);
	json_str(out, "type", type);
	json_str(out, "code", code);
	json_str(out, "message", message);
	json_close(out, '}');
}

void
attio_invalid(struct call *c, const char *path, const char *expected)
{
	struct buf *out = &c->ans->body;

	error(c, 400, "invalid_request_error", "validation_type",
	    "Body payload validation error.");
	buf_cut(out, out->len - 1);
	json_open(out, "validation_errors", '[');
	json_open(out, NULL, '{');
	json_str(out, "code", "invalid_type");
	json_open(out, "path", '[');
	json_str(out, NULL, path);
	json_close(out, ']');
	json_fmt(out, "message", "Expected %s", expected);
	json_close(out, '}');
	json_close(out, ']');
	json_close(out, '}');
}

static void
not_found(struct call *c)
{
	char text[300];

	snprintf(text, sizeof(text), "Task with ID \"%.200s\" not found.",
	    c->item ? c->item : "");
	error(c, 404, "invalid_request_error", "not_found", text);
}

static void
refuse_status(struct call *c, int status)
{
	if (status >= 500)
		error(c, status, "api_error", "internal_error",
		    "Something went wrong on our side.");
	else if (status == 404)
		not_found(c);
	else
		error(c, status, "invalid_request_error", "invalid_request",
		    "The request was refused.");
}

static void
refuse(struct call *c, enum refusal why, int status)
{
	int64_t wait = c->fault.kind ? c->fault.retry_after : 1;
	char date[40];

	if (why == REFUSE_STATUS && status == 401)
		why = REFUSE_AUTH;
	else if (why == REFUSE_STATUS && status == 403)
		why = REFUSE_SCOPE;
	else if (why == REFUSE_STATUS && status == 429)
		why = REFUSE_RATE;
	switch (why) {
	case REFUSE_AUTH:
		error(c, 401, "auth_error", "unauthorized",
		    "The API key is attio_invalid or has been revoked.");
		break;
	case REFUSE_SCOPE:
		error(c, 403, "auth_error", "unauthorized",
		    "The token does not have the scope task:read-write.");
		break;
	case REFUSE_NOT_FOUND:
		not_found(c);
		break;
	case REFUSE_RATE:
		error(c, status ? status : 429, "rate_limit_error",
		    "rate_limit_exceeded",
		    "Rate limit exceeded, please try again later.");
		when_http(date, c->now_ms + wait * 1000);
		answer_header(c->ans, "Retry-After", "%s", date);
		break;
	default:
		refuse_status(c, status ? status : 500);
	}
}

/* The caller's own task that still exists; otherwise refuses. */
static struct item *
item_of_path(struct call *c)
{
	struct item *it = item_find(c->sim, PROV_ATTIO, c->item);

	if (it && it->acc == c->acc && !it->deleted)
		return it;
	not_found(c);
	return NULL;
}

static void
serve_read(struct call *c)
{
	struct item *it = item_of_path(c);

	if (it)
		answer_task(c, it);
}

/* Bodies */

static bool
is_deadline(const cJSON *v)
{
	return cJSON_IsNull(v) ||
	       (cJSON_IsString(v) && when_is_date(v->valuestring));
}

/* The first member id of [{referenced_actor_id}] or [{workspace_member...}] */
static const char *
first_assignee(const cJSON *list)
{
	const cJSON *first = list ? list->child : NULL;

	return cJSON_GetStringValue(
	    cJSON_GetObjectItemCaseSensitive(first, "referenced_actor_id"));
}

static bool
check_change(struct call *c, const cJSON *v)
{
	static const struct {
		const char *name, *path, *expected;
	} known[] = {
		{ "is_completed", "data.is_completed", "boolean" },
		{ "deadline_at", "data.deadline_at", "date or null" },
		{ "linked_records", "data.linked_records", "array" },
		{ "assignees", "data.assignees", "array" },
	};
	size_t i;

	for (i = 0; i < 4 && strcmp(known[i].name, v->string) != 0; i++)
		;
	if ((i == 0 && cJSON_IsBool(v)) || (i == 1 && is_deadline(v)) ||
	    ((i == 2 || i == 3) && cJSON_IsArray(v)))
		return true;
	if (i < 4)
		attio_invalid(c, known[i].path, known[i].expected);
	else
		attio_invalid(c, "data", "no such key");
	return false;
}

static void
set_done(struct call *c, struct item *it, bool done)
{
	if (it->done == done)
		return;
	it->done = done;
	it->completed_ms = done ? c->now_ms : 0;
	c->applied = true;
}

static void
set_text(struct call *c, char **place, const char *text)
{
	if (*place ? text && strcmp(*place, text) == 0 : !text)
		return;
	mem_set(place, text);
	c->applied = true;
}

static void
set_linked(struct call *c, struct item *it, const cJSON *v)
{
	char *text = cJSON_PrintUnformatted(v);

	if (it->linked_records || v->child)
		set_text(c, &it->linked_records, text);
	free(text);
}

static void
change(struct call *c, struct item *it, const cJSON *v)
{
	if (strcmp(v->string, "is_completed") == 0)
		set_done(c, it, cJSON_IsTrue(v));
	else if (strcmp(v->string, "deadline_at") == 0)
		set_text(c, &it->due_date, cJSON_GetStringValue(v));
	else if (strcmp(v->string, "assignees") == 0)
		set_text(c, &it->assignee, first_assignee(v));
	else if (strcmp(v->string, "linked_records") == 0)
		set_linked(c, it, v);
}

/* The data object of a body, or NULL after a refusal. */
static const cJSON *
data_of(struct call *c, const cJSON *body)
{
	const cJSON *data = cJSON_GetObjectItemCaseSensitive(body, "data");

	if (cJSON_IsObject(data))
		return data;
	attio_invalid(c, "data", "object");
	return NULL;
}

static void
serve_update(struct call *c)
{
	struct item *it = item_of_path(c);
	cJSON *body;
	const cJSON *data, *v;

	if (!it)
		return;
	body = cJSON_Parse(c->req->body);
	data = data_of(c, body);
	cJSON_ArrayForEach(v, data)
	{
		if (!check_change(c, v))
			goto out;
	}
	if (!data)
		goto out;
	cJSON_ArrayForEach(v, data) change(c, it, v);
	if (c->applied)
		item_touch(c->sim, it, c->now_ms);
	answer_task(c, it);
out:
	cJSON_Delete(body);
}

static void
serve_delete(struct call *c)
{
	struct item *it = item_of_path(c);

	if (!it)
		return;
	it->deleted = true;
	c->applied = true;
	item_touch(c->sim, it, c->now_ms);
	buf_puts(&c->ans->body, "{}");
}

static void
create(struct call *c, const cJSON *data, const char *content)
{
	const cJSON *v,
	    *given = cJSON_GetObjectItemCaseSensitive(data, "assignees");
	struct item *it = item_make(c->acc, c->sim, NULL);

	mem_set(&it->title, content);
	if (!given)
		mem_set(&it->assignee, NULL);
	cJSON_ArrayForEach(v, data) change(c, it, v);
	c->applied = true;
	item_touch(c->sim, it, c->now_ms);
	answer_task(c, it);
}

static void
serve_create(struct call *c)
{
	cJSON *body = cJSON_Parse(c->req->body);
	const cJSON *v, *data = data_of(c, body);
	const char *content, *format;

	if (!data)
		goto out;
	content = cJSON_GetStringValue(
	    cJSON_GetObjectItemCaseSensitive(data, "content"));
	format = cJSON_GetStringValue(
	    cJSON_GetObjectItemCaseSensitive(data, "format"));
	if (!content || strlen(content) > 2000) {
		attio_invalid(c, "data.content", "string of at most 2000");
		goto out;
	}
	if (!format || strcmp(format, "plaintext") != 0) {
		attio_invalid(c, "data.format", "\"plaintext\"");
		goto out;
	}
	cJSON_ArrayForEach(v, data)
	{
		if (strcmp(v->string, "content") != 0 &&
		    strcmp(v->string, "format") != 0 && !check_change(c, v))
			goto out;
	}
	create(c, data, content);
out:
	cJSON_Delete(body);
}

static void
serve_self(struct call *c)
{
	struct account *acc = c->acc;
	struct buf *out = &c->ans->body;

	json_open(out, NULL, '{');
	json_bool(out, "active", true);
	json_fmt(out, "scope",
	    "%s object_configuration:read record_permission:read "
	    "user_management:read",
	    c->read_only ? "task:read" : "task:read-write");
	json_str(out, "client_id", acc->org_id);
	json_str(out, "token_type", "Bearer");
	json_raw(out, "exp", "null");
	json_int(out, "iat", acc->created_ms / 1000);
	json_str(out, "sub", acc->org_id);
	json_str(out, "aud", acc->org_id);
	json_str(out, "iss", "attio.com");
	json_str(out, "authorized_by_workspace_member_id", acc->user_id);
	json_str(out, "workspace_id", acc->org_id);
	json_fmt(out, "workspace_name", "Workspace %.8s", acc->org_id);
	json_fmt(out, "workspace_slug", "workspace-%.8s", acc->org_id);
	json_raw(out, "workspace_logo_url", "null");
	json_close(out, '}');
}

static const struct route {
	const char *method;
	bool by_id;
	const char *op;
	bool write;
	void (*serve)(struct call *c);
} routes[] = {
	{ "GET", false, "list", false, attio_list_serve },
	{ "POST", false, "create", true, serve_create },
	{ "GET", true, "read", false, serve_read },
	{ "PATCH", true, "update", true, serve_update },
	{ "DELETE", true, "delete", true, serve_delete },
};

static const struct route self = { "GET", false, "self", false, serve_self };

/* *exists: the path is right, the method perhaps not. */
static const struct route *
find_route(const struct request *req, bool *exists)
{
	const char *rest = after_prefix(req->path, tasks);
	bool by_id;
	size_t i;

	*exists = strcmp(req->path, "/v2/self") == 0;
	if (*exists)
		return strcmp(req->method, "GET") == 0 ? &self : NULL;
	if (!rest || (*rest && *rest != '/') || strcmp(rest, "/") == 0)
		return NULL;
	by_id = *rest == '/';
	if (by_id && strchr(rest + 1, '/'))
		return NULL;
	*exists = true;
	for (i = 0; i < sizeof(routes) / sizeof(*routes); i++)
		if (routes[i].by_id == by_id &&
		    strcmp(routes[i].method, req->method) == 0)
			return &routes[i];
	return NULL;
}

static void
classify(struct call *c)
{
	int64_t limit = 500, offset = 0;
	bool exists;
	const struct route *r = find_route(c->req, &exists);

	if (!r)
		return;
	c->op = r->op;
	c->write = r->write;
	if (r->by_id)
		c->item = mem_dup(c->req->path + strlen(tasks) + 1);
	(void)number_read(request_arg(c->req, "limit"), 1, 1000000, &limit);
	(void)number_read(
	    request_arg(c->req, "offset"), 0, 1000000000, &offset);
	c->page = (int)(offset / limit) + 1;
}

static void
serve(struct call *c)
{
	const char *auth = request_header(c->req, "Authorization");
	bool exists;
	const struct route *r = find_route(c->req, &exists);

	if (!after_prefix(auth, "Bearer "))
		refuse(c, REFUSE_AUTH, 401);
	else if (c->req->too_large)
		refuse_status(c, 413);
	else if (r)
		r->serve(c);
	else if (exists)
		error(c, 405, "invalid_request_error", "method_not_allowed",
		    "This method is not allowed here.");
	else
		error(c, 404, "invalid_request_error", "not_found",
		    "There is no such endpoint.");
}

static bool
owns(const char *path)
{
	return after_prefix(path, "/v2/") != NULL;
}

const struct provider provider_attio = {
	.prov = PROV_ATTIO,
	.owns = owns,
	.classify = classify,
	.serve = serve,
	.refuse = refuse,
};
