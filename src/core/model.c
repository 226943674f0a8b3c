/* The nouns: their names as text, and how they are freed. */
#include "core/model.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* clang-format off */
static const char *const item_state_names[] = {
	[ITEM_OPEN]        = "open",
	[ITEM_COMPLETED]   = "completed",
	[ITEM_CANCELED]    = "canceled",
	[ITEM_DUPLICATE]   = "duplicate",
	[ITEM_DELETED]     = "deleted",
	[ITEM_ARCHIVED]    = "archived",
	[ITEM_REASSIGNED]  = "reassigned",
	[ITEM_MOVED]       = "moved",
	[ITEM_NOT_VISIBLE] = "not_visible",
	[ITEM_RENUMBERED]  = "renumbered",
};

static const char *const outcome_names[] = {
	[OUTCOME_ACCEPTED]     = "accepted",
	[OUTCOME_REJECTED]     = "rejected",
	[OUTCOME_UNKNOWN]      = "unknown",
	[OUTCOME_RATE_LIMITED] = "rate_limited",
	[OUTCOME_AUTH_FAILED]  = "auth_failed",
};

static const char *const reason_names[] = {
	[REASON_NONE]            = "none",
	[REASON_DONE]            = "done",
	[REASON_ALREADY_GONE]    = "already_gone",
	[REASON_ALREADY_DONE]    = "already_done",
	[REASON_MANUAL]          = "manual",
	[REASON_NO_CONNECTION]   = "no_connection",
	[REASON_NO_KEY]          = "no_key",
	[REASON_PAUSED]          = "paused",
	[REASON_WRITEBACK_OFF]   = "writeback_off",
	[REASON_CONNECTION_GONE] = "connection_gone",
	[REASON_NO_DONE_STATE]   = "no_done_state",
	[REASON_SOURCE_GONE]     = "source_gone",
	[REASON_SOURCE_CHANGED]  = "source_changed",
	[REASON_NOT_FOUND]       = "not_found",
	[REASON_BAD_ID]          = "bad_id",
	[REASON_UNCOMPLETABLE]   = "uncompletable",
	[REASON_FORBIDDEN]       = "forbidden",
	[REASON_REFUSED]         = "refused",
	[REASON_GONE_API]        = "gone_api",
	[REASON_STATE_REFUSED]   = "state_refused",
	[REASON_AUTH_FAILED]     = "auth_failed",
	[REASON_SCOPE_MISSING]   = "scope_missing",
	[REASON_KEY_UNREADABLE]  = "key_unreadable",
	[REASON_RATE_LIMITED]    = "rate_limited",
	[REASON_CIRCUIT_OPEN]    = "circuit_open",
	[REASON_UNREACHABLE]     = "unreachable",
	[REASON_TIMEOUT]         = "timeout",
	[REASON_NO_ANSWER]       = "no_answer",
	[REASON_SERVER_ERROR]    = "server_error",
	[REASON_BAD_ANSWER]      = "bad_answer",
	[REASON_GIVEN_UP]        = "given_up",
	[REASON_ACCOUNT_CHANGED] = "account_changed",
	[REASON_NEWER_WISH]      = "newer_wish",
	[REASON_NOT_WRITTEN]     = "not_written",
};
/* clang-format on */
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
_Static_assert(COUNT(item_state_names) == ITEM_STATE_COUNT, "a name each");
_Static_assert(COUNT(outcome_names) == OUTCOME_COUNT, "a name each");
_Static_assert(COUNT(reason_names) == REASON_COUNT, "a name each");

const char *
item_state_name(enum item_state state)
{
	assert((unsigned)state < ITEM_STATE_COUNT);
	return item_state_names[state];
}

const char *
outcome_name(enum outcome outcome)
{
	assert((unsigned)outcome < OUTCOME_COUNT);
	return outcome_names[outcome];
}

