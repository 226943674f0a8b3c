/* Attio, REST v2: https://docs.attio.com/rest-api/. Items are tasks. A key
 * belongs to a workspace, so which tasks are "mine" is the `assignee` in the
 * connection's metadata, if there is one. Pages are counted by offset: a task
 * that is finished between two pages makes the list skip another one, so
 * absence is always confirmed by id. */
#include "core/providers/provider.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/json.h"
#include "shared.h"

#define TASKS "/v2/tasks"
#define LIMIT 500
#define OFFSET_DIGITS 9 /* our longest cursor */

/* A 403 is a missing scope unless it is about money. The vendor documents
 * neither type nor code in full, so either may say it. */
static void
refine(const cJSON *error, struct answer *answer)
{
	const char *type = json_str(error, "type");
	const char *code = json_str(error, "code");
	const char *words[] = { type, code };
	bool is_auth = false, is_billing = false;

	for (size_t i = 0; i < 2; i++) {
		if (words[i] == NULL)
			continue;
		is_auth = is_auth || strcmp(words[i], "auth_error") == 0 ||
			  strcmp(words[i], "unauthorized") == 0;
		is_billing =
		    is_billing || strcmp(words[i], "billing_error") == 0;
	}
	if (answer->reason == REASON_FORBIDDEN && is_auth && !is_billing) {
		answer->outcome = OUTCOME_AUTH_FAILED;
		answer->reason = REASON_SCOPE_MISSING;
	}
	provider_answer_add(answer, code != NULL ? code : type);
}

static bool
is_marked(const cJSON *error)
{
	return cJSON_IsNumber(json_path(error, "status_code", NULL)) &&
	       (json_str(error, "code") != NULL ||
		   json_str(error, "type") != NULL);
}

static const struct dialect dialect = { "attio", refine, is_marked };

/* --- Tasks as they are sent ---------------------------------------------- */

struct row {
	const char *id, *title, *deadline;
	const cJSON *task, *assignees;
	bool is_completed;
};

/* Read a task, from which row then borrows. Returns what is wrong, or NULL.
 * completed_at is not read: live answers have been seen without it. */
static const char *
row_read(const cJSON *task, struct row *row)
{
	const cJSON *completed = json_path(task, "is_completed", NULL);

	row->task = task;
	row->id = provider_id(json_path(task, "id", NULL), "task_id");
	row->title = json_str(task, "content_plaintext");
	row->assignees = json_path(task, "assignees", NULL);
	row->is_completed = cJSON_IsTrue(completed);
	if (row->id == NULL)
		return "a task without a string as id";
	if (row->title == NULL)
		return "a task without content";
	if (!cJSON_IsBool(completed))
		return "a task that is neither completed nor open";
	if (!provider_optional(task, "deadline_at", &row->deadline))
		return "a deadline that is no string";
	return NULL;
}

static bool
make_metadata(const struct row *row, char **out)
{
	cJSON *json = cJSON_CreateObject();
	bool ok = true;

	if (row->deadline != NULL)
		ok = cJSON_AddStringToObject(
			 json, "deadline_at", row->deadline) != NULL;
	return provider_text(json, ok, out) == OK;
}

static bool
make_bag(const struct row *row, char **out)
{
	const cJSON *id = json_path(row->task, "id", NULL);
	struct bag bag = bag_make();

	bag_text(&bag, "workspaceId", json_str(id, "workspace_id"));
	bag_text(&bag, "deadlineAt", row->deadline);
	bag_value(
	    &bag, "linkedRecords", row->task, "linked_records", cJSON_Array);
	bag_value(&bag, "assignees", row->task, "assignees", cJSON_Array);
	bag_text(&bag, "createdAt", json_str(row->task, "created_at"));
	return bag_take(&bag, out);
}

static enum err
add_item(struct items *items, const struct row *row, enum item_state state,
    struct answer *failure)
{
	struct item *item = items_add(items);

	if (item == NULL)
		return provider_no_memory(failure);
	item->state = state;
	if (!provider_copy(row->id, &item->source_id) ||
	    !provider_copy(row->title, &item->title) ||
	    !make_metadata(row, &item->metadata))
		return provider_no_memory(failure);
	return OK;
}

/* --- Lists ---------------------------------------------------------------- */

/* The configured assignee; NULL: the whole workspace. The caller frees it. */
static char *
assignee_of(const struct connection *conn)
{
	cJSON *metadata = provider_object(conn->metadata);
	const char *assignee = json_str(metadata, "assignee");
	char *copy = NULL;

	if (assignee != NULL && *assignee != '\0')
		copy = strdup(assignee);
	cJSON_Delete(metadata);
	return copy;
}

/* Our own cursor is the offset in decimal. -1: it is not one. */
static long
offset_of(const char *cursor)
{
	size_t n;

	if (cursor == NULL)
		return 0;
	n = strspn(cursor, "0123456789");
	if (n == 0 || n > OFFSET_DIGITS || cursor[n] != '\0')
		return -1;
	return strtol(cursor, NULL, 10);
}

