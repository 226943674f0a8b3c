/*
 * past: items as they were some moments ago. A provider reads from replicas,
 * which may be behind what was written. Whoever calls anything here holds
 * sim.lock.
 */
#ifndef SIM_PAST_H
#define SIM_PAST_H

#include <stdint.h>

struct account;
struct item;

/* Remember the item as it is from at_ms on. */
void past_note(struct item *it, int64_t at_ms);
void past_free(struct item *it);

/* Put all items of acc back to how they were then: what makes them open, done
 * or due. One that is younger is as it is. past_leave() undoes it. */
void past_enter(struct account *acc, int64_t then_ms);
void past_leave(struct account *acc);

#endif
