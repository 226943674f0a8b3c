/* Named points where a test build dies as by kill -9, to see that nothing is
 * lost between any two steps. Product builds compile them to nothing.
 * FLOWPIN_CRASH_AT=name dies when the point is passed for the first time,
 * name:3 the third time; FLOWPIN_STOP_AT stops there until SIGCONT, so that
 * whoever watches can do something at just that moment. */
#ifndef CORE_CRASH_H
#define CORE_CRASH_H

#ifdef FLOWPIN_CRASH_POINTS
void crash_point(const char *name);
#else
#define crash_point(name) ((void)0)
#endif

#endif
