/* Todoist, API v1: what became of tasks that cannot be read by id, because they
 * were finished or because the id is of an older API. */
#include <string.h>

#include "core/clock.h"
#include "core/json.h"
#include "todoist.h"

/* --- What was finished ---------------------------------------------------- */

enum err
todoist_finished_request(const struct connection *conn, const char *base_url,
    const struct span *span, const char *cursor, struct http_request *out)
{
	char since[CLOCK_TEXT], until[CLOCK_TEXT];
	enum err err;

	clock_format(span->since_ms, since);
	clock_format(span->until_ms, until);
	err = provider_request(out, HTTP_GET, base_url,
	    TODOIST_TASKS "/completed/by_completion_date");
	if (!err)
		err = buf_addf(
		    &out->url, "?since=%s&until=%s&limit=200", since, until);
	if (!err && cursor != NULL)
		err = buf_add_str(&out->url, "&cursor=");
	if (!err && cursor != NULL)
		err = buf_add_url(&out->url, cursor);
	if (err)
		return err;
	return provider_request_bearer(out, conn->key);
}

/* Only the ids of finished tasks matter. */
static enum err
read_finished(const cJSON *json, struct page *page, struct answer *failure)
{
	const cJSON *rows = json_path(json, "items", NULL);
	const cJSON *task;
	const char *id;
	struct item *item;

	if (!cJSON_IsArray(rows))
		return provider_bad_answer(failure, "todoist: no items");
	cJSON_ArrayForEach(task, rows)
	{
		page->rows++;
		id = provider_id(task, "id");
		if (id == NULL)
			return provider_bad_answer(failure,
			    "todoist: a finished task without a string as id");
		item = items_add(&page->items);
		if (item == NULL || !provider_copy(id, &item->source_id))
			return provider_no_memory(failure);
		item->state = ITEM_COMPLETED;
	}
	return OK;
}

enum err
todoist_finished_response(const struct connection *conn, const char *cursor,
    const struct http_response *res, struct page *out, struct answer *failure)
{
	struct page page = { 0 };
	cJSON *json = NULL;
	enum err err;

	(void)conn;
	if (!provider_read(&todoist_dialect, res, &json, failure))
		return provider_failed(failure);
	err = read_finished(json, &page, failure);
	/* Live answers have left next_cursor out of the last page. Nothing
	 * depends on where this list ends, so that is accepted. */
	page.end = json_path(json, "next_cursor", NULL) == NULL;
	if (!err && !page.end)
		err = todoist_read_cursor(json, cursor, &page, failure);
	cJSON_Delete(json);
	if (err) {
		page_done(&page);
		return err;
	}
	*out = page;
	return OK;
}

/* --- Old ids -------------------------------------------------------------- */

/* Up to API v9 ids were numbers; a path of v1 refuses them
 * (#Migrating-from-v9). */
bool
todoist_is_old_id(const char *source_id)
{
	return *source_id != '\0' &&
	       source_id[strspn(source_id, "0123456789")] == '\0';
}

enum err
todoist_map_request(const struct connection *conn, const char *base_url,
    const char *const *ids, size_t count, struct http_request *out)
{
	enum err err;

	err = provider_request(
	    out, HTTP_GET, base_url, "/api/v1/id_mappings/tasks/");
	for (size_t i = 0; i < count && !err; i++) {
		if (i > 0)
			err = buf_add_str(&out->url, ",");
		if (!err)
			err = provider_request_id(out, ids[i]);
	}
	if (err)
		return err;
	return provider_request_bearer(out, conn->key);
}

/* Find the new id for id. Returns what is wrong, or NULL. *new_id NULL: the
 * answer has none. */
static const char *
find_new_id(const cJSON *pairs, const char *id, const char **new_id)
{
	const cJSON *pair;
	const char *old;

	*new_id = NULL;
	cJSON_ArrayForEach(pair, pairs)
	{
		old = json_str(pair, "old_id");
		if (old == NULL)
			return "a mapping without its old id";
		if (strcmp(old, id) != 0 || json_is_null(pair, "new_id"))
			continue;
		*new_id = provider_id(pair, "new_id");
		if (*new_id == NULL)
			return "a mapping without a string as new id";
	}
	return NULL;
}

static enum err
map_one(const cJSON *pairs, const char *id, struct items *items,
    struct answer *failure)
{
	const char *new_id;
	const char *wrong = find_new_id(pairs, id, &new_id);
	struct item *item;

	if (wrong != NULL)
		return provider_bad_answer(failure, "todoist: %s", wrong);
	if (new_id == NULL)
		return provider_add_gone(items, id, failure);
	item = items_add(items);
	if (item == NULL || !provider_copy(id, &item->source_id) ||
	    !provider_copy(new_id, &item->new_id))
		return provider_no_memory(failure);
	item->state = ITEM_RENUMBERED;
	return OK;
}

/* The answer is an array, unlike all other answers of Todoist. */
enum err
todoist_map_response(const struct connection *conn, const char *const *ids,
    size_t count, const struct http_response *res, struct items *out,
    struct answer *failure)
{
	struct items items = { 0 };
	cJSON *json = NULL;
	enum err err = OK;

	(void)conn;
	if (provider_is_2xx(res))
		json = provider_json(res);
	if (!cJSON_IsArray(json)) {
		cJSON_Delete(json);
		json = NULL;
		(void)provider_read(&todoist_dialect, res, &json, failure);
		cJSON_Delete(json);
		return provider_failed(failure);
	}
	for (size_t i = 0; i < count && !err; i++)
		err = map_one(json, ids[i], &items, failure);
	cJSON_Delete(json);
	if (!err)
		err = provider_items_move(&items, out);
	items_done(&items);
	return err;
}
