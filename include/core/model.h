/* The project's nouns as plain structs. Store, providers and sync do not
 * include each other: these structs are what they hand to one another. Strings
 * are owned by the struct unless said otherwise; every *_done() accepts a
 * zeroed struct and leaves one. */
#ifndef CORE_MODEL_H
#define CORE_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/crypto.h"
#include "core/err.h"

/* One user's credential for one provider: a row of Flowpin's integrations, and
 * what the gateway keeps of it. */
struct connection {
	char id[CRYPTO_UUID];
	char user_id[CRYPTO_UUID];
	char type[16]; /* todoist, linear, attio */
	char *label;   /* the user's name for it */
	/* In plain text: while in use, or because it stands so in Flowpin's row
	 * and none is sealed. connection_done() wipes it. */
	char *key;
	unsigned char *key_sealed;
	size_t key_sealed_len;
	char key_id[CRYPTO_KEY_ID];
	int64_t key_version; /* counts the keys that it has had */
	char *metadata; /* JSON object text; for Linear holds teamDoneStates */
	char *account_id; /* who the provider says the key is; NULL: unknown */
	char status[16];  /* active, auth_failed, paused */
	bool writeback;   /* false: completions stay local */
	int64_t generation;
	int failure_count; /* runs that failed since the last complete one */
	bool is_other_account; /* a guard holds: the key is another account's
				  than the one its tasks came through */
	int64_t rate_limited_until_ms; /* wall clock, 0: not limited */
	int64_t listed_at_ms; /* when the last whole list was read, wall clock;
				 0: unknown */
};
void connection_done(struct connection *conn);

/* What a provider can say of an item. */
enum item_state {
	ITEM_OPEN = 0,
	ITEM_COMPLETED,
	ITEM_CANCELED,
	ITEM_DUPLICATE,
	ITEM_DELETED,
	ITEM_ARCHIVED,
	ITEM_REASSIGNED,
	ITEM_MOVED,
	ITEM_NOT_VISIBLE, /* asked by id, not returned: deleted or hidden */
	ITEM_RENUMBERED,  /* its id is of a retired interface; new_id is the
			     present one */
	ITEM_STATE_COUNT
};

/* "open", "completed", ... as stored in links.completion_reason. */
const char *item_state_name(enum item_state state);

/* In bytes. A longer description in a bag is cut between two characters, so
 * that one item cannot fill the memory of a whole list. */
#define ITEM_DESCRIPTION_MAX ((size_t)16 * 1024)

/* A thing at the provider. */
struct item {
	char *source_id;
	char *title;      /* may be NULL in a by-id answer */
	char *source_url; /* may be NULL */
	char *metadata;   /* JSON object text: what a later write needs */
	char *bag;        /* JSON object text: what Flowpin's client keeps of
			     an item; listed ones only */
	char *due;        /* recurring only: the occurrence's due date */
	char *new_id;     /* renumbered only */
	bool is_recurring;
	bool is_odd; /* listed, but no more than its id could be read: title
			says why, nothing else is set. Its task does not count
			as missing; nothing else follows from it */
	enum item_state state;
};
void item_done(struct item *item);

struct items {
	struct item *list;
	size_t count, cap;
};
/* A zeroed new element at the end; NULL when memory is out. */
struct item *items_add(struct items *items);
void items_done(struct items *items);

/* Is the due date `now` later than `then`? Each is a day, a floating time or a
 * UTC time. Within one day only two of the same kind are compared: a user may
 * turn one kind into another, which makes no new occurrence. False if either is
 * NULL. */
bool due_is_later(const char *now, const char *then);

/* One page of a list of active items. */
struct page {
	struct items items;
	size_t rows;       /* as sent, including those that are not active */
	char *next_cursor; /* NULL when end */
	bool end;          /* the provider's own end signal was seen */
	char *account_id;  /* NULL if this list does not tell */
};
void page_done(struct page *page);

/* Did a write have its effect, judging by the item as it reads after it? */
enum fulfilment {
	UNFULFILLED = 0,
	FULFILLED,
	UNCLEAR /* it does not show, and must not be written again */
};

enum wish { WISH_COMPLETE, WISH_UNCOMPLETE };
const char *wish_name(enum wish wish); /* "complete", "uncomplete" */
/* WISH_UNCOMPLETE for its name, WISH_COMPLETE for anything else, NULL too. */
enum wish wish_by_name(const char *name);

