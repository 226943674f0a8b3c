/* A whole list or nothing: if one page is missing, malformed or cut, the rest
 * is worthless, because an item that is not in a part of a list may be in the
 * other. */
#include "carry.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/clock.h"
#include "core/keys.h"
#include "core/sync/absence.h"

struct fetch {
	const struct courier *courier;
	const struct provider *provider;
	const char *base_url;
	struct connection *conn;
	int64_t deadline_ms;
	size_t most; /* rows in a page */
	struct answer *failure;
};

void
fetched_done(struct fetched *fetched)
{
	items_done(&fetched->items);
	free(fetched->account_id);
	free(fetched->metadata_patch);
	free(fetched->other_account_id);
	memset(fetched, 0, sizeof(*fetched));
}

static enum err
fail(struct fetch *f, enum err err, const char *detail)
{
	memset(f->failure, 0, sizeof(*f->failure));
	f->failure->outcome = OUTCOME_UNKNOWN;
	f->failure->reason = REASON_BAD_ANSWER;
	f->failure->retry_after_ms = -1;
	snprintf(f->failure->detail, sizeof(f->failure->detail), "%s", detail);
	return err_set(err, "%s", detail);
}

static enum err
ask_page(
    struct fetch *f, const char *cursor, struct page *page, bool *is_too_large)
{
	struct http_request req = HTTP_REQUEST_INIT;
	struct http_response res = HTTP_RESPONSE_INIT(CARRY_BODY_MAX);
	enum err err;

	err = f->provider->list_request(
	    f->conn, f->base_url, cursor, f->most, &req);
	if (!err)
		err = carry(f->courier, f->conn, &req, f->deadline_ms, &res);
	if (err)
		carry_failed(f->failure);
	else
		err = f->provider->list_response(
		    f->conn, cursor, f->most, &res, page, f->failure);
	*is_too_large = res.is_too_large;
	http_request_done(&req);
	http_response_done(&res);
	return err;
}

/* A page of long descriptions may be too large; then ask for fewer rows, for
 * the rest of the list too. */
static enum err
one_page(struct fetch *f, const char *cursor, struct page *page)
{
	bool is_too_large = false;
	enum err err;

	for (;;) {
		err = ask_page(f, cursor, page, &is_too_large);
		if (!err || !is_too_large || f->most == 1 ||
		    clock_mono_ms() >= f->deadline_ms)
			return err;
		f->most = (f->most + 3) / 4;
	}
}

/* Move page's items to the end of to. */
static enum err
take_items(struct page *page, struct items *to)
{
	for (size_t i = 0; i < page->items.count; i++) {
		struct item *item = items_add(to);

		if (!item)
			return err_set(ERR_NOMEM, "no memory for items");
		*item = page->items.list[i];
		memset(&page->items.list[i], 0, sizeof(*item));
	}
	return OK;
}

/* Check whose list this is: another account's says nothing about these
 * tasks. */
static enum err
check_account(struct fetch *f, const char *account_id, struct fetched *out)
{
	if (!account_id)
		return OK;
	if (f->conn->account_id && strcmp(f->conn->account_id, account_id)) {
		out->other_account_id = strdup(account_id);
		return fail(f, ERR_CONFLICT,
		    "the key belongs to another account than before");
	}
	if (!out->account_id) {
		out->account_id = strdup(account_id);
		if (!out->account_id)
			return fail(f, ERR_NOMEM, "no memory");
	}
	return OK;
}

static enum err
all_pages(struct fetch *f, struct fetched *out)
{
	size_t most = (size_t)f->courier->config->poll_max_items;
	char *cursor = NULL;
	bool end = false;
	enum err err = OK;

	while (!err && !end) {
		struct page page = { 0 };

		err = clock_mono_ms() >= f->deadline_ms
			  ? fail(f, ERR_TIMEOUT, "the run took too long")
			  : one_page(f, cursor, &page);
		if (!err)
			err = check_account(f, page.account_id, out);
		if (!err)
			err = take_items(&page, &out->items);
		if (!err) {
			out->pages++;
			end = page.end;
			free(cursor);
			cursor = page.next_cursor;
			page.next_cursor = NULL;
		}
		/* all rows of a page may be repeated, so pages are bounded
		 * too */
		if (!err && (out->items.count > most ||
				(!end && (size_t)out->pages > most)))
			err = fail(f, ERR_REMOTE,
			    "the list is longer than poll_max_items");
		page_done(&page);
	}
	free(cursor);
	return err;
}

static enum err
ask_account(struct fetch *f, char **account_id)
{
	struct http_request req = HTTP_REQUEST_INIT;
	struct http_response res = HTTP_RESPONSE_INIT(CARRY_BODY_MAX);
	enum err err = f->provider->account_request(f->conn, f->base_url, &req);

	if (!err)
		err = carry(f->courier, f->conn, &req, f->deadline_ms, &res);
	if (err)
		carry_failed(f->failure);
	else
		err =
		    f->provider->account_response(&res, account_id, f->failure);
	http_request_done(&req);
	http_response_done(&res);
	return err;
}

