/* Todoist's writes. The invariant: a recurring task is never closed twice,
 * because the second close would skip an occurrence. So a task that may recur
 * is read first, and closed with a command whose id Todoist runs once. */
#include "todoist.h"

#include <stdio.h>
#include <string.h>

#include "core/json.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* The writes. The last two are commands of /sync, by their names there. */
#define CLOSE "close"
#define REOPEN "reopen"
#define ITEM_CLOSE "item_close"
#define ITEM_UNDO "item_update_date_complete"

/* What was stored when the task was last listed. For a completion, the due date
 * that an earlier owner read replaces the stored one. */
struct stored {
	cJSON *json;
	bool is_known; /* it is known whether it recurs */
	bool is_recurring;
	bool is_uncompletable;
	const char *due_date;   /* NULL: unknown */
	const char *updated_at; /* the item's at that time; NULL: unknown */
	bool has_rule; /* the due's string is stored; a due sent without it
			  would end the recurrence */
};

static struct stored
stored_read(const struct push *push)
{
	struct stored s = { .json = provider_object(push->source_metadata) };

	s.is_known = cJSON_IsBool(json_path(s.json, "is_recurring", NULL));
	s.is_recurring = json_bool(s.json, "is_recurring", false);
	s.is_uncompletable = json_bool(s.json, "is_uncompletable", false);
	s.due_date = json_str(s.json, "due_date");
	s.has_rule = json_str(s.json, "due_string") != NULL;
	s.updated_at = json_str(s.json, "updated_at");
	if (push->wish == WISH_COMPLETE && push->due_known) {
		s.due_date = push->due_known;
		s.updated_at = NULL;
	}
	if (!todoist_is_date(s.due_date))
		s.due_date = NULL;
	return s;
}

static void
stored_done(struct stored *s)
{
	cJSON_Delete(s->json);
}

/* The stored metadata is as old as the last poll. So the task is read first
 * unless it was stored as not recurring. If the wish came by row it is always
 * read: two may be closing the task then, and if it recurs by now, that would
 * close two occurrences. */
enum err
todoist_ask_request(
    const struct push *push, bool *asks, struct http_request *out)
{
	struct stored stored = stored_read(push);
	bool is_plain =
	    stored.is_known && !stored.is_recurring && !stored.is_uncompletable;

	stored_done(&stored);
	*asks = !push->knows_item && (push->by_row || !is_plain);
	if (!*asks)
		return OK;
	return todoist_get_request(
	    push->conn, push->base_url, push->source_id, out);
}

/* Is it the same date, though the task was changed since that was read? Then it
 * may have been moved to an earlier date, and the client's own close have led
 * back to this one. */
static bool
may_have_come_back(const struct todoist_row *now, const struct stored *stored)
{
	return now->updated_at && stored->updated_at &&
	       strcmp(now->updated_at, stored->updated_at) != 0 &&
	       strcmp(now->due_date, stored->due_date) == 0;
}

/* Can nobody tell whether this occurrence was closed already? The client that
 * changed the row may have closed it. The due date shows that only if the one
 * before is known, and the task was not moved to an earlier date since. */
static bool
may_be_closed(const struct push *push, const struct todoist_row *now,
    const struct stored *stored)
{
	if (!push->by_row || push->wish != WISH_COMPLETE || now->checked ||
	    !now->is_recurring)
		return false;
	if (stored->due_date == NULL || now->due_date == NULL)
		return true;
	if (may_have_come_back(now, stored))
		return true;
	return strcmp(now->due_date, stored->due_date) != 0 &&
	       !due_is_later(now->due_date, stored->due_date);
}

/* The write that closes the task as it now is; NULL: none is needed. If the due
 * date is later than before, an earlier send may have done it, with the same
 * result. */
static const char *
choose_close(const struct todoist_row *now, const struct stored *stored)
{
	if (now->checked)
		return NULL;
	if (!now->is_recurring)
		return CLOSE;
	return due_is_later(now->due_date, stored->due_date) ? NULL
							     : ITEM_CLOSE;
}

/* The write that reopens the task as it now is; NULL: none. What reopen does to
 * a recurring task is not documented, and only the due date shows that an
 * occurrence was closed. The documented undo is the command
 * item_update_date_complete with is_forward 0 (#Sync), with the whole due from
 * before. If that is unknown there is nothing to give back, and the task is
 * open. Nor is anything undone if the wish came by row: clients make a task
 * active when they see the next occurrence, and do not want the last one
 * back. */
static const char *
choose_reopen(const struct push *push, const struct todoist_row *now,
    const struct stored *stored)
{
	if (now->checked)
		return REOPEN;
	if (now->is_recurring && !push->by_row && stored->has_rule &&
	    due_is_later(now->due_date, stored->due_date))
		return ITEM_UNDO;
	return NULL;
}

