/* What becomes of a task whose item is not in a complete list, or is in it
 * again. Decisions only. */
#ifndef CORE_SYNC_ABSENCE_H
#define CORE_SYNC_ABSENCE_H

#include "core/model.h"

/* Must this candidate be read by id before anything is decided? */
bool absence_needs_reading(const struct candidate *candidate);

/* Decide candidate's action and reason. item: as it reads by id; NULL when the
 * provider said nothing, or nothing was asked. */
void absence_decide(struct candidate *candidate, const struct item *item);

/* Drop items that came twice while pages shifted; the later one is newer.
 * Returns how many were dropped. Order is by source_id afterwards. */
size_t absence_dedupe(struct items *items);

#endif
