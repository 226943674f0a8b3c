/*
 * state: accounts, tokens and items of all three providers. Plain data under
 * one lock: whoever calls anything here holds sim.lock. Nothing here knows
 * HTTP or a provider's JSON.
 */
#ifndef SIM_STATE_H
#define SIM_STATE_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ids.h"
#include "map.h"

enum prov {
	PROV_TODOIST,
	PROV_LINEAR,
	PROV_ATTIO,
	PROV_COUNT,
};

struct item;
struct team;
struct wstate;
struct reqlog;
struct faults;

/* An ordered selection of an account's items, kept until something changes. */
struct view {
	char key[160];
	uint64_t version;
	struct item **items;
	size_t n;
};

struct account {
	enum prov prov;
	char *name;
	char user_id[40];  /* Todoist user, Linear user, Attio member */
	char other_id[40]; /* a colleague, to give items away to */
	char org_id[40];   /* Linear organization, Attio workspace */
	char email[64];
	char inbox_id[40]; /* Todoist project */
	bool deleted_reads_flag, completed_reads_404;
	uint64_t version; /* moves on with every change of an item */
	int64_t created_ms;
	/* By position; a hole where an item left or went to the end. */
	struct item **items;
	size_t n, cap;
	size_t subtasks;
	struct view view;
	struct map commands; /* Todoist command uuids that were run */
	struct team **teams; /* Linear; the first is the default */
	size_t nteams;
	/* For Linear's headers and for configured limits. */
	int64_t window_ms, hour_ms;
	int64_t window_used, hour_used;
};

struct token {
	struct account *acc;
	bool revoked, read_only;
};

struct item {
	enum prov prov;
	struct account *acc;
	size_t pos; /* in acc->items */
	uint64_t rev;
	char *id, *title;
	int64_t created_ms, updated_ms, completed_ms, canceled_ms, archived_ms;
	bool done, deleted, archived, moved;
	char *assignee; /* NULL: nobody */
	int priority;
	char *description; /* Todoist, Linear; NULL: none */
	char *project_id;  /* Todoist: the inbox at first; Linear: or NULL */
	/* Todoist */
	int64_t old_id;
	char *parent_id;
	char *labels, *duration;                /* JSON; NULL: [] and null */
	char *due_date, *due_string, *due_zone; /* due_date also elsewhere */
	bool recurring;
	int occurrences_done, closes;
	/* Attio */
	char *linked_records; /* JSON; NULL: [] */
	/* Linear */
	char *project_name, *estimate; /* the latter as JSON; NULL: null */
	struct team *team;
	struct wstate *state, *open_state; /* now; the last open one */
	int number;
	char *previous;    /* identifier in the team before, if it moved */
	struct past *past; /* see past.h */
};

struct limit {
	bool on;
	int write; /* -1 both, 0 reads, 1 writes */
	int64_t requests, window_ms;
};

struct sim {
	pthread_mutex_t lock;
	struct ids ids;
	struct account **accounts; /* oldest first */
	size_t naccounts;
	struct map names[PROV_COUNT]; /* account name -> account */
	struct map tokens[PROV_COUNT];
	struct map items[PROV_COUNT];
	struct map old_ids; /* Todoist's numeric ones */
	struct map teams;   /* Linear team id -> team */
	struct limit limits[PROV_COUNT];
	uint64_t rev; /* counts changes, for Todoist's sync tokens */
	int64_t next_old_id;
	struct reqlog *log;
	struct faults *faults;
	struct {
		char *list; /* a JSON array; NULL: empty */
		int status; /* instead of 200; 0: that */
		int64_t delay_ms, asked;
	} keys;      /* of the auth server */
	int stop_fd; /* readable once the program is to end */
};

void state_init(struct sim *sim, uint64_t seed);
void state_reset(struct sim *sim); /* accounts, items, limits */
void state_done(struct sim *sim);

const char *prov_name(enum prov prov);
bool prov_read(const char *name, enum prov *prov);

/* By account name or by any of its tokens; NULL if there is none. */
struct account *account_find(struct sim *sim, enum prov prov, const char *name);
struct account *account_make(struct sim *sim, enum prov prov, const char *name);
/* The provider's oldest account, or a new one called demo. */
struct account *account_default(struct sim *sim, enum prov prov);
struct token *token_make(
    struct sim *sim, enum prov prov, const char *token, struct account *acc);

/* id NULL: a new one. The id must be free. */
struct item *item_make(struct account *acc, struct sim *sim, const char *id);
struct item *item_find(struct sim *sim, enum prov prov, const char *id);
/* Call after every change of an item. */
void item_touch(struct sim *sim, struct item *it, int64_t now_ms);
void item_purge(struct sim *sim, struct item *it);
/* Give the item the last place of its account's list. */
void item_to_end(struct item *it);
/* "open", "completed", ...: what the control API calls it. */
const char *item_state(const struct item *it);
bool item_is_others(const struct item *it); /* given to someone else */

/*
 * Items of acc that pass keep(), ordered by less() (NULL: oldest place first).
 * Borrowed until the next change; key names the selection for the cache.
 */
struct view_plan {
	const char *key;
	bool (*keep)(const struct item *it, const void *arg);
	int (*order)(const void *a, const void *b); /* as for qsort */
	const void *arg;
};
const struct view *account_view(
    struct account *acc, const struct view_plan *plan);

#endif