static enum err
list_request(const struct connection *conn, const char *base_url,
    const char *cursor, size_t most, struct http_request *out)
{
	long offset = offset_of(cursor);
	char *assignee;
	enum err err;

	if (offset < 0)
		return err_set(ERR_BUG, "attio: not an offset");
	err = provider_request(out, HTTP_GET, base_url, TASKS);
	if (!err)
		err = buf_addf(&out->url,
		    "?limit=%zu&offset=%ld&is_completed=false"
		    "&sort=created_at:asc",
		    most, offset);
	if (err)
		return err;
	assignee = assignee_of(conn);
	if (assignee != NULL) {
		err = buf_add_str(&out->url, "&assignee=");
		if (!err)
			err = buf_add_url(&out->url, assignee);
		free(assignee);
	}
	if (err)
		return err;
	return provider_request_bearer(out, conn->key);
}

/* The answer has neither a cursor nor a total: a page shorter than the limit is
 * the last (guides/pagination). A longer page shows that the limit was not
 * understood. */
static enum err
turn_page(
    const char *cursor, size_t most, struct page *page, struct answer *failure)
{
	char next[32];

	page->end = page->rows < most;
	if (page->end)
		return OK;
	if (page->rows > most || offset_of(cursor) < 0)
		return provider_bad_answer(
		    failure, "attio: more rows than asked for");
	(void)snprintf(
	    next, sizeof(next), "%ld", offset_of(cursor) + (long)most);
	if (!provider_copy(next, &page->next_cursor))
		return provider_no_memory(failure);
	return OK;
}

/* Add a task of a list. It may be imported, so it needs a bag. */
static enum err
add_listed(struct items *items, const struct row *row, struct answer *failure)
{
	enum err err = add_item(items, row, ITEM_OPEN, failure);

	if (!err && !make_bag(row, &items->list[items->count - 1].bag))
		err = provider_no_memory(failure);
	return err;
}

static enum err
read_rows(const cJSON *json, struct page *page, struct answer *failure)
{
	const cJSON *data = json_path(json, "data", NULL);
	const cJSON *task;
	const char *wrong;
	struct row row;
	enum err err;

	if (!cJSON_IsArray(data))
		return provider_bad_answer(failure, "attio: no data");
	cJSON_ArrayForEach(task, data)
	{
		page->rows++;
		wrong = row_read(task, &row);
		if (wrong == NULL && row.is_completed)
			continue;
		err = wrong != NULL ? provider_add_odd(&page->items, "attio",
					  row.id, wrong, failure)
				    : add_listed(&page->items, &row, failure);
		if (err)
			return err;
	}
	return OK;
}

static enum err
list_response(const struct connection *conn, const char *cursor, size_t most,
    const struct http_response *res, struct page *out, struct answer *failure)
{
	struct page page = { 0 };
	cJSON *json = NULL;
	enum err err;

	(void)conn;
	if (!provider_read(&dialect, res, &json, failure))
		return provider_failed(failure);
	err = read_rows(json, &page, failure);
	if (!err)
		err = turn_page(cursor, most, &page, failure);
	cJSON_Delete(json);
	if (err) {
		page_done(&page);
		return err;
	}
	*out = page;
	return OK;
}

static enum err
account_request(const struct connection *conn, const char *base_url,
    struct http_request *out)
{
	enum err err;

	err = provider_request(out, HTTP_GET, base_url, "/v2/self");
	if (err)
		return err;
	return provider_request_bearer(out, conn->key);
}

/* A revoked token gets a 200 with active false (OpenAPI, /v2/self). */
static enum err
read_self(const cJSON *json, char **account_id, struct answer *failure)
{
	const cJSON *active = json_path(json, "active", NULL);
	const char *workspace = provider_id(json, "workspace_id");
	const char *member;
	struct buf id = BUF_INIT(512);
	enum err err;

	if (cJSON_IsFalse(active)) {
		provider_answer(failure, OUTCOME_AUTH_FAILED,
		    REASON_AUTH_FAILED, "attio: the token is not active");
		return provider_failed(failure);
	}
	if (!cJSON_IsTrue(active) || workspace == NULL ||
	    !provider_optional(
		json, "authorized_by_workspace_member_id", &member))
		return provider_bad_answer(
		    failure, "attio: no active workspace");
	err = buf_add_str(&id, workspace);
	if (!err && member != NULL)
		err = buf_addf(&id, ":%s", member);
	if (!err)
		*account_id = buf_take(&id, NULL);
	else
		err = provider_bad_answer(failure, "attio: odd member");
	buf_done(&id);
	return err;
}

static enum err
account_response(
    const struct http_response *res, char **account_id, struct answer *failure)
{
	cJSON *json = NULL;
	enum err err;

	if (!provider_read(&dialect, res, &json, failure))
		return provider_failed(failure);
	err = read_self(json, account_id, failure);
	cJSON_Delete(json);
	return err;
}

