/* Tasks, except for their completion: nothing here calls a provider. */
#include <stdlib.h>
#include <string.h>

#include "core/providers/provider.h"
#include "core/store/task.h"
#include "gateway.h"
#include "listing.h"

#define TITLE_MAX 2000
#define URL_MAX 2000
#define SOURCE_ID_MAX 128

static bool
is_one_of(const char *text, const char *const *list)
{
	for (; *list; list++)
		if (!strcmp(text, *list))
			return true;
	return false;
}

static bool
is_source(const char *text)
{
	return !strcmp(text, "manual") || provider_by_name(text);
}

static enum err
no_source(void)
{
	char names[128];

	return err_set(ERR_INPUT, "'source' must be manual, %s.",
	    provider_names(names, sizeof(names)));
}

HANDLER(tasks_list)
{
	static const char *const statuses[] = { "active", "completed",
		"archived", NULL };
	struct listing_query q;
	struct listing listing = { 0 };
	enum err err = listing_query_read(req, &q);

	if (err)
		return err;
	if (q.filter.status && !is_one_of(q.filter.status, statuses))
		return err_set(ERR_INPUT,
		    "'status' must be active, completed or archived.");
	if (q.filter.source && !is_source(q.filter.source))
		return no_source();
	err = task_list(&gateway->store, req->user_id, &q.filter, &listing);
	if (!err)
		err = listing_reply(reply, "tasks", &listing);
	listing_done(&listing);
	return err;
}

static enum err
reply_task(struct reply *reply, int status, enum err err, char *json)
{
	if (!err)
		err = reply_json(reply, status, "task", json);
	free(json);
	return err;
}

/* Answer with the task that an earlier call under the same Idempotency-Key made
 * before its process died. False: there is none. */
static bool
is_made(struct gateway *gateway, const struct request *req, struct reply *reply,
    enum err *err)
{
	char *json = NULL;

	if (!req->is_repeated)
		return false;
	*err = task_read(&gateway->store, req->user_id, req->call_id, &json);
	if (*err == ERR_NOTFOUND)
		return false;
	*err = reply_task(reply, 201, *err, json);
	return true;
}

/* Read which item the task is of, if of any. */
static enum err
read_source(const struct request *req, struct task_new *task)
{
	const char *source;
	const struct provider *provider;
	enum err err = request_optional(req, "source", 16, &source);

	if (!err)
		err = request_optional(
		    req, "source_id", SOURCE_ID_MAX, &task->source_id);
	if (!err)
		err = request_optional(
		    req, "source_url", URL_MAX, &task->source_url);
	if (err)
		return err;
	if (source && !is_source(source))
		return no_source();
	if (source)
		task->source = source;
	if (!strcmp(task->source, "manual") != !task->source_id)
		return err_set(ERR_INPUT,
		    "'source_id' belongs to a task with a 'source', and only "
		    "to one.");
	provider = provider_by_name(task->source);
	if (provider && !provider_has_id(provider, task->source_id))
		return err_set(ERR_INPUT,
		    "'source_id' is none that an item of %s can have.",
		    provider->title);
	return OK;
}

HANDLER(tasks_create)
{
	struct task_new task = { .source = "manual" };
	char *json = NULL;
	enum err err = request_string(req, "title", TITLE_MAX, &task.title);

	if (!err)
		err = read_source(req, &task);
	if (err || is_made(gateway, req, reply, &err))
		return err;
	err = task_create(
	    &gateway->store, req->user_id, req->call_id, &task, &json);
	return reply_task(reply, 201, err, json);
}

HANDLER(tasks_read)
{
	char *json = NULL;
	enum err err =
	    task_read(&gateway->store, req->user_id, req->target, &json);

	return reply_task(reply, 200, err, json);
}

HANDLER(tasks_change)
{
	const char *title;
	char *json = NULL;
	enum err err = request_string(req, "title", TITLE_MAX, &title);

	if (!err)
		err = task_rename(
		    &gateway->store, req->user_id, req->target, title, &json);
	return reply_task(reply, 200, err, json);
}

HANDLER(tasks_delete)
{
	reply->status = 204;
	return task_delete(&gateway->store, req->user_id, req->target);
}

HANDLER(tasks_archive)
{
	char *json = NULL;
	enum err err =
	    task_archive(&gateway->store, req->user_id, req->target, &json);

	return reply_task(reply, 200, err, json);
}

HANDLER(inbox_get)
{
	struct listing_query q;
	struct listing listing = { 0 };
	enum err err = listing_query_read(req, &q);

	if (!err)
		err = inbox_list(
		    &gateway->store, req->user_id, &q.filter, &listing);
	if (!err)
		err = listing_reply(reply, "items", &listing);
	listing_done(&listing);
	return err;
}

static enum err
read_import(const struct request *req, char bucket_id[CRYPTO_UUID],
    struct import_to *to)
{
	static const char *const sections[] = { "today", "sooner", "later",
		NULL };
	const char *text;
	enum err err = request_optional(req, "bucket_id", 64, &text);

	if (err)
		return err;
	if (text && !crypto_uuid_parse(text, bucket_id))
		return err_set(ERR_INPUT, "'bucket_id' must be a UUID.");
	to->bucket_id = text ? bucket_id : NULL;
	err = request_optional(req, "section", 16, &to->section);
	if (!err && to->section && !is_one_of(to->section, sections))
		err = err_set(
		    ERR_INPUT, "'section' must be today, sooner or later.");
	return err;
}

HANDLER(inbox_import_item)
{
	char bucket_id[CRYPTO_UUID], *json = NULL;
	struct import_to to = { 0 };
	enum err err = read_import(req, bucket_id, &to);

	if (err || is_made(gateway, req, reply, &err))
		return err;
	err = inbox_import(&gateway->store, req->user_id, req->target,
	    req->call_id, &to, &json);
	if (err == ERR_CONFLICT)
		return err_set(
		    ERR_CONFLICT, "This item is an active task already.");
	return reply_task(reply, 201, err, json);
}