/* What a provider's answer to a request means. */
enum outcome {
	OUTCOME_ACCEPTED,
	OUTCOME_REJECTED,
	OUTCOME_UNKNOWN, /* not known: a write that was sent may have happened
			  */
	OUTCOME_RATE_LIMITED,
	OUTCOME_AUTH_FAILED,
	OUTCOME_COUNT
};
const char *outcome_name(enum outcome outcome);

/* Why an outcome or an ending is what it is. reason_name() is what stands in
 * writebacks.reason; SQL, JSON and prose use the same words. */
enum reason {
	REASON_NONE = 0,
	/* accepted */
	REASON_DONE,         /* the provider did it */
	REASON_ALREADY_GONE, /* completing what no longer exists */
	REASON_ALREADY_DONE, /* it was so before, or an earlier send did it */
	/* skipped */
	REASON_MANUAL,
	REASON_NO_CONNECTION,
	REASON_NO_KEY,
	REASON_PAUSED,
	REASON_WRITEBACK_OFF,
	REASON_CONNECTION_GONE, /* only a fallback connection was asked, and it
				   does not know the item */
	REASON_NO_DONE_STATE,
	/* rolled back */
	REASON_SOURCE_GONE,    /* uncompleting what no longer exists */
	REASON_SOURCE_CHANGED, /* it may be done already, and that cannot be
				  told; it must not be sent (again) */
	REASON_NOT_FOUND,
	REASON_BAD_ID, /* never asked: no request can carry the item's id */
	REASON_UNCOMPLETABLE, /* the provider never closes items of this kind */
	REASON_FORBIDDEN,     /* this item or team, not the whole key */
	REASON_REFUSED,       /* permanent: bad argument, plan limit, ... */
	REASON_GONE_API,      /* the provider retired this interface */
	REASON_STATE_REFUSED,
	REASON_AUTH_FAILED,
	REASON_SCOPE_MISSING,
	REASON_KEY_UNREADABLE, /* sealed under a master key that is not
				  configured, or altered */
	REASON_RATE_LIMITED,
	REASON_CIRCUIT_OPEN, /* never sent: the provider is in trouble */
	REASON_UNREACHABLE,  /* never sent */
	REASON_TIMEOUT,      /* sent, no answer in time */
	REASON_NO_ANSWER,    /* sent, cut off */
	REASON_SERVER_ERROR,
	REASON_BAD_ANSWER, /* not an answer that the vendor documents */
	REASON_GIVEN_UP,   /* still unknown after give_up_ms */
	/* still open */
	REASON_ACCOUNT_CHANGED, /* the key is another account's, so nothing is
				   sent */
	/* superseded */
	REASON_NEWER_WISH,
	REASON_NOT_WRITTEN, /* the change of the task's row that made the wish
			       was never written */
	REASON_COUNT
};
const char *reason_name(enum reason reason);
enum reason reason_by_name(const char *name); /* REASON_NONE: no such name */

/* What a provider's reader makes of an answer. */
struct answer {
	enum outcome outcome;
	enum reason reason;
	int64_t retry_after_ms; /* rate limited: from now; -1 if not said */
	bool is_relayed;  /* outcome unknown, as said by a proxy in front of the
			     provider */
	char detail[160]; /* for logs and explain; never a secret */
};

/* How a delivery ends. END_QUEUED: it is to be tried again. */
enum ending { END_ACCEPTED, END_SKIPPED, END_ROLLED_BACK, END_QUEUED };
const char *ending_name(enum ending ending);

/* What is to become of a writeback, as verdict_decide() says. */
struct verdict {
	enum ending ending;
	enum reason reason;
	bool auth_failed; /* the connection's key is dead */
	int64_t limit_ms; /* the provider asked to wait so; 0: no */
	int64_t retry_ms; /* not worth asking again before; 0: not known */
	int64_t due_ms;   /* queued: try again after this long */
	bool is_unclear;  /* queued: a write may have had its effect */
	int64_t doubt_ms; /* queued, accepted: for this long a write may still
			     take effect */
	char detail[160];
};

