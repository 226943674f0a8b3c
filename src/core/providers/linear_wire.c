/* How Linear wraps requests and errors. The HTTP status says little here: a 200
 * may be a failure, a 400 a rate limit, and data may stand beside errors. So no
 * answer counts before linear_read() has accepted it. */
#include "linear.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "core/json.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* --- Requests ------------------------------------------------------------- */

/* A personal key is sent bare, and is refused after a "Bearer "; an OAuth token
 * needs the "Bearer " (developers/graphql, #authentication). */
static enum err
authorize(const struct connection *conn, struct http_request *out)
{
	static const char oauth[] = "lin_oauth_";
	const char *bare;
	enum err err;

	err = provider_key(conn->key, &bare);
	if (err)
		return err;
	if (bare != conn->key || strncmp(bare, oauth, sizeof(oauth) - 1) == 0)
		return provider_request_bearer(out, bare);
	return buf_add_str(&out->authorization, bare);
}

enum err
linear_request(const struct connection *conn, const char *base_url,
    const char *document, cJSON *variables, bool complete,
    struct http_request *out)
{
	cJSON *json = cJSON_CreateObject();
	bool ok = complete && variables != NULL;
	enum err err;

	ok = ok && cJSON_AddStringToObject(json, "query", document) != NULL;
	if (!ok || !cJSON_AddItemToObject(json, "variables", variables)) {
		cJSON_Delete(variables);
		ok = false;
	}
	err = provider_request_body(out, json, ok);
	if (!err)
		err = provider_request(out, HTTP_POST, base_url, "/graphql");
	if (err)
		return err;
	return authorize(conn, out);
}

/* --- Errors --------------------------------------------------------------- */

/* extensions.type decides; extensions.code does only where there is no type.
 * The types are those of the SDK's error.ts. */
/* clang-format off */
static const struct kind {
	const char *type, *code;
	enum outcome outcome;
	enum reason reason;
} kinds[] = {
	{ "ratelimited",            "RATELIMITED",          OUTCOME_RATE_LIMITED, REASON_RATE_LIMITED },
	{ "authentication error",   "AUTHENTICATION_ERROR", OUTCOME_AUTH_FAILED,  REASON_AUTH_FAILED },
	{ "forbidden",              "FORBIDDEN",            OUTCOME_REJECTED,     REASON_FORBIDDEN },
	{ "invalid input",          "INPUT_ERROR",          OUTCOME_REJECTED,     REASON_REFUSED },
	{ "graphql error",          NULL,                   OUTCOME_REJECTED,     REASON_REFUSED },
	{ "user error",             NULL,                   OUTCOME_REJECTED,     REASON_REFUSED },
	{ "usage limit exceeded",   NULL,                   OUTCOME_REJECTED,     REASON_REFUSED },
	{ "feature not accessible", NULL,                   OUTCOME_REJECTED,     REASON_REFUSED },
	/* These may come after the change was made. */
	{ "internal error",         NULL,                   OUTCOME_UNKNOWN,      REASON_SERVER_ERROR },
	{ "lock timeout",           NULL,                   OUTCOME_UNKNOWN,      REASON_SERVER_ERROR },
	{ "bootstrap error",        NULL,                   OUTCOME_UNKNOWN,      REASON_SERVER_ERROR },
	{ "network error",          NULL,                   OUTCOME_UNKNOWN,      REASON_SERVER_ERROR },
	{ "other",                  NULL,                   OUTCOME_UNKNOWN,      REASON_SERVER_ERROR },
	{ "unknown",                NULL,                   OUTCOME_UNKNOWN,      REASON_SERVER_ERROR },
};
/* clang-format on */

bool
linear_is_same(const char *a, const char *b)
{
	return a != NULL && b != NULL && strcmp(a, b) == 0;
}

static const struct kind *
kind_find(const char *type, const char *code)
{
	if (linear_is_same(code, kinds[0].code))
		return &kinds[0]; /* it beats any type (rate-limiting) */
	for (size_t i = 0; type != NULL && i < COUNT(kinds); i++) {
		if (linear_is_same(type, kinds[i].type))
			return &kinds[i];
	}
	for (size_t i = 0; type == NULL && i < COUNT(kinds); i++) {
		if (linear_is_same(code, kinds[i].code))
			return &kinds[i];
	}
	return NULL;
}

/* How long to wait: X-RateLimit-*-Reset is the vendor's own word; a
 * Retry-After, if there is one, comes from a proxy in front. The buckets last
 * an hour. */
