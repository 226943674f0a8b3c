/* Counters of this process, in Prometheus' text format. */
#ifndef GATEWAY_METRICS_H
#define GATEWAY_METRICS_H

#include <stdatomic.h>

#include "core/buf.h"
#include "core/model.h"

struct metrics {
	atomic_ulong requests[6];                /* by hundreds of the status */
	atomic_ulong writebacks[END_QUEUED + 1]; /* by ending */
	atomic_ulong lost_leases; /* settles that came too late */
	atomic_ulong swept;       /* writebacks taken up by sweepers */
};

enum err metrics_print(struct metrics *metrics, struct buf *out) MUST_CHECK;

#endif
