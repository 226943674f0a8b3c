/* Logging: each event is prepared in one buffer and written with one write(2).
 * Lines of threads therefore never mix, nor do those of processes that share a
 * pipe, since a line is shorter than PIPE_BUF. Nothing here allocates or
 * locks. */
#include "core/log.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define LINE_BYTES 2048

/* clang-format off */
static const char *const level_names[] = {
	[LOG_DEBUG] = "debug",
	[LOG_INFO]  = "info",
	[LOG_WARN]  = "warn",
	[LOG_ERROR] = "error",
};
/* sd-daemon(3): what journalctl -p goes by */
static const char *const priorities[] = {
	[LOG_DEBUG] = "<7>",
	[LOG_INFO]  = "<6>",
	[LOG_WARN]  = "<4>",
	[LOG_ERROR] = "<3>",
};
/* clang-format on */
#define LEVELS (sizeof(level_names) / sizeof(level_names[0]))

/* Set once by log_open() before there are threads, then only read. */
static const char *program = "flowpin";
static enum log_level least_level = LOG_INFO;
static bool is_journal; /* standard error is systemd's journal */

/* JOURNAL_STREAM names the device and inode of the stream that was the
 * journal's when the service was started. */
static bool
goes_to_journal(void)
{
	const char *stream = getenv("JOURNAL_STREAM");
	unsigned long long device, inode;
	struct stat file;

	return stream && sscanf(stream, "%llu:%llu", &device, &inode) == 2 &&
	       !fstat(STDERR_FILENO, &file) && file.st_dev == device &&
	       file.st_ino == inode;
}

void
log_open(const char *name, enum log_level least)
{
	is_journal = goes_to_journal();
	program = name;
	least_level = least;
}

enum err
log_level_parse(const char *text, enum log_level *out)
{
	for (size_t i = 0; i < LEVELS; i++) {
		if (strcmp(text, level_names[i]) == 0) {
			*out = (enum log_level)i;
			return OK;
		}
	}
	return err_set(
	    ERR_CONFIG, "log_level must be debug, info, warn or error");
}

static bool
is_control(char c)
{
	return (unsigned char)c < 0x20 || c == 0x7f;
}

/* How much vsnprintf() really wrote, from what it returns. */
static size_t
written(int n, size_t room)
{
	if (n < 0)
		return 0;
	return (size_t)n < room ? (size_t)n : room - 1;
}

static void PRINTF_LIKE(2, 0)
    emit(enum log_level level, const char *fmt, va_list args)
{
	static const char cut_mark[] = "...";
	char line[LINE_BYTES];
	size_t len, room;
	int n;

	if (level < least_level)
		return;
	n = snprintf(line, sizeof(line), "%slevel=%s prog=%s ",
	    is_journal ? priorities[level] : "", level_names[level], program);
	len = written(n, sizeof(line));
	room = sizeof(line) - len;
	n = vsnprintf(line + len, room, fmt, args);
	len += written(n, room);
	if (n >= 0 && (size_t)n >= room)
		memcpy(line + len - 3, cut_mark, 3);
	for (size_t i = 0; i < len; i++) {
		if (is_control(line[i]))
			line[i] = '?';
	}
	line[len++] = '\n'; /* where the NUL was */
	/* A failure to log cannot be logged either. */
	if (write(STDERR_FILENO, line, len) < 0)
		return;
}

#define EMIT(level)                                                            \
	do {                                                                   \
		va_list args;                                                  \
		va_start(args, fmt);                                           \
		emit(level, fmt, args);                                        \
		va_end(args);                                                  \
	} while (0)

void
log_debug(const char *fmt, ...)
{
	EMIT(LOG_DEBUG);
}

void
log_info(const char *fmt, ...)
{
	EMIT(LOG_INFO);
}

void
log_warn(const char *fmt, ...)
{
	EMIT(LOG_WARN);
}

void
log_error(const char *fmt, ...)
{
	EMIT(LOG_ERROR);
}

/* One byte of a quoted value: itself, \" \\ \n \r \t, or \xNN. The result is
 * ASCII whatever came in, even where it is cut: journald hides a line that is
 * not UTF-8. Returns how many bytes were put into out. */
static size_t
quote_byte(char c, char out[5])
{
	static const char plain[] = "\"\\\n\r\t", coded[] = "\"\\nrt";
	static const char hex[] = "0123456789abcdef";
	const char *at = memchr(plain, c, sizeof(plain) - 1);

	if (at != NULL) {
		out[0] = '\\';
		out[1] = coded[at - plain];
		return 2;
	}
	if (!is_control(c) && (unsigned char)c < 0x80) {
		out[0] = c;
		return 1;
	}
	out[0] = '\\';
	out[1] = 'x';
	out[2] = hex[(unsigned char)c >> 4];
	out[3] = hex[(unsigned char)c & 15];
	return 4;
}

const char *
log_quote(const char *text, char *out, unsigned long size)
{
	char piece[5];
	size_t len = 0, n;

	if (size < 3) { /* no room for the quotes */
		if (size > 0)
			out[0] = '\0';
		return out;
	}
	out[len++] = '"';
	for (const char *p = text != NULL ? text : ""; *p != '\0'; p++) {
		n = quote_byte(*p, piece);
		if (len + n + 2 > size)
			break;
		memcpy(out + len, piece, n);
		len += n;
	}
	out[len++] = '"';
	out[len] = '\0';
	return out;
}
