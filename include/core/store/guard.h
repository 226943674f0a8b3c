/* Guards that hold back a connection's marks now. Runs raise and release them
 * (run.h); here is what operators and monitors see and do. */
#ifndef CORE_STORE_GUARD_H
#define CORE_STORE_GUARD_H

#include "core/store/store.h"

struct held_guard {
	char connection_id[CRYPTO_UUID], user_id[CRYPTO_UUID];
	char type[16], kind[24];
	char raised_at[40];
	int64_t held; /* tasks without evidence */
	bool is_approved;
};
/* All guards, the oldest first. The caller frees *list. */
enum err guard_list(const struct store *store, struct held_guard **list,
    size_t *count) MUST_CHECK;

/* Let the next run mark as many tasks as are held back, or let the connection
 * go on with its new account. ERR_NOTFOUND: no guard holds there. */
enum err guard_approve(
    const struct store *store, const char *connection_id) MUST_CHECK;

struct guard_count {
	char type[16], kind[24];
	int64_t guards;
};
#define GUARD_COUNTS_MAX 32
struct guard_counts {
	struct guard_count list[GUARD_COUNTS_MAX]; /* every type, every kind */
	size_t count;
	int64_t healed; /* tasks that runs completed and reopened again, in the
			   runs that are kept */
};
enum err guard_count(const struct store *store, const char *const *types,
    size_t count, struct guard_counts *out) MUST_CHECK;

#endif
