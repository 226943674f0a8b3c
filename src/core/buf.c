/* A growing byte buffer. It may hold a key, so the memory that it leaves behind
 * when it grows is wiped; realloc() would leave a copy. */
#include "core/buf.h"

#include <assert.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_CAP 64

/* Make room for n more bytes and a NUL. The ceiling counts the bytes only; the
 * NUL comes on top. */
static enum err
reserve(struct buf *b, size_t n)
{
	size_t cap = b->cap > 0 ? b->cap : FIRST_CAP;
	char *ptr;

	if (b->len > b->max || n > b->max - b->len || b->max > SIZE_MAX / 4)
		return err_set(ERR_TOOBIG, "more than %zu bytes", b->max);
	if (b->len + n < b->cap)
		return OK;
	while (cap <= b->len + n)
		cap *= 2;
	if (cap > b->max + 1)
		cap = b->max + 1;
	ptr = malloc(cap);
	if (ptr == NULL)
		return err_set(ERR_NOMEM, "no memory for %zu bytes", cap);
	if (b->ptr != NULL) {
		memcpy(ptr, b->ptr, b->len);
		explicit_bzero(b->ptr, b->cap);
		free(b->ptr);
	}
	b->ptr = ptr;
	b->cap = cap;
	return OK;
}

enum err
buf_add(struct buf *b, const void *bytes, size_t n)
{
	enum err err = reserve(b, n);

	if (err)
		return err;
	assert(b->ptr); /* reserve() left room for the NUL at least */
	if (n > 0)
		memcpy(b->ptr + b->len, bytes, n);
	b->len += n;
	b->ptr[b->len] = '\0';
	return OK;
}

enum err
buf_add_str(struct buf *b, const char *text)
{
	return buf_add(b, text, strlen(text));
}

enum err
buf_addf(struct buf *b, const char *fmt, ...)
{
	va_list args, again;
	enum err err;
	int n;

	va_start(args, fmt);
	va_copy(again, args);
	n = vsnprintf(NULL, 0, fmt, args);
	va_end(args);
	if (n < 0) {
		err = err_set(ERR_BUG, "bad format");
		goto out;
	}
	err = reserve(b, (size_t)n);
	if (err)
		goto out;
	(void)vsnprintf(b->ptr + b->len, (size_t)n + 1, fmt, again);
	b->len += (size_t)n;
out:
	va_end(again);
	return err;
}

static bool
is_unreserved(unsigned char c)
{
	return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
	       (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_' ||
	       c == '~';
}

enum err
buf_add_url(struct buf *b, const char *text)
{
	static const char hex[] = "0123456789ABCDEF";
	size_t n = 0;
	enum err err;
	char *to;

	for (const char *p = text; *p != '\0'; p++)
		n += is_unreserved((unsigned char)*p) ? 1 : 3;
	err = reserve(b, n);
	if (err)
		return err;
	to = b->ptr + b->len;
	for (const char *p = text; *p != '\0'; p++) {
		unsigned char c = (unsigned char)*p;
		if (is_unreserved(c)) {
			*to++ = *p;
			continue;
		}
		*to++ = '%';
		*to++ = hex[c >> 4];
		*to++ = hex[c & 15];
	}
	*to = '\0';
	b->len += n;
	return OK;
}

char *
buf_take(struct buf *b, size_t *len)
{
	char *ptr;

	if (b->ptr == NULL && buf_add(b, "", 0) != OK)
		return NULL;
	ptr = b->ptr;
	if (len != NULL)
		*len = b->len;
	b->ptr = NULL;
	b->len = b->cap = 0;
	return ptr;
}

void
buf_clear(struct buf *b)
{
	b->len = 0;
	if (b->ptr != NULL)
		b->ptr[0] = '\0';
}

void
buf_done(struct buf *b)
{
	free(b->ptr);
	b->ptr = NULL;
	b->len = b->cap = 0;
}
