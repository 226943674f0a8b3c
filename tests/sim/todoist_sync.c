/*
 * Todoist's POST /sync: commands, each run once per uuid and account, and
 * the incremental list of changed items. The body is read once, when the
 * request is classified, and kept in c->parsed until the call is over.
 */
#include "todoist.h"

#include <cjson/cJSON.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "call.h"
#include "todoist_items.h"
#include "when.h"

struct sync {
	cJSON *body;     /* NULL if it could not be read */
	cJSON *commands; /* an array within body, or NULL */
};

static int
hex_value(char c)
{
	const char *set = "0123456789abcdef", *p;

	if (c >= 'A' && c <= 'F')
		c = (char)(c + 32);
	p = c ? strchr(set, c) : NULL;
	return p ? (int)(p - set) : -1;
}

/* In place; returns the end. */
static void
form_decode(char *s)
{
	char *out = s;

	for (; *s; s++, out++) {
		*out = *s == '+' ? ' ' : *s;
		if (*s != '%' || hex_value(s[1]) < 0 || hex_value(s[2]) < 0)
			continue;
		*out = (char)(hex_value(s[1]) * 16 + hex_value(s[2]));
		s += 2;
	}
	*out = '\0';
}

/* A form as an object; values that are JSON themselves become that. */
static cJSON *
form_read(const char *body)
{
	cJSON *all = cJSON_CreateObject();
	char *copy = mem_dup(body), *rest = copy, *pair;

	while ((pair = strsep(&rest, "&"))) {
		char *value = strchr(pair, '=');
		cJSON *json;

		if (!value)
			continue;
		*value++ = '\0';
		form_decode(pair);
		form_decode(value);
		json = cJSON_Parse(value);
		if (!json)
			json = cJSON_CreateString(value);
		cJSON_AddItemToObject(all, pair, json);
	}
	free(copy);
	return all;
}

static cJSON *
body_read(const struct call *c)
{
	const char *type = request_header(c->req, "Content-Type");

	if (type && strstr(type, "application/x-www-form-urlencoded"))
		return form_read(c->req->body);
	return cJSON_Parse(c->req->body);
}

static const char *
text_of(const cJSON *object, const char *name)
{
	return cJSON_GetStringValue(
	    cJSON_GetObjectItemCaseSensitive(object, name));
}

static const char *
id_of(const cJSON *command)
{
	const cJSON *args = cJSON_GetObjectItemCaseSensitive(command, "args");
	const char *id = text_of(args, "id");

	return id ? id : "";
}

void
todoist_sync_classify(struct call *c)
{
	struct sync *sync = mem_zero(sizeof(*sync));
	const cJSON *command;
	int n;

	c->parsed = sync;
	sync->body = body_read(c);
	sync->commands =
	    cJSON_GetObjectItemCaseSensitive(sync->body, "commands");
	n = cJSON_GetArraySize(sync->commands);
	c->write = n > 0;
	if (n == 1)
		c->item = mem_dup(id_of(sync->commands->child));
	else
		cJSON_ArrayForEach(command, sync->commands)
		    call_add_item(c, id_of(command));
}

void
todoist_sync_forget(struct call *c)
{
	struct sync *sync = c->parsed;

	if (!sync)
		return;
	cJSON_Delete(sync->body);
	free(sync);
}

static bool
item_close(struct call *c, struct item *it, const cJSON *args)
{
	(void)args;
	return todoist_close(c->sim, it, c->now_ms);
}

static bool
item_complete(struct call *c, struct item *it, const cJSON *args)
{
	bool changed = todoist_complete(c->sim, it, c->now_ms);

	(void)args;
	it->closes += changed;
	return changed;
}

static bool
item_uncomplete(struct call *c, struct item *it, const cJSON *args)
{
	(void)args;
	return todoist_reopen(c->sim, it, c->now_ms);
}

/* Forward unless is_forward is 0; to due.date if given, else one period. */
static bool
item_update_date_complete(struct call *c, struct item *it, const cJSON *args)
{
	const cJSON *forward =
	    cJSON_GetObjectItemCaseSensitive(args, "is_forward");
	const cJSON *due = cJSON_GetObjectItemCaseSensitive(args, "due");
	const char *date = text_of(due, "date");
	bool back = cJSON_IsFalse(forward) ||
		    (cJSON_IsNumber(forward) && forward->valuedouble == 0);

	if (!todoist_advance(c->sim, it, back, c->now_ms))
		return false;
	if (date && when_is_date(date))
		mem_set(&it->due_date, date);
	it->closes += !back;
	return true;
}

static const struct {
	const char *type;
	bool (*run)(struct call *c, struct item *it, const cJSON *args);
} commands[] = {
	{ "item_close", item_close },
	{ "item_complete", item_complete },
	{ "item_uncomplete", item_uncomplete },
	{ "item_update_date_complete", item_update_date_complete },
};

