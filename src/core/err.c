/* Failures: the table has one row per code with all that edges need to know.
 * The reason is kept per thread: no lock is needed, and one request never sees
 * another's. */
#include "core/err.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

struct err_info {
	const char *name;
	int http_status;
};

/* clang-format off */
static const struct err_info table[] = {
	[OK]                = { "ok",                     200 },
	[ERR_INPUT]         = { "bad_request",            400 },
	[ERR_AUTH]          = { "unauthorized",           401 },
	[ERR_NOTFOUND]      = { "not_found",              404 },
	[ERR_METHOD]        = { "method_not_allowed",     405 },
	[ERR_CONFLICT]      = { "conflict",               409 },
	[ERR_TOOBIG]        = { "too_large",              413 },
	[ERR_LENGTH]        = { "length_required",        411 },
	[ERR_MEDIA]         = { "unsupported_media_type", 415 },
	[ERR_UNPROCESSABLE] = { "unprocessable",          422 },
	[ERR_BUSY]          = { "busy",                   503 },
	[ERR_LIMIT]         = { "too_many_calls",         429 },
	[ERR_REMOTE]        = { "bad_gateway",            502 },
	[ERR_TIMEOUT]       = { "timeout",                504 },
	[ERR_DB]            = { "database_unavailable",   503 },
	[ERR_SCHEMA]        = { "database_not_set_up",    503 },
	[ERR_DATA]          = { "unusable_data",          500 },
	[ERR_CONFIG]        = { "misconfigured",          500 },
	[ERR_NOMEM]         = { "out_of_memory",          503 },
	[ERR_BUG]           = { "internal_error",         500 },
};
/* clang-format on */
_Static_assert(sizeof(table) / sizeof(table[0]) == ERR_COUNT, "a row per code");

#define REASON_BYTES 512

static _Thread_local char reason[REASON_BYTES];

void
err_record(const char *fmt, ...)
{
	/* Not straight into reason, because an argument may be err_text(). */
	char text[REASON_BYTES];
	va_list args;

	va_start(args, fmt);
	if (vsnprintf(text, sizeof(text), fmt, args) < 0)
		text[0] = '\0';
	va_end(args);
	memcpy(reason, text, strlen(text) + 1);
}

const char *
err_text(void)
{
	return reason;
}

const char *
err_name(enum err code)
{
	assert((unsigned)code < ERR_COUNT);
	return table[code].name;
}

int
err_http_status(enum err code)
{
	assert((unsigned)code < ERR_COUNT);
	return table[code].http_status;
}
