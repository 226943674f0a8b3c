/* What the providers' writers and readers share. Private to this folder. */
#ifndef CORE_PROVIDERS_SHARED_H
#define CORE_PROVIDERS_SHARED_H

#include <stdbool.h>
#include <cjson/cJSON.h>

#include "core/providers/provider.h"

/* --- Ids ------------------------------------------------------------------
 * Opaque, but never so opaque that one could leave its place in a URL. */

#define PROVIDER_ID_MAX 128

/* Is id 1 to 128 characters of A-Z a-z 0-9 _ and -? NULL is not. */
bool provider_id_is_valid(const char *id);

/* The string at name if it is a valid id, else NULL. A number gives NULL too:
 * an id that went through a double is no longer the same. */
const char *provider_id(const cJSON *object, const char *name);

/* Set *out to the string at name, or NULL if it is missing or null. False: it
 * is something else, which no vendor documents. */
bool provider_optional(const cJSON *object, const char *name, const char **out);

/* --- Requests -------------------------------------------------------------
 * out is born with HTTP_REQUEST_INIT; the caller gives it to
 * http_request_done() whether this worked or not. */

enum err provider_request(struct http_request *out, enum http_method method,
    const char *base_url, const char *path) MUST_CHECK;

/* Append id to the URL. ERR_INPUT: it is not a valid id. */
enum err provider_request_id(
    struct http_request *out, const char *id) MUST_CHECK;

/* The stored key without a "Bearer " in front of it. *key points into stored.
 * ERR_AUTH: it is empty or has bytes that no header may carry. */
enum err provider_key(const char *stored, const char **key) MUST_CHECK;

enum err provider_request_bearer(
    struct http_request *out, const char *key) MUST_CHECK;

/* Set the body to json, which is freed. json NULL, or complete false, means
 * that memory ran out while it was built: ERR_NOMEM. */
enum err provider_request_body(
    struct http_request *out, cJSON *json, bool complete) MUST_CHECK;

/* Note a row of a list that cannot be read; wrong says why. With an id it
 * becomes one odd item, of which it is known only that it is listed. Without
 * one the whole list cannot be used: ERR_REMOTE. */
enum err provider_add_odd(struct items *items, const char *dialect,
    const char *id, const char *wrong, struct answer *failure) MUST_CHECK;

/* json, which is freed, as text that the caller frees. json and complete as
 * above. */
enum err provider_text(cJSON *json, bool complete, char **out) MUST_CHECK;

/* Parse stored JSON object text; NULL if it is none. The caller calls
 * cJSON_Delete(). */
cJSON *provider_object(const char *text);

/* --- Bags -----------------------------------------------------------------
 * What Flowpin's own client keeps of an imported item; provider.h says what
 * stands in each provider's. Texts and values are borrowed until bag_take(). */

struct bag {
	cJSON *json;
	bool is_whole; /* false: memory ran out */
};
struct bag bag_make(void);

/* Add text under name; NULL adds nothing. */
void bag_text(struct bag *bag, const char *name, const char *text);

/* Add object's description, cut to ITEM_DESCRIPTION_MAX; nothing if it is
 * missing, empty or no string. */
void bag_description(struct bag *bag, const cJSON *object);

/* Add object's member from under name, as it was sent; nothing if it is not of
 * this cJSON type. */
void bag_value(struct bag *bag, const char *name, const cJSON *object,
    const char *from, int type);

/* The bag as JSON text that the caller frees. bag is freed either way. False:
 * memory is out. */
bool bag_take(struct bag *bag, char **out);

/* --- Responses ------------------------------------------------------------ */

/* How one vendor's errors differ from what HTTP says. */
struct dialect {
	const char *name;
	/* answer says what the status alone means; make it say what the error's
	 * body (an object) means. */
	void (*refine)(const cJSON *error, struct answer *answer);
	/* Does the body (an object) have the marks of the vendor's own errors?
	 * If not, it came from something in between. */
	bool (*is_marked)(const cJSON *error);
};

void provider_answer(struct answer *answer, enum outcome outcome,
    enum reason reason, const char *fmt, ...) PRINTF_LIKE(4, 5);

/* Append " text" to answer's detail, cut short and without bytes that could
 * harm a log line. */
void provider_answer_add(struct answer *answer, const char *text);

/* Was there no answer? Then answer is set to what that means. */
bool provider_was_not_carried(
    const char *name, const struct http_response *res, struct answer *answer);

/* Set answer to what an HTTP status means by itself. For a 2xx that is: not
 * what was expected. */
void provider_answer_status(const char *name, int status,
    int64_t retry_after_ms, struct answer *answer);

/* A refusal without the vendor's marks proves nothing: make answer say that
 * nothing is known. */
void provider_not_the_vendors(
    const char *name, int status, struct answer *answer);

/* The body, if it says that it is JSON and is; else NULL. The caller calls
 * cJSON_Delete(). */
cJSON *provider_json(const struct http_response *res);

bool provider_is_2xx(const struct http_response *res);

/* What every reader of a REST answer does first. True: it is a 2xx with a JSON
 * object, *json, which the caller frees. False: answer says why not. */
bool provider_read(const struct dialect *dialect,
    const struct http_response *res, cJSON **json, struct answer *answer);

/* The enum err that belongs to a reader's failure. */
enum err provider_failed(const struct answer *failure);

/* Describe in failure a 2xx that is not what the vendor documents.
 * ERR_REMOTE. */
enum err provider_bad_answer(struct answer *failure, const char *fmt, ...)
    PRINTF_LIKE(2, 3);

/* ERR_NOMEM, with a failure after which nothing is known. */
enum err provider_no_memory(struct answer *failure);

/* What an account_response() does last: id is the account of the key; if it is
 * NULL, the answer is a bad one. */
enum err provider_account(
    const char *name, const char *id, char **out, struct answer *failure);

/* strdup() that takes NULL for NULL. False: memory is out. */
bool provider_copy(const char *text, char **out);

/* Add an item that the provider does not show. */
enum err provider_add_gone(
    struct items *items, const char *id, struct answer *failure) MUST_CHECK;

/* Move all of from to the end of to; from is empty afterwards. */
enum err provider_items_move(struct items *from, struct items *to) MUST_CHECK;

/* fulfilment() for a provider where the item's state alone tells. An item that
 * can no longer be read counts as completed: there is nothing left to
 * complete. */
enum fulfilment provider_state_fits(
    const struct push *push, const struct item *now);

#endif
