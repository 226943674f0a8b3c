/* The list of providers, and what their readers and writers share: ids that are
 * safe in a URL, keys that are safe in a header, and the one table of what an
 * HTTP status means. No I/O, and no vendor's name except in the list. */
#include "core/providers/provider.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "core/json.h"
#include "shared.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* How much of a vendor's own words goes into a log line. */
#define FOREIGN_MAX 48

static const struct provider *const providers[] = {
	&provider_todoist,
	&provider_linear,
	&provider_attio,
};

const struct provider *
provider_at(size_t i)
{
	return i < COUNT(providers) ? providers[i] : NULL;
}

const struct provider *
provider_by_name(const char *name)
{
	for (size_t i = 0; i < COUNT(providers); i++) {
		if (strcmp(providers[i]->name, name) == 0)
			return providers[i];
	}
	return NULL;
}

bool
provider_has_id(const struct provider *provider, const char *source_id)
{
	return provider_id_is_valid(source_id) &&
	       (!provider->is_id || provider->is_id(source_id));
}

const char *
provider_names(char *out, size_t size)
{
	size_t used = 0;

	for (size_t i = 0; i < COUNT(providers) && used < size; i++) {
		const char *before = i == 0                      ? ""
				     : i + 1 == COUNT(providers) ? " or "
								 : ", ";

		used += (size_t)snprintf(out + used, size - used, "%s%s",
		    before, providers[i]->name);
	}
	return out;
}

void
push_done(struct push *push)
{
	free(push->metadata_patch);
	push->metadata_patch = NULL;
}

bool
provider_id_is_valid(const char *id)
{
	static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "abcdefghijklmnopqrstuvwxyz"
				      "0123456789_-";
	size_t n;

	if (id == NULL)
		return false;
	n = strspn(id, allowed);
	return id[n] == '\0' && n > 0 && n <= PROVIDER_ID_MAX;
}

const char *
provider_id(const cJSON *object, const char *name)
{
	const char *id = json_str(object, name);

	return provider_id_is_valid(id) ? id : NULL;
}

bool
provider_optional(const cJSON *object, const char *name, const char **out)
{
	const cJSON *value = json_path(object, name, NULL);

	*out = cJSON_GetStringValue(value);
	return value == NULL || cJSON_IsNull(value) || *out != NULL;
}

enum err
provider_request(struct http_request *out, enum http_method method,
    const char *base_url, const char *path)
{
	enum err err;

	out->method = method;
	err = buf_add_str(&out->url, base_url);
	if (err)
		return err;
	return buf_add_str(&out->url, path);
}

enum err
provider_request_id(struct http_request *out, const char *id)
{
	if (!provider_id_is_valid(id))
		return err_set(ERR_INPUT, "not an item's id");
	return buf_add_url(&out->url, id);
}

enum err
provider_key(const char *stored, const char **key)
{
	static const char bearer[] = "Bearer ";
	const char *start = stored != NULL ? stored : "";

	if (strncasecmp(start, bearer, sizeof(bearer) - 1) == 0)
		start += sizeof(bearer) - 1;
	if (*start == '\0')
		return err_set(ERR_AUTH, "the connection has no key");
	for (const char *p = start; *p != '\0'; p++) {
		/* A line break would end the header and begin another. */
		if (*p <= ' ' || *p > '~')
			return err_set(ERR_AUTH,
			    "the connection's key has a character that no "
			    "provider's key has");
	}
	*key = start;
	return OK;
}

enum err
provider_request_bearer(struct http_request *out, const char *key)
{
	const char *bare = NULL;
	enum err err;

	err = provider_key(key, &bare);
	if (err)
		return err;
	err = buf_add_str(&out->authorization, "Bearer ");
	if (err)
		return err;
	return buf_add_str(&out->authorization, bare);
}

enum err
provider_add_odd(struct items *items, const char *dialect, const char *id,
    const char *wrong, struct answer *failure)
{
	struct item *item;

	if (id == NULL)
		return provider_bad_answer(failure, "%s: %s", dialect, wrong);
	item = items_add(items);
	if (item == NULL || !provider_copy(id, &item->source_id) ||
	    !provider_copy(wrong, &item->title))
		return provider_no_memory(failure);
	item->is_odd = true;
	return OK;
}

enum err
provider_text(cJSON *json, bool complete, char **out)
{
	char *text = NULL;

	if (json != NULL && complete)
		text = cJSON_PrintUnformatted(json);
	cJSON_Delete(json);
	if (text == NULL)
		return err_set(ERR_NOMEM, "no memory for JSON");
	*out = text;
	return OK;
}