/* Ask who is behind the key, unless the list itself tells. */
static enum err
learn_account(struct fetch *f, struct fetched *out)
{
	char *account_id = NULL;
	enum err err;

	if (f->provider->list_tells_account)
		return OK;
	err = ask_account(f, &account_id);
	if (!err)
		err = check_account(f, account_id, out);
	/* lists and reads leave out what is not this account's own */
	if (!err && !f->conn->account_id && account_id) {
		f->conn->account_id = account_id;
		account_id = NULL;
	}
	free(account_id);
	return err;
}

static enum err
learn_metadata(struct fetch *f, struct fetched *out)
{
	char *cursor = NULL, *next = NULL;
	enum err err = OK;

	if (!f->provider->metadata_request)
		return OK;
	for (int i = 0; !err && i < 100; i++) {
		struct http_request req = HTTP_REQUEST_INIT;
		struct http_response res = HTTP_RESPONSE_INIT(CARRY_BODY_MAX);

		next = NULL;
		err = f->provider->metadata_request(
		    f->conn, f->base_url, cursor, &req);
		if (!err)
			err = carry(
			    f->courier, f->conn, &req, f->deadline_ms, &res);
		if (err)
			carry_failed(f->failure);
		else
			err = f->provider->metadata_response(
			    &res, &out->metadata_patch, &next, f->failure);
		http_request_done(&req);
		http_response_done(&res);
		free(cursor);
		cursor = next;
		if (!cursor)
			return err;
	}
	free(cursor);
	return err ? err : fail(f, ERR_REMOTE, "states have no end");
}

/* Ask for the account before the list if it is not known, because the list's
 * reader needs it. Else ask after the list, and not at all if that is the known
 * one: then there is most likely nothing to do. */
static enum err
fetch_list(struct fetch *f, const char *known, struct fetched *out)
{
	bool is_asked = !f->conn->account_id;
	enum err err = is_asked ? learn_account(f, out) : OK;

	if (!err)
		err = all_pages(f, out);
	if (err)
		return err;
	out->repeated = absence_dedupe(&out->items);
	for (size_t i = 0; i < out->items.count; i++)
		out->odd += out->items.list[i].is_odd;
	absence_digest(&out->items, out->digest);
	/* with an odd item in it, a list is always looked at */
	out->is_quiet = out->items.count > 0 && out->odd == 0 &&
			!strcmp(out->digest, known);
	return is_asked || out->is_quiet ? OK : learn_account(f, out);
}

static struct fetch
begin(const struct courier *courier, struct connection *conn,
    int64_t deadline_ms, struct answer *failure)
{
	const struct provider *provider = provider_by_name(conn->type);

	return (struct fetch){ .courier = courier,
		.provider = provider,
		.most = provider ? provider->list_max : 0,
		.base_url = config_base_url(courier->config, conn->type),
		.conn = conn,
		.deadline_ms = deadline_ms,
		.failure = failure };
}

enum err
courier_ask_account(const struct courier *courier, struct connection *conn,
    int64_t deadline_ms, struct fetched *out, struct answer *failure)
{
	struct fetch f = begin(courier, conn, deadline_ms, failure);

	return learn_account(&f, out);
}

enum key_word
courier_ask_key(const struct courier *courier, struct connection *conn,
    const char *account_id, int64_t deadline_ms)
{
	struct answer failure = { 0 };
	struct fetch f = begin(courier, conn, deadline_ms, &failure);
	char *found = NULL;
	enum err err = ask_account(&f, &found);
	bool is_other;

	is_other = found && account_id && strcmp(found, account_id) != 0;
	free(found);
	if (!err)
		return is_other ? KEY_OF_ANOTHER : KEY_WORKS;
	return failure.outcome == OUTCOME_AUTH_FAILED ? KEY_REFUSED
						      : KEY_UNKNOWN;
}

enum err
courier_fetch(const struct courier *courier, struct connection *conn,
    const char *known, int64_t deadline_ms, struct fetched *out,
    struct answer *failure)
{
	struct fetch f = begin(courier, conn, deadline_ms, failure);
	enum err err;

	if (!f.provider)
		return fail(&f, ERR_CONFIG, "there is no such provider");
	err = keys_open(&courier->keys, conn);
	if (err) {
		char why[160];

		snprintf(why, sizeof(why), "%s", err_text());
		return fail(&f, err == ERR_AUTH ? ERR_AUTH : ERR_CONFIG, why);
	}
	err = fetch_list(&f, known, out);
	if (!err)
		err = learn_metadata(&f, out);
	if (err && failure->outcome == OUTCOME_ACCEPTED) {
		/* it was not the provider's: of memory, say */
		char why[160];

		snprintf(why, sizeof(why), "%s", err_text());
		return fail(&f, err, why);
	}
	return err;
}