/* --- Reading by id -------------------------------------------------------- */

static enum err
task_request(const struct connection *conn, const char *base_url,
    const char *id, struct http_request *out)
{
	enum err err;

	err = provider_request(out, HTTP_GET, base_url, TASKS "/");
	if (!err)
		err = provider_request_id(out, id);
	if (err)
		return err;
	return provider_request_bearer(out, conn->key);
}

static enum err
read_request(const struct connection *conn, const char *base_url,
    const char *const *ids, size_t count, struct http_request *out)
{
	if (count != 1)
		return err_set(ERR_BUG, "attio reads one task at a time");
	return task_request(conn, base_url, ids[0], out);
}

/* Is the task still in the list's scope? *in says so; returns what is wrong, or
 * NULL. An assignee that is configured by e-mail cannot be compared, because a
 * task names members by id only: the task then counts as in scope. */
static const char *
check_scope(const struct connection *conn, const struct row *row, bool *in)
{
	char *assignee = assignee_of(conn);
	const char *wrong = NULL;
	const cJSON *one;
	const char *id;

	*in = assignee == NULL || strchr(assignee, '@') != NULL;
	if (*in)
		goto out;
	if (!cJSON_IsArray(row->assignees)) {
		wrong = "a task without assignees";
		goto out;
	}
	cJSON_ArrayForEach(one, row->assignees)
	{
		id = json_str(one, "referenced_actor_id");
		*in = *in || (id != NULL && strcmp(id, assignee) == 0);
	}
out:
	free(assignee);
	return wrong;
}

static enum err
read_task(const struct connection *conn, const char *id, const cJSON *json,
    struct items *items, struct answer *failure)
{
	struct row row;
	const char *wrong;
	bool in = true;

	wrong = row_read(json_path(json, "data", NULL), &row);
	if (wrong == NULL && strcmp(row.id, id) != 0)
		wrong = "another task than was asked for";
	if (wrong == NULL && !row.is_completed)
		wrong = check_scope(conn, &row, &in);
	if (wrong != NULL)
		return provider_bad_answer(failure, "attio: %s", wrong);
	if (row.is_completed)
		return add_item(items, &row, ITEM_COMPLETED, failure);
	return add_item(items, &row, in ? ITEM_OPEN : ITEM_REASSIGNED, failure);
}

static enum err
read_response(const struct connection *conn, const char *const *ids,
    size_t count, const struct http_response *res, struct items *out,
    struct answer *failure)
{
	struct items items = { 0 };
	cJSON *json = NULL;
	enum err err;

	if (count != 1)
		return err_set(ERR_BUG, "attio reads one task at a time");
	if (provider_read(&dialect, res, &json, failure))
		err = read_task(conn, ids[0], json, &items, failure);
	else if (failure->reason == REASON_NOT_FOUND)
		err = provider_add_gone(&items, ids[0], failure);
	else
		err = provider_failed(failure);
	cJSON_Delete(json);
	if (!err)
		err = provider_items_move(&items, out);
	items_done(&items);
	return err;
}

/* --- Writes --------------------------------------------------------------- */

static enum err
write_request(const struct push *push, struct http_request *out)
{
	bool wished = push->wish == WISH_COMPLETE;
	enum err err;

	err = provider_request(out, HTTP_PATCH, push->base_url, TASKS "/");
	if (!err)
		err = provider_request_id(out, push->source_id);
	if (!err)
		err = buf_addf(&out->body, "{\"data\":{\"is_completed\":%s}}",
		    wished ? "true" : "false");
	if (err)
		return err;
	out->has_body = true;
	return provider_request_bearer(out, push->conn->key);
}

/* The answer is the task: if it is not as wished, nobody knows how it is. */
static void
write_response(const struct push *push, const struct http_response *res,
    struct answer *answer)
{
	const cJSON *completed;
	cJSON *json = NULL;
	bool wished = push->wish == WISH_COMPLETE;

	if (!provider_read(&dialect, res, &json, answer))
		return;
	completed = json_path(json, "data", "is_completed", NULL);
	if (cJSON_IsBool(completed) && cJSON_IsTrue(completed) == wished)
		provider_answer(answer, OUTCOME_ACCEPTED, REASON_DONE,
		    "attio: HTTP %d", res->status);
	else
		(void)provider_bad_answer(
		    answer, "attio: the task is not as it was set");
	cJSON_Delete(json);
}

const struct provider provider_attio = {
	.name = "attio",
	.title = "Attio",
	.list_max = LIMIT,
	.list_request = list_request,
	.list_response = list_response,
	.account_request = account_request,
	.account_response = account_response,
	.read_most = 500, /* of 100 in a second */
	.read_max = 1,
	.read_request = read_request,
	.read_response = read_response,
	.write_request = write_request,
	.write_response = write_response,
	.fulfilment = provider_state_fits,
};
