/* What becomes of a task whose item is missing from a complete list, or is in
 * it again. Decisions only. */
#ifndef CORE_SYNC_ABSENCE_H
#define CORE_SYNC_ABSENCE_H

#include "core/model.h"

/* A policy says which confirmed states of an item complete its task, one bit
 * for each enum item_state: ITEM_COMPLETED always, ITEM_OPEN never. words:
 * names of states, with spaces, tabs or commas between them. ERR_CONFIG names
 * the first that is no state, or one that no policy may decide about. */
enum err absence_policy_parse(const char *words, unsigned *policy) MUST_CHECK;

/* Must this candidate be read by id before anything is decided? */
bool absence_needs_reading(const struct candidate *candidate);

/* Decide candidate's action and reason. item: as it reads by id; NULL if the
 * provider did not say, or was not asked. A recurring item that was completed
 * here and is listed with a later date is the next occurrence: that needs no
 * reading. A lagging candidate that would be completed or reopened because of
 * what was read is MARK_CONTRADICTED instead, unless its item is not visible.
 * ERR_NOMEM. */
enum err absence_decide(struct candidate *candidate, const struct item *item,
    unsigned policy) MUST_CHECK;

/* Was it missing before too, but not for long enough yet? */
bool absence_is_waited_for(const struct candidate *candidate);

/* After every candidate was decided: must a guard hold back what lacks
 * evidence? Then candidates that would be completed without evidence become
 * MARK_HELD. */
struct guard {
	enum guard_kind kind;
	int64_t held; /* tasks that lack evidence */
};
/* listed: how many items the list has. approved: a person let this many tasks
 * without evidence pass; -1: nobody did. */
struct guard absence_guard(
    struct candidates *candidates, size_t listed, int64_t approved);

/* SHA-256 of everything in items that a run looks at. The same list has the
 * same digest as long as the program's version is the same. */
void absence_digest(const struct items *items, char out[CRYPTO_SHA256_HEX]);

/* Sort items by source_id and drop those that came twice because pages shifted;
 * the later one, which is newer, stays. Returns how many were dropped. If
 * memory is out, items stay as they are. */
size_t absence_dedupe(struct items *items);

#endif
