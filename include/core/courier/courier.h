/* Where providers, HTTP and decisions meet: carries what a provider wrote and
 * hands it what came back. Knows no database. */
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
	struct circuit
	    *circuits; /* one per provider, in provider_at()'s order */
	struct crypto_keys keys;
	const struct config *config;
};

/* Opens keys and HTTP as the settings say; config must outlive it. */
enum err courier_open(
    struct courier *courier, const struct config *config) MUST_CHECK;
void courier_close(struct courier *courier);

/* Told before a write whose effect the item alone does not show: what was read,
 * and what is to be sent (see struct push). Anything but OK, and nothing is.
 * With an empty target: that nothing is sent, and the task is active, for the
 * date that was read; then its answer changes nothing. */
typedef enum err courier_keep(
    void *context, const struct writeback *w, const struct push *push);

/* Bring one writeback to its end, or as near as the deadline (clock_mono_ms())
 * allows: ask what must be asked, write, read by id what is unclear, try again
 * what may be tried again. Never fails: everything that can happen is a
 * verdict. *metadata_patch is what was learnt of the connection, the caller's,
 * or NULL. keep is called with context. */
void courier_deliver(const struct courier *courier, struct writeback *w,
    int64_t deadline_ms, bool is_patient, courier_keep *keep, void *context,
    struct verdict *out, char **metadata_patch);

/* Every page of a connection's active list. */
struct fetched {
	struct items items; /* by source_id, none twice */
	char *account_id;
	char *metadata_patch;
	int pages;
	size_t repeated; /* rows that came again while pages shifted */
	size_t odd;      /* items that could not be read */
	char digest[CRYPTO_SHA256_HEX]; /* of items */
	bool is_quiet;                  /* it is the list that was known */
	char *other_account_id; /* behind the key, and not the one before */
};
void fetched_done(struct fetched *fetched);

/* Fetch all that is listed. known: the digest of a list that would say nothing
 * new, or ""; if it is that one, whose it is has not been asked, see
 * courier_ask_account(). On failure nothing of it may be used, and *failure
 * says what it was: the error is ERR_AUTH, ERR_BUSY (rate limited),
 * ERR_CONFLICT (another account is behind the key, out->other_account_id),
 * ERR_TIMEOUT or ERR_REMOTE. out->pages is right either way. */
enum err courier_fetch(const struct courier *courier, struct connection *conn,
    const char *known, int64_t deadline_ms, struct fetched *out,
    struct answer *failure) MUST_CHECK;

/* Whose list is it? To be asked before anything is concluded from one that
 * is_quiet. Fails as courier_fetch() does. */
enum err courier_ask_account(const struct courier *courier,
    struct connection *conn, int64_t deadline_ms, struct fetched *out,
    struct answer *failure) MUST_CHECK;

/* A refusal was met, or a not found: is it the key itself, whose identity the
 * provider refuses to tell, too, or one of another account than account_id?
 * Else it was about the item, or a right that the key lacks. conn's key is
 * open; account_id may be NULL: any will do. KEY_UNKNOWN: the provider did not
 * say. */
enum key_word { KEY_UNKNOWN, KEY_WORKS, KEY_REFUSED, KEY_OF_ANOTHER };
enum key_word courier_ask_key(const struct courier *courier,
    struct connection *conn, const char *account_id, int64_t deadline_ms);

/* Read items by id, in as few requests as the provider allows. out: one for
 * each id that the provider spoke of, by source_id; the others are unknown.
 * What cannot be seen by id is looked for among what was finished, and old ids
 * are translated, where the provider has such questions. Stops at the first
 * failure that concerns the whole connection. Returns for how long (ms) the
 * provider asked to be left alone, 0: it did not. */
int64_t courier_read(const struct courier *courier, struct connection *conn,
    const char *const *ids, size_t count, int64_t deadline_ms,
    struct items *out);

/* By source_id; NULL if it is not among them. items must be sorted so. */
const struct item *courier_find(
    const struct items *items, const char *source_id);

#endif
