/* What becomes of a task whose item is not in a complete list, or is in it
 * again. Decisions only. */
#ifndef CORE_SYNC_ABSENCE_H
#define CORE_SYNC_ABSENCE_H

#include "core/model.h"

/* A policy says which confirmed states complete a task, a bit for each enum
 * item_state: completed always does, still open never. words: names of states,
 * with spaces or commas between them. ERR_CONFIG names the one that is none, or
 * that no policy may decide about. */
enum err absence_policy_parse(const char *words, unsigned *policy) MUST_CHECK;

/* Must this candidate be read by id before anything is decided? */
bool absence_needs_reading(const struct candidate *candidate);

/* Decide candidate's action and reason. item: as it reads by id; NULL when the
 * provider said nothing, or nothing was asked. A recurring item that was
 * completed here and is listed with a later date is its series' next
 * occurrence: the list alone tells. Of a lagging candidate, whatever is against
 * our last write is MARK_CONTRADICTED. ERR_NOMEM. */
enum err absence_decide(struct candidate *candidate, const struct item *item,
    unsigned policy) MUST_CHECK;

/* Was it missing before, but not for long enough yet? */
bool absence_is_waited_for(const struct candidate *candidate);

/* After every candidate was decided: does a guard hold what lacks evidence?
 * Then what would be completed without any is MARK_HELD. */
struct guard {
	enum guard_kind kind;
	int64_t held; /* tasks that lack evidence */
};
/* listed: how many items the list has. approved: a person has let so many
 * tasks without evidence pass; -1: nobody did. */
struct guard absence_guard(
    struct candidates *candidates, size_t listed, int64_t approved);

/* SHA-256 of all that a run looks at in items: the same list, the same digest,
 * as long as the program's version is the same. */
void absence_digest(const struct items *items, char out[CRYPTO_SHA256_HEX]);

/* Drop items that came twice while pages shifted; the later one is newer.
 * Returns how many were dropped. Order is by source_id afterwards. */
size_t absence_dedupe(struct items *items);

#endif
