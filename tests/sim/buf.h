/* buf: a growing byte string, and JSON written straight into it. */
#ifndef SIM_BUF_H
#define SIM_BUF_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buf {
	char *ptr; /* NUL-terminated once anything was added */
	size_t len, cap;
};

void buf_add(struct buf *b, const void *bytes, size_t n);
void buf_puts(struct buf *b, const char *s);
void buf_fmt(struct buf *b, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
/* Forget everything after the first len bytes. */
void buf_cut(struct buf *b, size_t len);
void buf_done(struct buf *b);

/*
 * Members and elements. The comma is put by looking at the byte before, so
 * that no caller counts; key is NULL inside an array.
 */
void json_key(struct buf *b, const char *key);
void json_open(struct buf *b, const char *key, char bracket);
void json_close(struct buf *b, char bracket);
void json_str(struct buf *b, const char *key, const char *s); /* or null */
void json_int(struct buf *b, const char *key, int64_t n);
void json_bool(struct buf *b, const char *key, bool v);
void json_raw(struct buf *b, const char *key, const char *json);
void json_num(struct buf *b, const char *key, double v);
void json_fmt(struct buf *b, const char *key, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* Memory or the end of the program: a simulator has nothing to fall back to. */
void *mem_zero(size_t n);
void *mem_grow(void *p, size_t n);
char *mem_dup(const char *s); /* NULL stays NULL */
/* Replace *p by a copy of s. */
void mem_set(char **p, const char *s);

#endif