/* A row of writebacks with what its delivery needs. */
struct writeback {
	char id[CRYPTO_UUID]; /* also the stable command id at the provider */
	char user_id[CRYPTO_UUID];
	char task_id[CRYPTO_UUID];
	enum wish wish;
	bool by_fallback; /* the task named no connection */
	bool is_guess;    /* no list of the connection's account ever showed the
			     item */
	int64_t generation;
	int attempts;    /* how many owners it has had */
	bool is_unclear; /* an earlier owner may have sent it, and the effect is
			    not known */
	int64_t doubt_ms; /* for this long the provider may still be working on
			     what was sent */
	bool has_newer;   /* a later wish for the task waits, so this one is not
			     sent again */
	bool is_doubted;  /* a caller may have been told of a doubt */
	bool is_agreed;   /* while it was queued, an earlier writeback of the
			     same wish was accepted: nothing is to be sent */
	bool is_too_old;  /* if the outcome is still unknown, it is given up */
	bool by_row; /* a client wished it by changing the task's row, and may
			write to the provider itself */
	/* What an earlier owner kept of its push: see struct push. */
	char target[64], due_read[40];
	char *source_id;
	char *source_metadata; /* JSON object text, as the last poll saw it */
	char *shown_to; /* the account whose list showed the item; NULL: none
			   did */
	struct connection connection;
};
void writeback_done(struct writeback *w);

/* How a complete list contradicts a task. */
enum finding {
	FINDING_MISSING, /* active, not listed */
	FINDING_RETURNED /* completed here, listed */
};

/* What a run does about it. */
enum mark_action {
	MARK_NONE = 0,
	MARK_COMPLETE,
	MARK_REOPEN,
	MARK_MISSING,     /* remember that it could not be seen */
	MARK_VISIBLE,     /* forget that */
	MARK_RENUMBER,    /* its item has a new id */
	MARK_HELD,        /* would be completed if no guard held it back */
	MARK_CONTRADICTED /* remember that it was seen in the state from before
			     our last write */
};
const char *mark_action_name(enum mark_action action);
const char *finding_name(enum finding finding);

/* Something that a user is told without having made a call. */
struct event {
	char id[48]; /* also the cursor that goes on after it */
	char type[32];
	char task_id[CRYPTO_UUID], writeback_id[CRYPTO_UUID],
	    connection_id[CRYPTO_UUID]; /* empty: none */
	char source[16];                /* the provider; empty: none */
	char reason[32];
	char created_at[40];
	enum wish wish; /* of a writeback's event */
	int64_t held;   /* of a guard's event: how many tasks */
};

struct candidate {
	char task_id[CRYPTO_UUID];
	int64_t version;
	char *source_id;
	char *due; /* as listed; NULL: not listed, or it does not recur */
	char *closed_due; /* its due when it was completed here; NULL: unknown,
			     or it does not recur */
	enum finding finding;
	bool is_local;    /* its completion stayed in Flowpin on purpose */
	bool was_missing; /* an earlier complete run did not see it either */
	bool is_long_missing; /* and that was long enough ago */
	bool never_seen;      /* no list of this account ever showed it */
	bool is_lagging; /* our last write is so recent that the list may be
			    from before it, and no earlier run saw it
			    contradicted long enough ago */
	int asks;        /* how often it was read by id and left as it was */
	bool is_put_off; /* it is too early to read it by id again */
	int64_t ask_after_ms; /* decided later: read it by id again after this
				 long; -1: it was not read, or it was not left
				 as it was */
	enum mark_action action; /* decided later */
	const char *reason;      /* static text */
	char *new_id;            /* to be renumbered only */
	const char *metadata;    /* to be reopened only: the listed item's,
				    borrowed from it */
};
struct candidates {
	struct candidate *list;
	size_t count;
	int64_t active; /* tasks of the connection that were active */
};
void candidates_done(struct candidates *candidates);

/* Why a connection's tasks are not marked until there is evidence. */
enum guard_kind {
	GUARD_NONE = 0,
	GUARD_ACCOUNT_CHANGED, /* the key is another account's than before */
	GUARD_LIST_EMPTIED,    /* nothing is listed, and tasks lack evidence */
	GUARD_MASS_DROP        /* too many tasks at once lack evidence */
};
/* "none", "account_changed", ... as stored in guards.kind. */
const char *guard_kind_name(enum guard_kind kind);

#endif
