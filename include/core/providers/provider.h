/* A provider is a table of functions that write requests and read responses.
 * It never does I/O: its callers carry them. Everything that is particular to
 * Todoist, Linear or Attio ends in its reader. Adding one is one file, one
 * line in provider.c, one folder of fixtures. The bytes are those that the
 * vendors document; quirks carry the page that documents them. */
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
	const char *command_id; /* stable over retries: the writeback's id */
	const char *due_known;  /* as an owner before read it, or NULL: what
				   is to be completed */
	bool by_row; /* the wish came by a changed row: its writer may have
			written there as well, or may yet */

	/* The provider's notes between its questions; zero at the start. */
	char target[64];   /* Linear: the state to set; Todoist: the write that
			      fits the task as it now is */
	char team_id[64];  /* Linear: as last seen */
	char due_date[40]; /* Todoist: as read right before the write, if it
			      recurs; a recurring close shows in nothing else.
			      Set: it and target are kept with the writeback
			      before anything is sent */
	bool is_refused;   /* the caller sets it: the target was refused,
			      ask anew and choose once more */
	bool knows_item, knows_states;
	bool is_looked_at;    /* the item, before the first write */
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

	/* List active items. cursor NULL: the first page. most: rows that are
	 * asked for, list_max or fewer. The reader fails with
	 * ERR_REMOTE for anything that is not a whole, strictly parsed page
	 * with its end signal or a cursor; ERR_AUTH for a dead key or missing
	 * scope; ERR_BUSY when rate limited. failure (never NULL) says more. An
	 * item's state is ITEM_OPEN: rows that are not active or not the user's
	 * own are left out (page->rows still counts them). A row whose id can
	 * be read, and not the rest, is an item that is_odd.
	 *
	 * An item of a list has a bag: what Flowpin's own client stores as the
	 * task's source_metadata when it imports the item, in these members.
	 * Linear: identifier, description, teamId, teamName, teamKey,
	 * projectId, projectName, state (its name), stateType, estimate, url.
	 * Todoist: projectId, priority, due, labels, description, duration,
	 * url; due, labels and duration as they were sent. No projectName: a
	 * task names its project by id only, and the projects are not listed.
	 * Attio: workspaceId, deadlineAt, linkedRecords, assignees, createdAt;
	 * the lists as they were sent. A member is left out, never null, where
	 * the answer has none, null or another type, and an empty description
	 * is none: a bag decides nothing, so an odd one spoils no page. */
	size_t list_max; /* rows that a page may have at most */
	enum err (*list_request)(const struct connection *conn,
	    const char *base_url, const char *cursor, size_t most,
	    struct http_request *out);
	enum err (*list_response)(const struct connection *conn,
	    const char *cursor, size_t most, const struct http_response *res,
	    struct page *out, struct answer *failure);

	/* Who is this key? *account_id is freed by the caller. Polls do not ask
	 * where each page of the list tells it. */
	bool list_tells_account;
	enum err (*account_request)(const struct connection *conn,
	    const char *base_url, struct http_request *out);
	enum err (*account_response)(const struct http_response *res,
	    char **account_id, struct answer *failure);

	/* Metadata of the connection that polls keep fresh (Linear's
	 * teamDoneStates); NULL elsewhere. patch: JSON object text that the
	 * reader grows from page to page, NULL at first, freed by the caller.
	 * *next_cursor NULL: that was the last. */
	enum err (*metadata_request)(const struct connection *conn,
	    const char *base_url, const char *cursor, struct http_request *out);
	enum err (*metadata_response)(const struct http_response *res,
	    char **patch, char **next_cursor, struct answer *failure);

	/* Read items by id, at most read_max in one request. The reader gives
	 * one item per id asked, in any order; those that the provider does not
	 * return are ITEM_NOT_VISIBLE. Open but out of the list's scope is
	 * ITEM_REASSIGNED, ITEM_MOVED or ITEM_ARCHIVED, never ITEM_OPEN.
	 * metadata NULL: nothing new, keep what is stored. */
	size_t read_max;
	size_t read_most; /* requests of a run: the rest of what the provider
			     allows in an interval is its user's calls' */
	enum err (*read_request)(const struct connection *conn,
	    const char *base_url, const char *const *ids, size_t count,
	    struct http_request *out);
	enum err (*read_response)(const struct connection *conn,
	    const char *const *ids, size_t count,
	    const struct http_response *res, struct items *out,
	    struct answer *failure);

	/* Items finished within a span of time, for a provider where they may
	 * no longer be read by id then. NULL: reading tells. Pages are as for
	 * lists; an item's state is ITEM_COMPLETED. */
	enum err (*finished_request)(const struct connection *conn,
	    const char *base_url, const struct span *span, const char *cursor,
	    struct http_request *out);
	enum err (*finished_response)(const struct connection *conn,
	    const char *cursor, const struct http_response *res,
	    struct page *out, struct answer *failure);

	/* Ids of an interface that the vendor retired: which is one, and what
	 * it is now. NULL: there are none. The reader gives one item per id
	 * asked: ITEM_RENUMBERED with its new_id, or ITEM_NOT_VISIBLE. */
	bool (*is_old_id)(const char *source_id);
	size_t map_max;
	enum err (*map_request)(const struct connection *conn,
	    const char *base_url, const char *const *ids, size_t count,
	    struct http_request *out);
	enum err (*map_response)(const struct connection *conn,
	    const char *const *ids, size_t count,
	    const struct http_response *res, struct items *out,
	    struct answer *failure);

	/* What must be asked before the write? *asks false: nothing (more).
	 * The reader either learns (push's notes) or, with *decided true, says
	 * how the writeback ends without a write: answer accepted already_done,
	 * rejected not_found or no_done_state, and so on; a question that
	 * failed decides too (unknown, rate limited, auth failed: nothing was
	 * written). NULL: no provider question ever. The caller stops after 6
	 * questions. */
	enum err (*ask_request)(
	    const struct push *push, bool *asks, struct http_request *out);
	enum err (*ask_response)(struct push *push,
	    const struct http_response *res, bool *decided,
	    struct answer *answer);

	/* The write itself. The reader never fails: every answer is one of the
	 * outcomes with a reason; REASON_STATE_REFUSED means that asking anew
	 * (push->is_refused) may help; REASON_NOT_FOUND that the item is gone.
	 */
	enum err (*write_request)(
	    const struct push *push, struct http_request *out);
	void (*write_response)(const struct push *push,
	    const struct http_response *res, struct answer *answer);

	/* Could an item have this id? NULL: any id that a URL can hold. */
	bool (*is_id)(const char *source_id);

	/* After an unknown outcome: given the item as it now reads, did the
	 * wish come true? Recurring items compare the due date. */
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
/* Could an item of it have this id? What could not is not asked about: in a
 * request for many it would take the others along. */
bool provider_has_id(const struct provider *provider, const char *source_id);
/* All names, as a sentence has them ("a, b or c"), into out, which is returned.
 */
const char *provider_names(char *out, size_t size);

#endif
