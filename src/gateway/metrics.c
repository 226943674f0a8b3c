/* Counters only: what the database knows is added by its reader. */
#include "metrics.h"

enum err
metrics_print(struct metrics *m, struct buf *out)
{
	enum err err;

	err = buf_add_str(out,
	    "# HELP flowpin_requests_total Calls answered, by status class.\n"
	    "# TYPE flowpin_requests_total counter\n");
	for (int i = 1; !err && i < 6; i++)
		err = buf_addf(out,
		    "flowpin_requests_total{status=\"%dxx\"} %lu\n", i,
		    atomic_load(&m->requests[i]));
	if (!err)
		err = buf_add_str(out,
		    "# HELP flowpin_writebacks_total Deliveries, by ending.\n"
		    "# TYPE flowpin_writebacks_total counter\n");
	for (int i = 0; !err && i <= END_QUEUED; i++)
		err = buf_addf(out,
		    "flowpin_writebacks_total{ending=\"%s\"} %lu\n",
		    ending_name((enum ending)i),
		    atomic_load(&m->writebacks[i]));
	if (!err)
		err = buf_addf(out,
		    "# HELP flowpin_lost_leases_total Settles refused because "
		    "another owner had taken over.\n"
		    "# TYPE flowpin_lost_leases_total counter\n"
		    "flowpin_lost_leases_total %lu\n"
		    "# HELP flowpin_swept_total Writebacks taken up by "
		    "sweepers.\n"
		    "# TYPE flowpin_swept_total counter\n"
		    "flowpin_swept_total %lu\n",
		    atomic_load(&m->lost_leases), atomic_load(&m->swept));
	return err;
}