static int64_t
wait_ms(const struct http_response *res)
{
	const int64_t hour = INT64_C(3600) * 1000;
	int64_t wait = res->reset_at_ms - res->now_ms;

	if (res->reset_at_ms <= 0 || wait < 0)
		return res->retry_after_ms;
	return wait < hour ? wait : hour;
}

/* Does text begin with the whole word, in capitals or not? */
static bool
begins_with_word(const char *text, const char *word)
{
	size_t n = strlen(word);

	return strncasecmp(text, word, n) == 0 &&
	       !isalnum((unsigned char)text[n]);
}

/* An unknown id and a bad argument differ only in their message. The prefix
 * "Entity not found" is looked for first. What stands between it and the colon,
 * and after the entity's name, is for people. */
static void
refine_invalid_input(const char *message, struct answer *answer)
{
	static const char prefix[] = "Entity not found";
	const char *entity;

	if (message == NULL)
		return;
	entity = strchr(message, ':');
	if (entity == NULL ||
	    strncmp(message, prefix, sizeof(prefix) - 1) != 0) {
		if (strcasestr(message, "state") != NULL) {
			answer->reason = REASON_STATE_REFUSED;
		} else if (strstr(message, "Bearer") != NULL) {
			answer->outcome = OUTCOME_AUTH_FAILED;
			answer->reason = REASON_AUTH_FAILED;
		}
		return;
	}
	entity += 1 + strspn(entity + 1, " ");
	if (begins_with_word(entity, "Issue"))
		answer->reason = REASON_NOT_FOUND;
	else if (begins_with_word(entity, "Team") ||
		 strcasestr(entity, "state") != NULL)
		answer->reason = REASON_STATE_REFUSED;
}

/* Say in answer what errors[0] means, in the order of the vendor's SDK: first
 * the rate limit, then the type, then the HTTP status. */
static void
explain(
    const struct http_response *res, const cJSON *error, struct answer *answer)
{
	const cJSON *extensions = json_path(error, "extensions", NULL);
	const char *type = json_str(extensions, "type");
	const char *code = json_str(extensions, "code");
	const struct kind *kind = kind_find(type, code);

	/* a code that any GraphQL server may use proves nothing about the
	 * vendor */
	if (type == NULL && kind == NULL)
		provider_not_the_vendors("linear", res->status, answer);
	if (kind != NULL) {
		answer->outcome = kind->outcome;
		answer->reason = kind->reason;
	}
	answer->retry_after_ms =
	    answer->outcome == OUTCOME_RATE_LIMITED ? wait_ms(res) : -1;
	if (answer->outcome == OUTCOME_REJECTED &&
	    answer->reason == REASON_REFUSED &&
	    (type == NULL || strcmp(type, "invalid input") == 0))
		refine_invalid_input(json_str(error, "message"), answer);
	provider_answer_add(
	    answer, type != NULL ? type : "errors without a type");
}

bool
linear_read(
    const struct http_response *res, cJSON **json, struct answer *answer)
{
	const cJSON *errors;

	*json = NULL;
	if (provider_was_not_carried("linear", res, answer))
		return false;
	*json = provider_json(res);
	errors = json_path(*json, "errors", NULL);
	provider_answer_status("linear", res->status, wait_ms(res), answer);
	/* All requests have one URL, so a 404 says nothing about an issue. */
	if (answer->reason == REASON_NOT_FOUND)
		answer->reason = REASON_REFUSED;
	if (errors != NULL && !cJSON_IsNull(errors) &&
	    !(cJSON_IsArray(errors) && errors->child == NULL)) {
		explain(res, cJSON_GetArrayItem(errors, 0), answer);
		return false;
	}
	if (!provider_is_2xx(res)) {
		provider_not_the_vendors("linear", res->status, answer);
		return false;
	}
	if (cJSON_IsObject(json_path(*json, "data", NULL)))
		return true;
	provider_answer_add(answer, "without data");
	return false;
}

const char *
linear_list_read(const cJSON *list, const char *cursor, const cJSON **nodes,
    const char **next)
{
	const cJSON *more = json_path(list, "pageInfo", "hasNextPage", NULL);
	const cJSON *info = json_path(list, "pageInfo", NULL);

	*next = NULL;
	*nodes = json_path(list, "nodes", NULL);
	if (!cJSON_IsArray(*nodes))
		return "no nodes";
	if (!cJSON_IsBool(more))
		return "no hasNextPage";
	if (!cJSON_IsTrue(more))
		return NULL;
	*next = json_str(info, "endCursor");
	if (*next == NULL || **next == '\0')
		return "more pages but no endCursor";
	if (cursor != NULL && strcmp(*next, cursor) == 0)
		return "endCursor does not move";
	return NULL;
}