/* A finished task may not be readable, and may be just what is to be reopened:
 * so send the write, whose answer tells if the task is gone. */
static bool
may_be_finished(struct push *push, const struct answer *answer)
{
	if (push->wish != WISH_UNCOMPLETE || answer->reason != REASON_NOT_FOUND)
		return false;
	push->knows_item = true;
	memcpy(push->target, REOPEN, sizeof(REOPEN));
	return true;
}

enum err
todoist_ask_response(struct push *push, const struct http_response *res,
    bool *decided, struct answer *answer)
{
	struct stored stored;
	const char *write;
	cJSON *json = NULL;
	struct todoist_row row;

	*decided = true;
	if (!todoist_get_response(res, push->source_id, &json, &row, answer)) {
		*decided = !may_be_finished(push, answer);
		return OK;
	}
	stored = stored_read(push);
	write = push->wish == WISH_COMPLETE
		    ? choose_close(&row, &stored)
		    : choose_reopen(push, &row, &stored);
	push->knows_item = true;
	push->target[0] = '\0';
	(void)snprintf(push->due_date, sizeof(push->due_date), "%s",
	    row.is_recurring && row.due_date ? row.due_date : "");
	if (row.is_deleted && !row.checked) {
		provider_answer(answer, OUTCOME_REJECTED, REASON_NOT_FOUND,
		    "todoist: the task is deleted");
	} else if (push->wish == WISH_COMPLETE && !row.checked &&
		   row.is_uncompletable) {
		provider_answer(answer, OUTCOME_REJECTED, REASON_UNCOMPLETABLE,
		    "todoist: its title begins with an asterisk");
	} else if (may_be_closed(push, &row, &stored)) {
		provider_answer(answer, OUTCOME_REJECTED, REASON_SOURCE_CHANGED,
		    "todoist: it recurs, and which date was meant is not "
		    "known");
	} else if (write == NULL) {
		provider_answer(answer, OUTCOME_ACCEPTED, REASON_ALREADY_DONE,
		    "todoist: it is so already");
	} else {
		*decided = false;
		memcpy(push->target, write, strlen(write) + 1);
	}
	stored_done(&stored);
	cJSON_Delete(json);
	return OK;
}

static const char *
choose_write(const struct push *push, const struct stored *stored)
{
	if (push->target[0] != '\0')
		return push->target;
	if (push->wish == WISH_COMPLETE)
		return stored->is_recurring ? ITEM_CLOSE : CLOSE;
	return stored->is_recurring && stored->due_date != NULL ? ITEM_UNDO
								: REOPEN;
}

static bool
is_command(const char *write)
{
	return strcmp(write, ITEM_CLOSE) == 0 || strcmp(write, ITEM_UNDO) == 0;
}

/* Add the whole due from before: without its string it would end the
 * recurrence. */
static bool
add_old_due(cJSON *args, const struct stored *stored)
{
	static const struct {
		const char *name, *from;
	} parts[] = {
		{ "date", "due_date" },
		{ "string", "due_string" },
		{ "lang", "due_lang" },
		{ "timezone", "due_timezone" },
	};
	cJSON *due = cJSON_AddObjectToObject(args, "due");
	bool ok = due != NULL;

	for (size_t i = 0; i < COUNT(parts); i++) {
		const char *text = json_str(stored->json, parts[i].from);
		if (text != NULL)
			ok = ok && cJSON_AddStringToObject(
				       due, parts[i].name, text) != NULL;
	}
	return ok && cJSON_AddTrueToObject(due, "is_recurring") != NULL &&
	       cJSON_AddNumberToObject(args, "is_forward", 0) != NULL;
}

/* Todoist runs a command's uuid once, however often it is sent (#Sync): a close
 * that is sent again, even by another process, skips no occurrence. */
static enum err
command_request(const struct push *push, const char *type,
    const struct stored *stored, struct http_request *out)
{
	cJSON *json = cJSON_CreateObject();
	cJSON *commands = cJSON_AddArrayToObject(json, "commands");
	cJSON *command = cJSON_CreateObject();
	cJSON *args;
	enum err err;
	bool ok;

	if (!cJSON_AddItemToArray(commands, command)) {
		cJSON_Delete(command);
		command = NULL;
	}
	ok = cJSON_AddStringToObject(command, "type", type) != NULL &&
	     cJSON_AddStringToObject(command, "uuid", push->command_id) != NULL;
	args = cJSON_AddObjectToObject(command, "args");
	ok = ok && cJSON_AddStringToObject(args, "id", push->source_id) != NULL;
	if (ok && strcmp(type, ITEM_UNDO) == 0)
		ok = add_old_due(args, stored);
	err = provider_request_body(out, json, ok);
	if (err)
		return err;
	return provider_request(out, HTTP_POST, push->base_url, "/api/v1/sync");
}