const char *
reason_name(enum reason reason)
{
	assert((unsigned)reason < REASON_COUNT);
	return reason_names[reason];
}

enum reason
reason_by_name(const char *name)
{
	for (size_t i = 0; name && i < REASON_COUNT; i++)
		if (!strcmp(name, reason_names[i]))
			return (enum reason)i;
	return REASON_NONE;
}

const char *
wish_name(enum wish wish)
{
	return wish == WISH_COMPLETE ? "complete" : "uncomplete";
}

enum wish
wish_by_name(const char *name)
{
	return name && !strcmp(name, wish_name(WISH_UNCOMPLETE))
		   ? WISH_UNCOMPLETE
		   : WISH_COMPLETE;
}

void
connection_done(struct connection *conn)
{
	free(conn->label);
	crypto_free_secret(conn->key);
	free(conn->key_sealed);
	free(conn->metadata);
	free(conn->account_id);
	memset(conn, 0, sizeof(*conn));
}

void
item_done(struct item *item)
{
	free(item->source_id);
	free(item->title);
	free(item->source_url);
	free(item->metadata);
	free(item->bag);
	free(item->due);
	free(item->new_id);
	memset(item, 0, sizeof(*item));
}

#define DAY 10          /* of YYYY-MM-DD */
#define DAY_AND_TIME 19 /* of YYYY-MM-DDThh:mm:ss */

static bool
is_utc(const char *date)
{
	return date[strlen(date) - 1] == 'Z';
}

bool
due_is_later(const char *now, const char *then)
{
	int days;

	if (!now || !then)
		return false;
	days = strncmp(now, then, DAY);
	if (days != 0)
		return days > 0;
	if (strlen(now) < DAY_AND_TIME || strlen(then) < DAY_AND_TIME ||
	    is_utc(now) != is_utc(then))
		return false;
	return strncmp(now, then, DAY_AND_TIME) > 0;
}

struct item *
items_add(struct items *items)
{
	struct item *list;
	size_t cap;

	if (items->count == items->cap) {
		cap = items->cap > 0 ? items->cap * 2 : 16;
		list = reallocarray(items->list, cap, sizeof(*list));
		if (list == NULL)
			return NULL;
		items->list = list;
		items->cap = cap;
	}
	list = &items->list[items->count++];
	memset(list, 0, sizeof(*list));
	return list;
}

void
items_done(struct items *items)
{
	for (size_t i = 0; i < items->count; i++)
		item_done(&items->list[i]);
	free(items->list);
	memset(items, 0, sizeof(*items));
}

void
page_done(struct page *page)
{
	items_done(&page->items);
	free(page->next_cursor);
	free(page->account_id);
	memset(page, 0, sizeof(*page));
}

void
writeback_done(struct writeback *w)
{
	free(w->source_id);
	free(w->source_metadata);
	free(w->shown_to);
	connection_done(&w->connection);
	memset(w, 0, sizeof(*w));
}

const char *
ending_name(enum ending ending)
{
	static const char *const names[] = { "accepted", "skipped",
		"rolled_back", "queued" };

	return names[ending];
}

const char *
mark_action_name(enum mark_action action)
{
	static const char *const names[] = { "none", "complete", "reopen",
		"missing", "visible", "renumber", "held", "contradicted" };

	return names[action];
}

const char *
finding_name(enum finding finding)
{
	static const char *const names[] = { "missing", "returned" };

	return names[finding];
}

const char *
guard_kind_name(enum guard_kind kind)
{
	static const char *const names[] = { "none", "account_changed",
		"list_emptied", "mass_drop" };

	return names[kind];
}

void
candidates_done(struct candidates *candidates)
{
	for (size_t i = 0; i < candidates->count; i++) {
		free(candidates->list[i].source_id);
		free(candidates->list[i].new_id);
		free(candidates->list[i].due);
		free(candidates->list[i].closed_due);
	}
	free(candidates->list);
	memset(candidates, 0, sizeof(*candidates));
}
