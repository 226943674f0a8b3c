/* Todoist, API v1: https://developer.todoist.com/api/v1/ (its sections are
 * named with #). Items are tasks. This part reads: errors, lists, tasks by id.
 * todoist_gone.c looks for tasks that cannot be read, todoist_write.c
 * writes. */
#include "core/providers/provider.h"

#include <string.h>

#include "core/clock.h"
#include "core/json.h"
#include "todoist.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define DAY 10 /* of YYYY-MM-DD */

/* clang-format off */
static const struct {
	const char *tag;
	enum outcome outcome;
	enum reason reason;
} tags[] = {
	{ "AUTH_INSUFFICIENT_TOKEN_SCOPE", OUTCOME_AUTH_FAILED, REASON_SCOPE_MISSING },
	{ "UNAUTHORIZED",           OUTCOME_AUTH_FAILED,  REASON_AUTH_FAILED },
	{ "FORBIDDEN",              OUTCOME_REJECTED,     REASON_FORBIDDEN },
	{ "NOT_FOUND",              OUTCOME_REJECTED,     REASON_NOT_FOUND },
	{ "LIMITS_REACHED",         OUTCOME_RATE_LIMITED, REASON_RATE_LIMITED },
	{ "INVALID_ARGUMENT_VALUE", OUTCOME_REJECTED,     REASON_REFUSED },
	/* A numeric id from before v1 (#Migrating-from-v9): whatever the status,
	 * it does not say that the task is gone. */
	{ "V1_ID_CANNOT_BE_USED",   OUTCOME_REJECTED,     REASON_REFUSED },
};
/* clang-format on */

/* error_extra.retry_after is in seconds and beats the header. */
static void
refine_wait(const cJSON *error, struct answer *answer)
{
	const cJSON *wait =
	    json_path(error, "error_extra", "retry_after", NULL);

	if (answer->outcome != OUTCOME_RATE_LIMITED || !cJSON_IsNumber(wait))
		return;
	if (wait->valuedouble >= 0 && wait->valuedouble <= 3600)
		answer->retry_after_ms = (int64_t)(wait->valuedouble * 1000);
	else if (wait->valuedouble > 3600)
		answer->retry_after_ms = INT64_C(3600) * 1000;
}

/* A tag makes a refusal more precise. It does not turn a 5xx or a timeout,
 * after which the write may have happened, into a refusal, nor does it revive a
 * token that a 401 called dead. */
static void
refine(const cJSON *error, struct answer *answer)
{
	const char *tag = json_str(error, "error_tag");
	const char *words = json_str(error, "error");
	bool open = answer->outcome == OUTCOME_REJECTED ||
		    answer->reason == REASON_BAD_ANSWER;

	for (size_t i = 0; open && tag != NULL && i < COUNT(tags); i++) {
		if (strcmp(tags[i].tag, tag) != 0)
			continue;
		answer->outcome = tags[i].outcome;
		answer->reason = tags[i].reason;
	}
	if (answer->reason == REASON_NOT_FOUND && words != NULL &&
	    strstr(words, "base32") != NULL)
		answer->reason = REASON_REFUSED; /* an old id again */
	refine_wait(error, answer);
	provider_answer_add(answer, tag);
}

static bool
is_marked(const cJSON *error)
{
	return json_str(error, "error_tag") != NULL;
}

const struct dialect todoist_dialect = { "todoist", refine, is_marked };

/* --- Tasks as they are sent ---------------------------------------------- */

bool
todoist_is_date(const char *text)
{
	char day[DAY + 1] = "";
	int64_t ms;

	if (text == NULL || strlen(text) < DAY)
		return false;
	memcpy(day, text, DAY);
	return clock_parse(day, &ms);
}

