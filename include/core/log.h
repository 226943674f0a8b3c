/* One line per event on stderr: level=... prog=..., then key=value pairs.
 * systemd's journal adds time and unit, so nothing here reads a clock. */
#ifndef CORE_LOG_H
#define CORE_LOG_H

#include "core/err.h"

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR };

/* Before threads start. If standard error is the journal's (JOURNAL_STREAM),
 * each line begins with its priority, <3> to <7>. name: the program's, printed
 * as prog=; it is kept, not copied. */
void log_open(const char *name, enum log_level least);

/* "debug", "info", "warn", "error"; ERR_CONFIG otherwise. */
enum err log_level_parse(const char *text, enum log_level *out) MUST_CHECK;

/* fmt is the rest of the line, already key=value; values from outside go
 * through log_quote(). A newline or control byte in the result is printed
 * as '?', so that one event is one line whatever came in. */
void log_debug(const char *fmt, ...) PRINTF_LIKE(1, 2);
void log_info(const char *fmt, ...) PRINTF_LIKE(1, 2);
void log_warn(const char *fmt, ...) PRINTF_LIKE(1, 2);
void log_error(const char *fmt, ...) PRINTF_LIKE(1, 2);

/* text in double quotes; inner quotes, backslashes, control bytes and all that
 * is not ASCII escaped; cut to fit. Returns out. */
const char *log_quote(const char *text, char *out, unsigned long size);

#endif
