/* A growing byte buffer whose largest size is fixed when it is made. */
#ifndef CORE_BUF_H
#define CORE_BUF_H

#include <stddef.h>

#include "core/err.h"

struct buf {
	char *ptr; /* NUL-terminated once anything was added */
	size_t len, cap;
	size_t max; /* adding past this is ERR_TOOBIG, never more memory */
};
#define BUF_INIT(limit)                                                        \
	{                                                                      \
		.max = (limit)                                                 \
	}

/* Append n bytes. ERR_TOOBIG: past max; ERR_NOMEM. On failure b is unchanged.
 * buf_add_str() and buf_addf() do the same with a string and a format. */
enum err buf_add(struct buf *b, const void *bytes, size_t n) MUST_CHECK;
enum err buf_add_str(struct buf *b, const char *text) MUST_CHECK;
enum err buf_addf(struct buf *b, const char *fmt, ...)
    PRINTF_LIKE(2, 3) MUST_CHECK;

/* Append text percent-encoded, for one path segment or query value of a URL:
 * everything but RFC 3986's unreserved characters is encoded. */
enum err buf_add_url(struct buf *b, const char *text) MUST_CHECK;

/* Give the bytes to the caller, who frees them; b is empty again. NULL only if
 * memory is out. len may be NULL. */
char *buf_take(struct buf *b, size_t *len);

/* Empty it, keep the memory. */
void buf_clear(struct buf *b);
void buf_done(struct buf *b);

#endif
