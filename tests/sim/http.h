/* http: the only room that knows libmicrohttpd. */
#ifndef SIM_HTTP_H
#define SIM_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "buf.h"

struct request {
	void *conn;
	const char *method, *path; /* the path is already unescaped */
	const char *body;          /* NUL-terminated */
	size_t body_len;
	bool too_large; /* the body was thrown away */
};

enum ending {
	END_SEND,     /* as it is */
	END_TRUNCATE, /* promise the whole body, send half, close */
	END_RESET,    /* TCP reset without an answer */
	END_HANG, /* the caller waits with request_wait_gone(), then resets */
};

struct header {
	const char *name;
	char value[160];
};

struct answer {
	int status;
	struct buf body;
	const char *type; /* NULL: application/json */
	struct header headers[16];
	size_t nheaders;
	enum ending ending;
};

/* Values are borrowed from the request; NULL if absent. */
const char *request_arg(const struct request *req, const char *name);
const char *request_header(const struct request *req, const char *name);

/* Return once the client is gone, after two minutes, or to stop. */
void request_wait_gone(const struct request *req, int stop_fd);

void answer_header(struct answer *ans, const char *name, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* Throw away what was written so far, also the headers. */
void answer_clear(struct answer *ans);

/* Called by one thread per connection; fills ans. */
typedef void http_handler(
    void *arg, const struct request *req, struct answer *ans);

struct http;
/* Listens on 127.0.0.1. NULL with errno set if that cannot be. */
struct http *http_start(uint16_t port, http_handler *handle, void *arg);
uint16_t http_port(const struct http *http);
/* Returns once every thread has ended; those that wait must be woken first. */
void http_stop(struct http *http);

/* Sleep, but no longer than until stop_fd is readable. */
void http_sleep(int stop_fd, int64_t ms);

#endif
