/* A provider is a table of functions that write requests and read responses. It
 * never does I/O: its callers send them. All that is particular to Todoist,
 * Linear or Attio stays behind these functions. Adding a provider takes one
 * file, one line in provider.c and one folder of fixtures. Requests are written
 * as the vendors document them; a quirk is commented with the page that
 * documents it. */
#ifndef CORE_PROVIDERS_PROVIDER_H
#define CORE_PROVIDERS_PROVIDER_H

#include "core/http.h"
#include "core/model.h"

/* One write in the making. */
struct push {
	const struct connection *conn; /* with its key open */
	const char *base_url;
	const char *source_id;
	const char *source_metadata; /* JSON object text or NULL */
	enum wish wish;
	const char *command_id; /* the writeback's id, the same for every try */
	const char *due_known;  /* the date that is to be completed, as an
				   earlier owner read it; NULL: none did */
	bool by_row; /* a client wished it by changing the task's row, and may
			write to the provider itself, or have done so */

	/* The provider's notes between its questions; zero at first. */
	char target[64];   /* Linear: the state to set; Todoist: the write that
			      fits the task as it was read */
	char team_id[64];  /* Linear: as last seen */
	char due_date[40]; /* Todoist, recurring tasks: as read right before the
			      write, because nothing else shows that one was
			      closed. If set, it and target are kept with the
			      writeback before anything is sent */
	bool is_refused;   /* set by the caller: the target was refused, so ask
			      again and choose another, once */
	bool knows_item, knows_states;
	bool is_looked_at;    /* the item was read before the first write */
	char *metadata_patch; /* JSON object to merge into the connection's
				 metadata, or NULL; push_done() frees it */
};
void push_done(struct push *push);

/* From one moment to another, wall clock. */
struct span {
	int64_t since_ms, until_ms;
};

struct provider {
	const char *name;  /* as in integrations.type, tasks.source, URLs */
	const char *title; /* as a person writes it */

	/* List active items. cursor NULL: the first page. most: how many rows
	 * to ask for, list_max or fewer. The reader fails with ERR_REMOTE for
	 * anything that is not a whole, strictly parsed page with its end
	 * signal or a cursor, with ERR_AUTH for a dead key or a missing scope,
	 * and with ERR_BUSY when rate limited. failure (never NULL) says more.
	 * An item's state is ITEM_OPEN; rows that are not active or not the
	 * user's own are left out, though page->rows counts them. A row of
	 * which only the id can be read becomes an item that is_odd.
	 *
	 * An item of a list has a bag: what Flowpin's own client stores as the
	 * task's source_metadata when it imports the item. Its members are:
	 * Linear: identifier, description, teamId, teamName, teamKey,
	 * projectId, projectName, state (its name), stateType, estimate, url.
	 * Todoist: projectId, priority, due, labels, description, duration,
	 * url; due, labels and duration as they were sent. No projectName: a
	 * task names its project by id only, and the projects are not listed.
	 * Attio: workspaceId, deadlineAt, linkedRecords, assignees, createdAt;
	 * the lists as they were sent.
	 * A member is left out, never null, where the answer has none, null or
	 * another type; an empty description counts as none. Nothing is decided
	 * by a bag, so an odd one spoils no page. */
	size_t list_max; /* rows that a page may have at most */
	enum err (*list_request)(const struct connection *conn,
	    const char *base_url, const char *cursor, size_t most,
	    struct http_request *out);
	enum err (*list_response)(const struct connection *conn,
	    const char *cursor, size_t most, const struct http_response *res,
	    struct page *out, struct answer *failure);

	/* Whose key is it? The caller frees *account_id. Runs do not ask where
	 * each page of the list tells it. */
	bool list_tells_account;
	enum err (*account_request)(const struct connection *conn,
	    const char *base_url, struct http_request *out);
	enum err (*account_response)(const struct http_response *res,
	    char **account_id, struct answer *failure);