enum err
provider_request_body(struct http_request *out, cJSON *json, bool complete)
{
	char *text = NULL;
	enum err err;

	err = provider_text(json, complete, &text);
	if (err)
		return err;
	err = buf_add_str(&out->body, text);
	cJSON_free(text);
	out->has_body = true;
	return err;
}

cJSON *
provider_object(const char *text)
{
	cJSON *json = NULL;

	if (text == NULL || json_parse(text, strlen(text), &json) != OK)
		return NULL;
	if (cJSON_IsObject(json))
		return json;
	cJSON_Delete(json);
	return NULL;
}

static void
answer_set(struct answer *answer, enum outcome outcome, enum reason reason)
{
	answer->outcome = outcome;
	answer->reason = reason;
	answer->retry_after_ms = -1;
	answer->is_relayed = false;
	answer->detail[0] = '\0';
}

void
provider_answer(struct answer *answer, enum outcome outcome, enum reason reason,
    const char *fmt, ...)
{
	va_list args;

	answer_set(answer, outcome, reason);
	va_start(args, fmt);
	(void)vsnprintf(answer->detail, sizeof(answer->detail), fmt, args);
	va_end(args);
}

void
provider_answer_add(struct answer *answer, const char *text)
{
	size_t at = strlen(answer->detail);
	size_t n = 0;

	if (text == NULL || *text == '\0' || at + 2 >= sizeof(answer->detail))
		return;
	answer->detail[at++] = ' ';
	for (; *text != '\0' && n < FOREIGN_MAX; text++, n++) {
		if (at + 1 >= sizeof(answer->detail))
			break;
		answer->detail[at] = *text;
		if (*text < ' ' || *text > '~')
			answer->detail[at] = '?';
		at++;
	}
	answer->detail[at] = '\0';
}

bool
provider_was_not_carried(
    const char *name, const struct http_response *res, struct answer *answer)
{
	bool timed_out;

	if (res->carried == HTTP_ANSWERED)
		return false;
	timed_out = strcasestr(res->why, "timeout") != NULL;
	if (res->carried == HTTP_NOT_SENT)
		provider_answer(answer, OUTCOME_UNKNOWN, REASON_UNREACHABLE,
		    "%s: not sent:", name);
	else
		provider_answer(answer, OUTCOME_UNKNOWN,
		    timed_out ? REASON_TIMEOUT : REASON_NO_ANSWER,
		    "%s: no answer:", name);
	provider_answer_add(answer, res->why);
	return true;
}

/* clang-format off */
static const struct {
	int first, last;
	enum outcome outcome;
	enum reason reason;
} statuses[] = {
	{ 401, 401, OUTCOME_AUTH_FAILED,  REASON_AUTH_FAILED },
	{ 403, 403, OUTCOME_REJECTED,     REASON_FORBIDDEN },
	{ 404, 404, OUTCOME_REJECTED,     REASON_NOT_FOUND },
	{ 408, 408, OUTCOME_UNKNOWN,      REASON_TIMEOUT },
	{ 410, 410, OUTCOME_REJECTED,     REASON_GONE_API },
	{ 429, 429, OUTCOME_RATE_LIMITED, REASON_RATE_LIMITED },
	/* A redirect is not followed: the key is for one host only. */
	{ 300, 499, OUTCOME_REJECTED,     REASON_REFUSED },
	{ 500, 599, OUTCOME_UNKNOWN,      REASON_SERVER_ERROR },
	/* 2xx, and what is no status at all */
	{   0,   0, OUTCOME_UNKNOWN,      REASON_BAD_ANSWER },
};
/* clang-format on */

void
provider_answer_status(
    const char *name, int status, int64_t retry_after_ms, struct answer *answer)
{
	size_t i = 0;

	while (i < COUNT(statuses) - 1 &&
	       (status < statuses[i].first || status > statuses[i].last))
		i++;
	provider_answer(answer, statuses[i].outcome, statuses[i].reason,
	    "%s: HTTP %d", name, status);
	if (answer->outcome == OUTCOME_RATE_LIMITED)
		answer->retry_after_ms = retry_after_ms;
	/* a proxy in front of the provider got no answer from it */
	answer->is_relayed =
	    status == 502 || status == 504 || (status >= 520 && status <= 527);
}

/* Such an answer may come from a proxy, a firewall or a wrong base URL: nobody
 * may conclude from it that an item is gone, a key dead or a change refused.
 * Two cases count whoever sent them: an API that is gone (410), which vendors
 * say in plain text, and "too many requests". */
void
provider_not_the_vendors(const char *name, int status, struct answer *answer)
{
	if ((answer->outcome != OUTCOME_REJECTED &&
		answer->outcome != OUTCOME_AUTH_FAILED) ||
	    answer->reason == REASON_GONE_API)
		return;
	provider_answer(answer, OUTCOME_UNKNOWN, REASON_BAD_ANSWER,
	    "%s: HTTP %d without the vendor's error", name, status);
}

