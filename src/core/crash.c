/* Only in test builds (make CRASH=1): die without any clean-up. */
#include "core/crash.h"

#ifdef FLOWPIN_CRASH_POINTS
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void
crash_point(const char *name)
{
	static atomic_long passed;
	const char *at = getenv("FLOWPIN_CRASH_AT");
	size_t n = strlen(name);
	long nth = 1;

	if (!at || strncmp(at, name, n) || (at[n] && at[n] != ':'))
		return;
	if (at[n] == ':')
		nth = strtol(at + n + 1, NULL, 10);
	if (atomic_fetch_add(&passed, 1) + 1 == nth)
		(void)kill(getpid(), SIGKILL);
}
#else
/* an empty translation unit is not C */
extern const int crash_points_are_off;
const int crash_points_are_off = 1;
#endif
