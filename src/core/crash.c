/* Only in test builds (make CRASH=1): die or stop without any clean-up. */
#include "core/crash.h"

#ifdef FLOWPIN_CRASH_POINTS
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* wanted: name or name:nth, from the environment. passed counts how often the
 * point was passed. */
static void
act_at(const char *name, const char *wanted, atomic_long *passed,
    int signal_number)
{
	size_t n = strlen(name);
	long nth = 1;

	if (!wanted || strncmp(wanted, name, n) ||
	    (wanted[n] && wanted[n] != ':'))
		return;
	if (wanted[n] == ':')
		nth = strtol(wanted + n + 1, NULL, 10);
	if (atomic_fetch_add(passed, 1) + 1 == nth)
		(void)kill(getpid(), signal_number);
}

void
crash_point(const char *name)
{
	static atomic_long stops, crashes;

	act_at(name, getenv("FLOWPIN_STOP_AT"), &stops, SIGSTOP);
	act_at(name, getenv("FLOWPIN_CRASH_AT"), &crashes, SIGKILL);
}
#else
/* an empty translation unit is not C */
extern const int crash_points_are_off;
const int crash_points_are_off = 1;
#endif
