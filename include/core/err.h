/* One enum for every failure, and this thread's last reason as text. The reason
 * is logged once, at the edge: by the request, the run or main(). Clients get
 * err_name() and a sentence of the gateway's own. Only for ERR_INPUT,
 * ERR_CONFLICT, ERR_UNPROCESSABLE and ERR_METHOD do they see the reason itself:
 * where a handler returns one of these, it must be a sentence for a person. */
#ifndef CORE_ERR_H
#define CORE_ERR_H

#include <stdbool.h>

#define MUST_CHECK __attribute__((warn_unused_result))
#define PRINTF_LIKE(fmt, args) __attribute__((format(printf, fmt, args)))

enum err {
	OK = 0,
	ERR_INPUT, /* what came from outside is malformed */
	ERR_AUTH,  /* no valid token, or no usable key */
	ERR_NOTFOUND,
	ERR_METHOD,   /* no such method on this path */
	ERR_CONFLICT, /* the state of the thing does not allow it */
	ERR_TOOBIG,
	ERR_LENGTH, /* a body without Content-Length */
	ERR_MEDIA,  /* a body that is not JSON */
	ERR_UNPROCESSABLE,
	ERR_BUSY,    /* too much is going on, or told to wait */
	ERR_LIMIT,   /* one user has too much of it */
	ERR_REMOTE,  /* the other side answered nonsense or not at all */
	ERR_TIMEOUT, /* the deadline passed */
	ERR_DB,
	ERR_SCHEMA, /* the database lacks something, or a right to it */
	ERR_DATA, /* a row holds a value that cannot be used: trying again does
		     not help */
	ERR_CONFIG,
	ERR_NOMEM,
	ERR_BUG,
	ERR_COUNT
};

/* Record why and give code back, so that `return err_set(...)` reads well. A
 * macro, so that analyzers see which code comes back.
 * The text is cut at 511 bytes; it may quote err_text(), and must not hold a
 * secret. */
#define err_set(code, ...) (err_record(__VA_ARGS__), (code))
void err_record(const char *fmt, ...) PRINTF_LIKE(1, 2);

/* This thread's last reason; never NULL, "" before the first. */
const char *err_text(void);

/* "not_found" and the like: stable, for clients and logs. */
const char *err_name(enum err code);

/* The HTTP status that this failure is answered with. */
int err_http_status(enum err code);

#endif