/* Read the task's due. Returns what is wrong with it, or NULL. */
static const char *
row_read_due(const cJSON *task, struct todoist_row *row)
{
	const cJSON *due = json_path(task, "due", NULL);
	const cJSON *recurring = json_path(due, "is_recurring", NULL);

	if (due == NULL || cJSON_IsNull(due))
		return NULL;
	row->due = due;
	row->due_date = json_str(due, "date");
	if (!todoist_is_date(row->due_date))
		return "a due without its date";
	if (!cJSON_IsBool(recurring))
		return "a due that may recur or not";
	row->is_recurring = cJSON_IsTrue(recurring);
	return NULL;
}

/* Read a task, from which row then borrows. Returns what is wrong, or NULL. */
static const char *
row_read(const cJSON *task, struct todoist_row *row)
{
	const cJSON *deleted = json_path(task, "is_deleted", NULL);

	memset(row, 0, sizeof(*row));
	row->id = provider_id(task, "id");
	row->title = json_str(task, "content");
	row->updated_at = json_str(task, "updated_at");
	row->is_uncompletable =
	    row->title != NULL && strncmp(row->title, "* ", 2) == 0;
	row->checked = json_bool(task, "checked", false);
	row->is_deleted = cJSON_IsTrue(deleted);
	if (row->id == NULL)
		return "a task without a string as id";
	if (row->title == NULL)
		return "a task without content";
	if (!cJSON_IsBool(json_path(task, "checked", NULL)))
		return "a task that is neither checked nor unchecked";
	if (deleted != NULL && !cJSON_IsBool(deleted))
		return "a task that may be deleted or not";
	if (!provider_optional(task, "responsible_uid", &row->responsible))
		return "a responsible_uid that is no string";
	return row_read_due(task, row);
}

/* Is the task somebody else's? `GET /tasks` shows shared projects whole, with
 * the tasks of others (#Tasks). A task without a responsible person is
 * everybody's. */
static bool
is_anothers(const struct connection *conn, const struct todoist_row *row)
{
	return conn->account_id != NULL && row->responsible != NULL &&
	       strcmp(row->responsible, conn->account_id) != 0;
}

static enum item_state
row_state(const struct connection *conn, const struct todoist_row *row)
{
	if (row->checked)
		return ITEM_COMPLETED;
	if (row->is_deleted)
		return ITEM_DELETED;
	return is_anothers(conn, row) ? ITEM_REASSIGNED : ITEM_OPEN;
}

/* What later writes need. The parts of due are stored because undoing an
 * occurrence has to send all of them. updated_at is, because the same date may
 * have been changed and changed back. */
static bool
make_metadata(const cJSON *task, const struct todoist_row *row, char **out)
{
	static const struct {
		const char *name, *from;
		bool is_due;
	} parts[] = {
		{ "project_id", "project_id", false },
		{ "section_id", "section_id", false },
		{ "due_date", "date", true },
		{ "due_string", "string", true },
		{ "due_lang", "lang", true },
		{ "due_timezone", "timezone", true },
		{ "updated_at", "updated_at", false },
	};
	const cJSON *priority = json_path(task, "priority", NULL);
	cJSON *json = cJSON_CreateObject();
	bool ok;

	ok = cJSON_AddBoolToObject(json, "is_recurring", row->is_recurring) !=
	     NULL;
	if (row->is_uncompletable)
		ok = ok && cJSON_AddTrueToObject(json, "is_uncompletable");
	if (cJSON_IsNumber(priority))
		ok = ok && cJSON_AddNumberToObject(
			       json, "priority", priority->valuedouble) != NULL;
	for (size_t i = 0; i < COUNT(parts); i++) {
		const char *text =
		    json_str(parts[i].is_due ? row->due : task, parts[i].from);
		bool is_wanted =
		    row->is_recurring || strcmp(parts[i].name, "updated_at");

		if (text != NULL && is_wanted)
			ok = ok && cJSON_AddStringToObject(
				       json, parts[i].name, text) != NULL;
	}
	return provider_text(json, ok, out) == OK;
}

