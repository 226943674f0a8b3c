/* What people did at a provider, on its way to the tasks here: a whole list is
 * judged against what is kept. Marking it is run_finish()'s. */
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

/* What was found out of a connection, before any of it is written down. */
struct findings {
	struct fetched fetched;
	struct candidates candidates;
	struct guard guard;
	int still_open, unconfirmed;
	int64_t limit_ms; /* reading by id was limited for so long; 0: not */
};
void findings_done(struct findings *f);

/* Whose list it is; NULL: not known. run's or f's. */
const char *findings_account(const struct run *run, const struct findings *f);

/* Of a whole list, f->fetched: of which tasks does it say something new, and
 * what is to be done about each? Those that it misses are asked for by id,
 * until deadline_ms (clock_mono_ms()); what was not answered by then stays as
 * it is. Fills in the rest of f, the caller's to be done with either way.
 * ERR_DB and the like: nothing can be concluded. */
enum err inbound_judge(const struct inbound *in, struct run *run,
    int64_t deadline_ms, struct findings *f) MUST_CHECK;

#endif