static bool
says_json(const char *content_type)
{
	size_t n = strlen(content_type);

	return strcmp(content_type, "application/json") == 0 ||
	       (n > 5 && strcmp(content_type + n - 5, "+json") == 0);
}

cJSON *
provider_json(const struct http_response *res)
{
	cJSON *json = NULL;

	if (!says_json(res->content_type) || res->body.len == 0)
		return NULL;
	if (json_parse_foreign(res->body.ptr, res->body.len, &json) != OK)
		return NULL;
	return json;
}

bool
provider_is_2xx(const struct http_response *res)
{
	return res->carried == HTTP_ANSWERED && res->status >= 200 &&
	       res->status <= 299;
}

bool
provider_read(const struct dialect *dialect, const struct http_response *res,
    cJSON **json, struct answer *answer)
{
	cJSON *body;

	*json = NULL;
	if (provider_was_not_carried(dialect->name, res, answer))
		return false;
	body = provider_json(res);
	provider_answer_status(
	    dialect->name, res->status, res->retry_after_ms, answer);
	if (provider_is_2xx(res) && cJSON_IsObject(body)) {
		*json = body;
		return true;
	}
	if (provider_is_2xx(res))
		provider_answer_add(answer, "is not a JSON object");
	else if (cJSON_IsObject(body) && dialect->is_marked(body))
		dialect->refine(body, answer);
	else
		provider_not_the_vendors(dialect->name, res->status, answer);
	cJSON_Delete(body);
	return false;
}

enum err
provider_failed(const struct answer *failure)
{
	enum err err = ERR_REMOTE;

	if (failure->outcome == OUTCOME_AUTH_FAILED)
		err = ERR_AUTH;
	if (failure->outcome == OUTCOME_RATE_LIMITED)
		err = ERR_BUSY;
	return err_set(err, "%s", failure->detail);
}

enum err
provider_bad_answer(struct answer *failure, const char *fmt, ...)
{
	va_list args;

	answer_set(failure, OUTCOME_UNKNOWN, REASON_BAD_ANSWER);
	va_start(args, fmt);
	(void)vsnprintf(failure->detail, sizeof(failure->detail), fmt, args);
	va_end(args);
	return provider_failed(failure);
}

enum err
provider_no_memory(struct answer *failure)
{
	provider_answer(failure, OUTCOME_UNKNOWN, REASON_NO_ANSWER,
	    "no memory for the answer");
	return err_set(ERR_NOMEM, "no memory for a provider's answer");
}

bool
provider_copy(const char *text, char **out)
{
	*out = NULL;
	if (text == NULL)
		return true;
	*out = strdup(text);
	return *out != NULL;
}

enum err
provider_account(
    const char *name, const char *id, char **out, struct answer *failure)
{
	if (id == NULL)
		return provider_bad_answer(
		    failure, "%s: a user without a string as id", name);
	return provider_copy(id, out) ? OK : provider_no_memory(failure);
}

enum err
provider_items_move(struct items *from, struct items *to)
{
	struct item *slot;

	for (size_t i = 0; i < from->count; i++) {
		slot = items_add(to);
		if (slot == NULL)
			return err_set(ERR_NOMEM, "no memory for items");
		*slot = from->list[i];
		memset(&from->list[i], 0, sizeof(from->list[i]));
	}
	items_done(from);
	return OK;
}

enum err
provider_add_gone(struct items *items, const char *id, struct answer *failure)
{
	struct item *item = items_add(items);

	if (item == NULL || !provider_copy(id, &item->source_id))
		return provider_no_memory(failure);
	item->state = ITEM_NOT_VISIBLE;
	return OK;
}

/* clang-format off */
static const struct {
	bool complete, uncomplete;
} fits[] = {
	[ITEM_OPEN]        = { false, true },
	[ITEM_COMPLETED]   = { true,  false },
	[ITEM_CANCELED]    = { false, false },
	[ITEM_DUPLICATE]   = { false, false },
	[ITEM_DELETED]     = { true,  false },
	[ITEM_ARCHIVED]    = { false, true },
	[ITEM_REASSIGNED]  = { false, true },
	[ITEM_MOVED]       = { false, true },
	[ITEM_NOT_VISIBLE] = { true,  false },
	[ITEM_RENUMBERED]  = { false, false },
};
/* clang-format on */
_Static_assert(COUNT(fits) == ITEM_STATE_COUNT, "a row each");

enum fulfilment
provider_state_fits(const struct push *push, const struct item *now)
{
	bool is_so = push->wish == WISH_COMPLETE ? fits[now->state].complete
						 : fits[now->state].uncomplete;

	return is_so ? FULFILLED : UNFULFILLED;
}