static bool
make_bag(const cJSON *task, const struct item *item, char **out)
{
	struct bag bag = bag_make();

	bag_text(&bag, "projectId", json_str(task, "project_id"));
	bag_value(&bag, "priority", task, "priority", cJSON_Number);
	bag_value(&bag, "due", task, "due", cJSON_Object);
	bag_value(&bag, "labels", task, "labels", cJSON_Array);
	bag_description(&bag, task);
	bag_value(&bag, "duration", task, "duration", cJSON_Object);
	bag_text(&bag, "url", item->source_url);
	return bag_take(&bag, out);
}

static bool
make_url(const char *id, char **out)
{
	struct buf url = BUF_INIT(512);

	if (buf_add_str(&url, "https://app.todoist.com/app/task/") != OK ||
	    buf_add_url(&url, id) != OK) {
		buf_done(&url);
		return false;
	}
	*out = buf_take(&url, NULL);
	return *out != NULL;
}

static enum err
add_item(struct items *items, const cJSON *task, const struct todoist_row *row,
    enum item_state state, struct answer *failure)
{
	struct item *item = items_add(items);

	if (item == NULL)
		return provider_no_memory(failure);
	item->state = state;
	item->is_recurring = row->is_recurring;
	if (!provider_copy(row->id, &item->source_id) ||
	    !provider_copy(row->title, &item->title) ||
	    !provider_copy(
		row->is_recurring ? row->due_date : NULL, &item->due) ||
	    !make_url(row->id, &item->source_url) ||
	    !make_metadata(task, row, &item->metadata))
		return provider_no_memory(failure);
	return OK;
}

/* --- Lists ---------------------------------------------------------------- */

static enum err
list_request(const struct connection *conn, const char *base_url,
    const char *cursor, size_t most, struct http_request *out)
{
	enum err err;

	/* 200 is the largest limit; 201 is refused, not lowered
	 * (#Pagination). */
	err = provider_request(out, HTTP_GET, base_url, TODOIST_TASKS);
	if (!err)
		err = buf_addf(&out->url, "?limit=%zu", most);
	if (!err && cursor != NULL)
		err = buf_add_str(&out->url, "&cursor=");
	if (!err && cursor != NULL)
		err = buf_add_url(&out->url, cursor);
	if (err)
		return err;
	return provider_request_bearer(out, conn->key);
}

/* Only next_cursor null is the end: a page may be short or empty without being
 * the last (#Pagination). */
enum err
todoist_read_cursor(const cJSON *json, const char *cursor, struct page *page,
    struct answer *failure)
{
	const char *next = json_str(json, "next_cursor");

	page->end = json_is_null(json, "next_cursor");
	if (page->end)
		return OK;
	if (next == NULL || *next == '\0')
		return provider_bad_answer(failure, "todoist: no next_cursor");
	if (cursor != NULL && strcmp(next, cursor) == 0)
		return provider_bad_answer(
		    failure, "todoist: next_cursor does not move");
	if (!provider_copy(next, &page->next_cursor))
		return provider_no_memory(failure);
	return OK;
}

/* Add a task of a list. It may be imported, so it needs a bag. */
static enum err
add_listed(struct items *items, const cJSON *task,
    const struct todoist_row *row, struct answer *failure)
{
	enum err err = add_item(items, task, row, ITEM_OPEN, failure);
	struct item *item;

	if (err)
		return err;
	item = &items->list[items->count - 1];
	if (!make_bag(task, item, &item->bag))
		return provider_no_memory(failure);
	return OK;
}

static enum err
read_rows(const struct connection *conn, const cJSON *json, struct page *page,
    struct answer *failure)
{
	const cJSON *results = json_path(json, "results", NULL);
	const cJSON *task;
	const char *wrong;
	struct todoist_row row;
	enum err err;

