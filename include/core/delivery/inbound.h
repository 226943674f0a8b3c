/* What people did at a provider, on its way to the tasks here: a whole list is
 * compared with what is kept. run_finish() then marks the tasks. */
#ifndef CORE_DELIVERY_INBOUND_H
#define CORE_DELIVERY_INBOUND_H

#include "core/courier/courier.h"
#include "core/store/run.h"
#include "core/store/store.h"
#include "core/sync/absence.h"

/* One per process, shared by its threads. */
struct inbound {
	const struct store *store;
	const struct courier *courier;
	unsigned complete_on; /* policy, see core/sync/absence.h */
};

/* What was found out about a connection, before any of it is written down. */
struct findings {
	struct fetched fetched;
	struct candidates candidates;
	struct guard guard;
	int still_open, unconfirmed;
	int64_t limit_ms; /* the provider limited reading by id for this long;
			     0: it did not */
};
void findings_done(struct findings *f);

/* Whose list it is; NULL: not known. Borrowed from f or run. */
const char *findings_account(const struct run *run, const struct findings *f);

/* Which tasks does the whole list f->fetched contradict, and what is to be done
 * about each? Tasks that it misses are read by id until deadline_ms
 * (clock_mono_ms()); what was not answered by then stays as it is. Fills in the
 * rest of f; the caller calls findings_done() either way. After an error
 * (ERR_DB and the like) nothing can be concluded. */
enum err inbound_judge(const struct inbound *in, struct run *run,
    int64_t deadline_ms, struct findings *f) MUST_CHECK;

#endif