static enum err
plain_request(
    const struct push *push, const char *write, struct http_request *out)
{
	enum err err;

	err =
	    provider_request(out, HTTP_POST, push->base_url, TODOIST_TASKS "/");
	if (!err)
		err = provider_request_id(out, push->source_id);
	if (err)
		return err;
	return buf_addf(&out->url, "/%s", write);
}

enum err
todoist_write_request(const struct push *push, struct http_request *out)
{
	struct stored stored = stored_read(push);
	const char *write = choose_write(push, &stored);
	enum err err;

	if (!provider_id_is_valid(push->source_id))
		err = err_set(ERR_INPUT, "not a task's id");
	else if (is_command(write))
		err = command_request(push, write, &stored, out);
	else
		err = plain_request(push, write, out);
	stored_done(&stored);
	if (err)
		return err;
	return provider_request_bearer(out, push->conn->key);
}

/* sync_status has, for the command's uuid, "ok" or an error like REST's. */
static void
command_response(const struct push *push, const struct http_response *res,
    struct answer *answer)
{
	const cJSON *status, *code;
	cJSON *json = NULL;
	const char *text;
	int http;

	if (!provider_read(&todoist_dialect, res, &json, answer))
		return;
	status = json_path(json, "sync_status", push->command_id, NULL);
	text = cJSON_GetStringValue(status);
	if (text != NULL && strcmp(text, "ok") == 0) {
		provider_answer(answer, OUTCOME_ACCEPTED, REASON_DONE,
		    "todoist: HTTP %d ok", res->status);
	} else if (cJSON_IsObject(status)) {
		code = json_path(status, "http_code", NULL);
		http = cJSON_IsNumber(code) ? code->valueint : 0;
		provider_answer_status(
		    todoist_dialect.name, http, res->retry_after_ms, answer);
		todoist_dialect.refine(status, answer);
		if (answer->reason == REASON_BAD_ANSWER) {
			/* It is an error, whatever its number. */
			answer->outcome = OUTCOME_REJECTED;
			answer->reason = REASON_REFUSED;
		}
	} else {
		(void)provider_bad_answer(
		    answer, "todoist: no sync_status for the command");
	}
	cJSON_Delete(json);
}

/* Is it a proxy's page and not Todoist's answer? */
static bool
is_html(const struct http_response *res)
{
	size_t i = 0;

	if (strstr(res->content_type, "html") != NULL)
		return true;
	while (i < res->body.len && strchr(" \t\r\n", res->body.ptr[i]))
		i++;
	return i < res->body.len && res->body.ptr[i] == '<';
}

/* v1 documents 200 with `null`, v2 sent 204: accept any 2xx. */
static void
plain_response(const struct http_response *res, struct answer *answer)
{
	cJSON *json = NULL;

	if (provider_is_2xx(res) && is_html(res))
		(void)provider_bad_answer(
		    answer, "todoist: HTTP %d with a web page", res->status);
	else if (provider_is_2xx(res))
		provider_answer(answer, OUTCOME_ACCEPTED, REASON_DONE,
		    "todoist: HTTP %d", res->status);
	else if (provider_read(&todoist_dialect, res, &json, answer))
		cJSON_Delete(json);
}

void
todoist_write_response(const struct push *push, const struct http_response *res,
    struct answer *answer)
{
	struct stored stored = stored_read(push);

	if (is_command(choose_write(push, &stored)))
		command_response(push, res, answer);
	else
		plain_response(res, answer);
	stored_done(&stored);
}

static bool
is_plain_close(const struct push *push)
{
	struct stored stored = stored_read(push);
	bool is_plain = strcmp(choose_write(push, &stored), CLOSE) == 0;

	stored_done(&stored);
	return is_plain;
}

/* A recurring task stays open when it is closed: only its due date tells.
 * Compare it with the one that was read right before the close, since the
 * stored one may be as old as the last poll. After a plain close, which is sent
 * because the task did not recur, a date proves nothing. */
enum fulfilment
todoist_fulfilment(const struct push *push, const struct item *now)
{
	struct stored stored = stored_read(push);
	bool was_read = push->wish == WISH_COMPLETE && push->due_date[0];
	bool moved =
	    now->is_recurring &&
	    due_is_later(now->due, was_read ? push->due_date : stored.due_date);

	stored_done(&stored);
	if (now->is_recurring && now->state == ITEM_OPEN &&
	    is_plain_close(push))
		return UNCLEAR;
	/* It was checked when it was reopened, so its date says nothing. */
	if (strcmp(push->target, REOPEN) == 0 && now->state == ITEM_OPEN)
		return FULFILLED;
	if (moved && push->wish == WISH_COMPLETE)
		return FULFILLED;
	if (moved && !push->by_row)
		return UNFULFILLED;
	return provider_state_fits(push, now);
}
