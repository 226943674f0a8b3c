/*
 * A growing byte string, and JSON written straight into it. Lists of 50,000
 * items are served from here, so no tree is built only to be printed.
 */
#include "buf.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void *
mem_grow(void *p, size_t n)
{
	p = realloc(p, n ? n : 1);
	if (!p) {
		fprintf(stderr, "flowpin-sim: out of memory\n");
		abort();
	}
	return p;
}

void *
mem_zero(size_t n)
{
	return memset(mem_grow(NULL, n), 0, n);
}

char *
mem_dup(const char *s)
{
	size_t n;

	if (!s)
		return NULL;
	n = strlen(s) + 1;
	return memcpy(mem_grow(NULL, n), s, n);
}

void
mem_set(char **p, const char *s)
{
	char *copy = mem_dup(s);

	free(*p);
	*p = copy;
}

static void
reserve(struct buf *b, size_t more)
{
	size_t cap = b->cap ? b->cap : 256;

	while (cap < b->len + more + 1)
		cap *= 2;
	if (cap == b->cap)
		return;
	b->ptr = mem_grow(b->ptr, cap);
	b->cap = cap;
}

void
buf_add(struct buf *b, const void *bytes, size_t n)
{
	reserve(b, n);
	if (n)
		memcpy(b->ptr + b->len, bytes, n);
	b->len += n;
	b->ptr[b->len] = '\0';
}

void
buf_puts(struct buf *b, const char *s)
{
	buf_add(b, s, strlen(s));
}

static void __attribute__((format(printf, 2, 0)))
add_formatted(struct buf *b, const char *fmt, va_list ap)
{
	va_list again;
	int n;

	va_copy(again, ap);
	n = vsnprintf(NULL, 0, fmt, ap);
	if (n >= 0) {
		reserve(b, (size_t)n);
		vsnprintf(b->ptr + b->len, (size_t)n + 1, fmt, again);
		b->len += (size_t)n;
	}
	va_end(again);
}

void
buf_fmt(struct buf *b, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	add_formatted(b, fmt, ap);
	va_end(ap);
}

void
buf_cut(struct buf *b, size_t len)
{
	if (len >= b->len)
		return;
	b->len = len;
	b->ptr[len] = '\0';
}

void
buf_done(struct buf *b)
{
	free(b->ptr);
	*b = (struct buf){ 0 };
}

static void
add_quoted(struct buf *b, const char *s)
{
	const char *run = s;

	buf_add(b, "\"", 1);
	for (; *s; s++) {
		unsigned char c = (unsigned char)*s;

		if (c >= 0x20 && c != '"' && c != '\\')
			continue;
		buf_add(b, run, (size_t)(s - run));
		run = s + 1;
		if (c == '"' || c == '\\')
			buf_fmt(b, "\\%c", c);
		else
			buf_fmt(b, "\\u%04x", c);
	}
	buf_add(b, run, (size_t)(s - run));
	buf_add(b, "\"", 1);
}

void
json_key(struct buf *b, const char *key)
{
	char last = b->len ? b->ptr[b->len - 1] : '{';

	if (!strchr("{[:,", last))
		buf_add(b, ",", 1);
	if (!key)
		return;
	add_quoted(b, key);
	buf_add(b, ":", 1);
}

void
json_open(struct buf *b, const char *key, char bracket)
{
	json_key(b, key);
	buf_add(b, &bracket, 1);
}

void
json_close(struct buf *b, char bracket)
{
	buf_add(b, &bracket, 1);
}

void
json_str(struct buf *b, const char *key, const char *s)
{
	json_key(b, key);
	if (s)
		add_quoted(b, s);
	else
		buf_puts(b, "null");
}

void
json_int(struct buf *b, const char *key, int64_t n)
{
	json_key(b, key);
	buf_fmt(b, "%lld", (long long)n);
}

void
json_bool(struct buf *b, const char *key, bool v)
{
	json_key(b, key);
	buf_puts(b, v ? "true" : "false");
}

void
json_raw(struct buf *b, const char *key, const char *json)
{
	json_key(b, key);
	buf_puts(b, json);
}

void
json_num(struct buf *b, const char *key, double v)
{
	json_key(b, key);
	if (isfinite(v))
		buf_fmt(b, "%.15g", v);
	else
		buf_puts(b, "null");
}

void
json_fmt(struct buf *b, const char *key, const char *fmt, ...)
{
	struct buf s = { 0 };
	va_list ap;

	va_start(ap, fmt);
	add_formatted(&s, fmt, ap);
	va_end(ap);
	json_str(b, key, s.ptr ? s.ptr : "");
	buf_done(&s);
}