	if (!cJSON_IsArray(results))
		return provider_bad_answer(failure, "todoist: no results");
	cJSON_ArrayForEach(task, results)
	{
		page->rows++;
		wrong = row_read(task, &row);
		if (wrong == NULL && row_state(conn, &row) != ITEM_OPEN)
			continue;
		err = wrong != NULL
			  ? provider_add_odd(
				&page->items, "todoist", row.id, wrong, failure)
			  : add_listed(&page->items, task, &row, failure);
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

	(void)most;
	if (!provider_read(&todoist_dialect, res, &json, failure))
		return provider_failed(failure);
	err = read_rows(conn, json, &page, failure);
	if (!err)
		err = todoist_read_cursor(json, cursor, &page, failure);
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

	err = provider_request(out, HTTP_GET, base_url, "/api/v1/user");
	if (err)
		return err;
	return provider_request_bearer(out, conn->key);
}

static enum err
account_response(
    const struct http_response *res, char **account_id, struct answer *failure)
{
	cJSON *json = NULL;
	enum err err;

	if (!provider_read(&todoist_dialect, res, &json, failure))
		return provider_failed(failure);
	err = provider_account(
	    "todoist", provider_id(json, "id"), account_id, failure);
	cJSON_Delete(json);
	return err;
}

/* --- Reading by id -------------------------------------------------------- */

enum err
todoist_get_request(const struct connection *conn, const char *base_url,
    const char *id, struct http_request *out)
{
	enum err err;

	err = provider_request(out, HTTP_GET, base_url, TODOIST_TASKS "/");
	if (!err)
		err = provider_request_id(out, id);
	if (err)
		return err;
	return provider_request_bearer(out, conn->key);
}

bool
todoist_get_response(const struct http_response *res, const char *id,
    cJSON **json, struct todoist_row *row, struct answer *answer)
{
	const char *wrong;

	if (!provider_read(&todoist_dialect, res, json, answer))
		return false;
	wrong = row_read(*json, row);
	if (wrong == NULL && strcmp(row->id, id) != 0)
		wrong = "another task than was asked for";
	if (wrong == NULL)
		return true;
	(void)provider_bad_answer(answer, "todoist: %s", wrong);
	cJSON_Delete(*json);
	*json = NULL;
	return false;
}

static enum err
read_request(const struct connection *conn, const char *base_url,
    const char *const *ids, size_t count, struct http_request *out)
{
	if (count != 1)
		return err_set(ERR_BUG, "todoist reads one task at a time");
	return todoist_get_request(conn, base_url, ids[0], out);
}

/* Live answers give a finished task as 200 with checked true, though the
 * documentation speaks of active tasks only (#Tasks). If one day it is not
 * found, it reads as not visible, and more than one complete run must agree on
 * that. */
static enum err
read_response(const struct connection *conn, const char *const *ids,
    size_t count, const struct http_response *res, struct items *out,
    struct answer *failure)
{
	struct items items = { 0 };
	cJSON *json = NULL;
	struct todoist_row row;
	enum err err;

	if (count != 1)
		return err_set(ERR_BUG, "todoist reads one task at a time");
	if (todoist_get_response(res, ids[0], &json, &row, failure))
		err = add_item(
		    &items, json, &row, row_state(conn, &row), failure);
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

const struct provider provider_todoist = {
	.name = "todoist",
	.title = "Todoist",
	.list_max = 200,
	.list_request = list_request,
	.list_response = list_response,
	.account_request = account_request,
	.account_response = account_response,
	.read_max = 1,
	.read_most = 40, /* of 1000 in 15 minutes */
	.read_request = read_request,
	.read_response = read_response,
	.finished_request = todoist_finished_request,
	.finished_response = todoist_finished_response,
	.is_old_id = todoist_is_old_id,
	.map_max = 100, /* more are refused */
	.map_request = todoist_map_request,
	.map_response = todoist_map_response,
	.ask_request = todoist_ask_request,
	.ask_response = todoist_ask_response,
	.write_request = todoist_write_request,
	.write_response = todoist_write_response,
	.fulfilment = todoist_fulfilment,
};