static void
add_error(struct buf *out, const char *uuid, int http, const char *tag,
    const char *message)
{
	json_open(out, uuid, '{');
	json_str(out, "error", message);
	json_int(out, "error_code", http == 404 ? 22 : http == 400 ? 15 : 0);
	json_raw(out, "error_extra", "{}");
	json_str(out, "error_tag", tag);
	json_int(out, "http_code", http);
	json_close(out, '}');
}

/* The word for the log: "ok", "repeated" or "error". */
static const char *
run_command(struct call *c, const cJSON *command, const char *uuid)
{
	const cJSON *args = cJSON_GetObjectItemCaseSensitive(command, "args");
	const char *type = text_of(command, "type");
	struct buf *out = &c->ans->body;
	struct item *it;
	size_t i, n = sizeof(commands) / sizeof(*commands);

	if (map_get(&c->acc->commands, uuid)) {
		json_str(out, uuid, "ok");
		return "repeated";
	}
	if (!*uuid) {
		add_error(out, uuid, 400, "INVALID_COMMAND",
		    "A command needs a uuid");
		return "error";
	}
	if (c->fault.kind == FAULT_SYNC_ERROR) {
		add_error(out, uuid, c->fault.status ? c->fault.status : 500,
		    "INTERNAL_ERROR",
		    *c->fault.message ? c->fault.message
				      : "Internal server error");
		return "error";
	}
	for (i = 0; i < n; i++)
		if (type && strcmp(commands[i].type, type) == 0)
			break;
	if (i == n) {
		add_error(
		    out, uuid, 400, "INVALID_COMMAND", "Invalid command type");
		return "error";
	}
	it = todoist_visible(c, id_of(command));
	if (!it || it->deleted) {
		add_error(out, uuid, 404, "ITEM_NOT_FOUND", "Item not found");
		return "error";
	}
	c->applied |= commands[i].run(c, it, args);
	map_put(&c->acc->commands, uuid, c->acc);
	json_str(out, uuid, "ok");
	return "ok";
}

static void
run_commands(struct call *c, const cJSON *list)
{
	const cJSON *command;

	json_open(&c->commands, NULL, '[');
	json_open(&c->ans->body, "sync_status", '{');
	cJSON_ArrayForEach(command, list)
	{
		const char *uuid = text_of(command, "uuid");
		struct buf *log = &c->commands;

		if (!uuid)
			uuid = "";
		json_open(log, NULL, '{');
		json_str(log, "type", text_of(command, "type"));
		json_str(log, "uuid", uuid);
		json_str(log, "id", id_of(command));
		json_str(log, "result", run_command(c, command, uuid));
		json_close(log, '}');
	}
	json_close(&c->ans->body, '}');
	json_close(&c->commands, ']');
	json_raw(&c->ans->body, "temp_id_mapping", "{}");
}

static bool
wants_items(const cJSON *types)
{
	const cJSON *t;

	cJSON_ArrayForEach(t, types)
	{
		const char *name = cJSON_GetStringValue(t);

		if (name && (!strcmp(name, "items") || !strcmp(name, "all")))
			return true;
	}
	return false;
}

/* A full sync has what is open; a later one whatever changed since. */
static void
add_items(struct call *c, uint64_t since)
{
	struct buf *out = &c->ans->body;
	size_t i;

	json_open(out, "items", '[');
	for (i = 0; i < c->acc->n; i++) {
		struct item *it = c->acc->items[i];

		if (!it || it->moved || it->rev <= since)
			continue;
		if (since == 0 && (it->done || it->deleted || it->archived))
			continue;
		todoist_task_json(
		    out, NULL, it, c->fault.kind == FAULT_WRONG_TYPE);
	}
	json_close(out, ']');
}

static void
add_changes(struct call *c, const cJSON *body)
{
	const char *token = text_of(body, "sync_token");
	uint64_t since = 0;
	const char *rev = token ? after_prefix(token, "rev-") : NULL;

	if (rev)
		since = strtoull(rev, NULL, 10);
	json_fmt(&c->ans->body, "sync_token", "rev-%llu",
	    (unsigned long long)c->sim->rev);
	json_bool(&c->ans->body, "full_sync", since == 0);
	if (wants_items(
		cJSON_GetObjectItemCaseSensitive(body, "resource_types")))
		add_items(c, since);
}

void
todoist_sync_serve(struct call *c)
{
	const struct sync *sync = c->parsed;

	if (!sync->body || !cJSON_IsObject(sync->body) ||
	    (sync->commands && !cJSON_IsArray(sync->commands)) ||
	    cJSON_GetArraySize(sync->commands) > 100) {
		todoist_error(c, 400, "INVALID_ARGUMENT_VALUE", 20,
		    "Invalid argument value");
		return;
	}
	json_open(&c->ans->body, NULL, '{');
	if (sync->commands)
		run_commands(c, sync->commands);
	add_changes(c, sync->body);
	json_close(&c->ans->body, '}');
}
