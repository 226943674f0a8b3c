/* Where providers, HTTP and decisions meet: sends the requests that a provider
 * wrote and gives it the answers to read. Does not use the database. */
#ifndef CORE_COURIER_COURIER_H
#define CORE_COURIER_COURIER_H

#include "core/config.h"
#include "core/crypto.h"
#include "core/http.h"
#include "core/model.h"
#include "core/providers/provider.h"
#include "core/sync/verdict.h"

struct circuit;

/* One per process, shared by its threads. */
struct courier {
	struct http *http;
	struct circuit *circuits; /* as provider_at() orders them */
	struct crypto_keys keys;
	const struct config *config;
};

/* Open the master keys and HTTP as the settings say; config must outlive
 * courier. ERR_CONFIG says which setting is wrong; after a failure courier is
 * closed. */
enum err courier_open(
    struct courier *courier, const struct config *config) MUST_CHECK;
void courier_close(struct courier *courier);

/* Called before a write whose effect the item alone does not show, to keep what
 * was read and what is to be sent (see struct push). If it does not return OK,
 * nothing is sent. It is also called with an empty target where nothing is to
 * be sent and the task is active for the date that was read; then its answer
 * changes nothing. */
typedef enum err courier_keep(
    void *context, const struct writeback *w, const struct push *push);

/* Bring one writeback to its end, or as near as deadline_ms (clock_mono_ms())
 * allows: ask what must be asked, write, read by id what is unclear, repeat
 * what may be repeated. is_patient: nobody waits for the answer, so another
 * attempt later is as good. Never fails: everything that can happen is a
 * verdict. *metadata_patch is what was learnt of the connection, which the
 * caller frees, or NULL. keep is called with context. */
void courier_deliver(const struct courier *courier, struct writeback *w,
    int64_t deadline_ms, bool is_patient, courier_keep *keep, void *context,
    struct verdict *out, char **metadata_patch);

/* Every page of a connection's active list. */
struct fetched {
	struct items items; /* sorted by source_id, none twice */
	char *account_id;
	char *metadata_patch;
	int pages;
	size_t repeated; /* rows that came again because pages shifted */
	size_t odd;      /* items that could not be read */
	char digest[CRYPTO_SHA256_HEX]; /* of items */
	bool is_quiet;          /* it is the list that was known already */
	char *other_account_id; /* the key's, where it is not conn's */
};
void fetched_done(struct fetched *fetched);

/* Fetch all that is listed. known: the digest of a list that would say nothing
 * new, or "". If it is that list (is_quiet), it may not have been asked whose
 * list it is: see courier_ask_account(). After a failure nothing of the list
 * may be used, but out->pages is right, and *failure says what happened.
 * ERR_AUTH, ERR_BUSY (rate limited), ERR_CONFLICT (the key is another
 * account's, out->other_account_id), ERR_TIMEOUT, ERR_REMOTE, ERR_CONFIG (no
 * such provider, or the key cannot be opened), ERR_NOMEM. Call fetched_done()
 * either way. */
enum err courier_fetch(const struct courier *courier, struct connection *conn,
    const char *known, int64_t deadline_ms, struct fetched *out,
    struct answer *failure) MUST_CHECK;

/* Ask whose list it is. To be called before anything is concluded from a list
 * that is_quiet. Fails as courier_fetch() does. */
enum err courier_ask_account(const struct courier *courier,
    struct connection *conn, int64_t deadline_ms, struct fetched *out,
    struct answer *failure) MUST_CHECK;

/* After a refusal or a not found: is it about the key, because the provider
 * refuses to tell its owner too, or because that is another account than
 * account_id? Else it was about the item, or a right that the key lacks. conn's
 * key is open. account_id NULL: any account will do. KEY_UNKNOWN: the provider
 * did not say. */
enum key_word { KEY_UNKNOWN, KEY_WORKS, KEY_REFUSED, KEY_OF_ANOTHER };
enum key_word courier_ask_key(const struct courier *courier,
    struct connection *conn, const char *account_id, int64_t deadline_ms);

/* Read items by id, in as few requests as the provider allows. out gets one
 * item for each id that the provider spoke of, sorted by source_id; of the
 * other ids nothing is known. Where the provider has such questions, items that
 * cannot be seen by id are looked for among the finished ones, and old ids are
 * translated. Stops at the first failure that concerns the whole connection.
 * Returns for how many ms the provider asked to be left alone; 0: it did
 * not. */
int64_t courier_read(const struct courier *courier, struct connection *conn,
    const char *const *ids, size_t count, int64_t deadline_ms,
    struct items *out);

/* The item with this source_id, or NULL. items must be sorted by it. */
const struct item *courier_find(
    const struct items *items, const char *source_id);

#endif
