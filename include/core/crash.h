/* Named points at which a test build can be made to die as by kill -9, so that
 * tests see that nothing is lost between any two steps. Product builds compile
 * them to nothing. FLOWPIN_CRASH_AT=name kills the process when it passes the
 * point for the first time, name:3 the third time. FLOWPIN_STOP_AT stops it
 * there until SIGCONT, so that a test can do something at exactly that
 * moment. */
#ifndef CORE_CRASH_H
#define CORE_CRASH_H

#ifdef FLOWPIN_CRASH_POINTS
void crash_point(const char *name);
#else
#define crash_point(name) ((void)0)
#endif

#endif