	/* Metadata of the connection that runs keep fresh (Linear's
	 * teamDoneStates); NULL elsewhere. *patch is JSON object text that the
	 * reader replaces with each page, NULL at first; the caller frees it.
	 * *next_cursor NULL: that was the last page. */
	enum err (*metadata_request)(const struct connection *conn,
	    const char *base_url, const char *cursor, struct http_request *out);
	enum err (*metadata_response)(const struct http_response *res,
	    char **patch, char **next_cursor, struct answer *failure);

	/* Read items by id, at most read_max in one request. The reader gives
	 * one item per id asked, in any order. An item that the provider does
	 * not return is ITEM_NOT_VISIBLE. One that is open but out of the
	 * list's scope is ITEM_REASSIGNED, ITEM_MOVED or ITEM_ARCHIVED, never
	 * ITEM_OPEN. An item's metadata NULL: nothing new, keep what is
	 * stored. */
	size_t read_max;
	size_t read_most; /* requests that a run may make so; the rest of the
			     provider's allowance is left to the user's calls */
	enum err (*read_request)(const struct connection *conn,
	    const char *base_url, const char *const *ids, size_t count,
	    struct http_request *out);
	enum err (*read_response)(const struct connection *conn,
	    const char *const *ids, size_t count,
	    const struct http_response *res, struct items *out,
	    struct answer *failure);

	/* List items that were finished within a span of time, for a provider
	 * where these may no longer be readable by id. NULL: reading by id
	 * tells. Pages are as for lists; an item's state is ITEM_COMPLETED. */
	enum err (*finished_request)(const struct connection *conn,
	    const char *base_url, const struct span *span, const char *cursor,
	    struct http_request *out);
	enum err (*finished_response)(const struct connection *conn,
	    const char *cursor, const struct http_response *res,
	    struct page *out, struct answer *failure);

	/* Ids of an interface that the vendor retired: is this one, and what is
	 * the present id? NULL: there are no such ids. The reader gives one
	 * item per id asked: ITEM_RENUMBERED with its new_id, or
	 * ITEM_NOT_VISIBLE. */
	bool (*is_old_id)(const char *source_id);
	size_t map_max;
	enum err (*map_request)(const struct connection *conn,
	    const char *base_url, const char *const *ids, size_t count,
	    struct http_request *out);
	enum err (*map_response)(const struct connection *conn,
	    const char *const *ids, size_t count,
	    const struct http_response *res, struct items *out,
	    struct answer *failure);

	/* What must be asked before the write? *asks false: nothing (more). The
	 * reader either notes in push what it learnt or, with *decided true,
	 * says how the writeback ends without a write: the answer is accepted
	 * already_done, rejected not_found, no_done_state, and so on. A
	 * question that failed decides too (unknown, rate limited, auth
	 * failed), since nothing was written. NULL: this provider never asks.
	 * The caller stops after 6 questions. */
	enum err (*ask_request)(
	    const struct push *push, bool *asks, struct http_request *out);
	enum err (*ask_response)(struct push *push,
	    const struct http_response *res, bool *decided,
	    struct answer *answer);

	/* The write itself. The reader never fails: every answer becomes an
	 * outcome with a reason. REASON_STATE_REFUSED: asking again with
	 * push->is_refused may help. REASON_NOT_FOUND: the item is gone. */
	enum err (*write_request)(
	    const struct push *push, struct http_request *out);
	void (*write_response)(const struct push *push,
	    const struct http_response *res, struct answer *answer);

	/* Could an item have this id? NULL: any id that a URL can hold. */
	bool (*is_id)(const char *source_id);

	/* After an unknown outcome: did the write have its effect, judging by
	 * the item as it now reads? For recurring items the due date tells. */
	enum fulfilment (*fulfilment)(
	    const struct push *push, const struct item *now);
};

extern const struct provider provider_todoist;
extern const struct provider provider_linear;
extern const struct provider provider_attio;

/* NULL: no such provider. */
const struct provider *provider_by_name(const char *name);
/* In a fixed order, NULL past the last. */
const struct provider *provider_at(size_t i);
/* Could an item of this provider have this id? Others are never asked about:
 * one such id can make a request for many fail. */
bool provider_has_id(const struct provider *provider, const char *source_id);
/* All names as a sentence has them ("a, b or c"), written to out, which is
 * returned. */
const char *provider_names(char *out, size_t size);

#endif
