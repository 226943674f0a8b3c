/* A server for the tests of http: a thread that reads whole requests and
 * follows a script of answers; and a client to try it with. Nothing waits
 * longer than a few seconds. Only test programs include this, once each. */
#ifndef UNIT_HTTP_SERVER_H
#define UNIT_HTTP_SERVER_H

#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <cmocka.h>

#include "core/clock.h"
#include "core/http.h"

#define PATIENCE_MS 5000 /* a hanging test ends, a slow machine passes */

enum then { KEEP, CLOSE, RESET, HANG };

/* What the server does with the n-th request of all. It goes on with
 * the last step. */
struct step {
	const char *answer; /* NULL: nothing */
	enum then then;
};

struct server {
	const struct step *steps;
	int step_count, listen_fd;
	unsigned port;
	pthread_t thread;
	atomic_bool stop;
	atomic_int connections, requests;
	char last[16384]; /* request; read it after server_stop() */
};

/* Readable before the test ends? Short naps, so that stop is seen. */
static inline bool
wait_readable(struct server *s, int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	while (!s->stop) {
		if (poll(&p, 1, 20) > 0)
			return true;
	}
	return false;
}

/* The bytes of the body that the headers announce. */
static inline size_t
announced(const char *headers)
{
	const char *line = strcasestr(headers, "\r\ncontent-length:");

	return line != NULL ? strtoul(line + 17, NULL, 10) : 0;
}

/* One whole request into s->last; false when the client is gone. */
static inline bool
read_request(struct server *s, int fd)
{
	size_t len = 0;
	const char *end = NULL;
	ssize_t n;

	while (end == NULL ||
	       len < (size_t)(end + 4 - s->last) + announced(s->last)) {
		if (!wait_readable(s, fd))
			return false;
		n = recv(fd, s->last + len, sizeof(s->last) - 1 - len, 0);
		if (n <= 0)
			return false;
		len += (size_t)n;
		s->last[len] = '\0';
		end = strstr(s->last, "\r\n\r\n");
	}
	return true;
}

static inline void
serve(struct server *s, int fd)
{
	const struct linger hard = { .l_onoff = 1, .l_linger = 0 };
	const struct step *step;
	char byte;
	int n;

	while (read_request(s, fd)) {
		n = s->requests++;
		step = &s->steps[n < s->step_count ? n : s->step_count - 1];
		if (step->answer != NULL)
			(void)send(fd, step->answer, strlen(step->answer),
			    MSG_NOSIGNAL);
		if (step->then == HANG && wait_readable(s, fd))
			(void)recv(fd, &byte, 1, 0); /* the client left */
		if (step->then == RESET)
			(void)setsockopt(
			    fd, SOL_SOCKET, SO_LINGER, &hard, sizeof(hard));
		if (step->then != KEEP)
			break;
	}
}

static inline void *
server_main(void *cookie)
{
	struct server *s = cookie;
	int fd;

	while (wait_readable(s, s->listen_fd)) {
		fd = accept(s->listen_fd, NULL, NULL);
		if (fd < 0)
			continue;
		s->connections++;
		serve(s, fd);
		(void)close(fd);
	}
	return NULL;
}

static inline void
server_start(struct server *s, const struct step *steps, size_t count)
{
	struct sockaddr_in at = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(at);

	memset(s, 0, sizeof(*s));
	s->steps = steps;
	s->step_count = (int)count;
	s->listen_fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_true(s->listen_fd >= 0);
	assert_int_equal(bind(s->listen_fd, (void *)&at, sizeof(at)), 0);
	assert_int_equal(listen(s->listen_fd, 64), 0);
	assert_int_equal(getsockname(s->listen_fd, (void *)&at, &len), 0);
	s->port = ntohs(at.sin_port);
	assert_int_equal(pthread_create(&s->thread, NULL, server_main, s), 0);
}
#define START(server, steps)                                                   \
	server_start(server, steps, sizeof(steps) / sizeof((steps)[0]))

static inline void
server_stop(struct server *s)
{
	s->stop = true;
	(void)pthread_join(s->thread, NULL);
	(void)close(s->listen_fd);
}

static struct http *http;

static const struct http_options options = {
	.user_agent = "flowpin-test/1",
	.connect_timeout_ms = 2000,
	.max_handles = 2,
};

static inline int
make_http(void **state)
{
	(void)state;
	return http_new(&options, &http) != OK;
}

static inline int
free_http(void **state)
{
	(void)state;
	http_free(http);
	http_free(NULL);
	http = NULL;
	return 0;
}

/* body NULL: none. */
static inline enum err
send_to(unsigned port, enum http_method method, const char *body,
    int timeout_ms, struct http_response *res)
{
	struct http_request req = HTTP_REQUEST_INIT;
	enum err err;

	assert_int_equal(
	    buf_addf(&req.url, "http://127.0.0.1:%u/v1/x?a=b", port), OK);
	assert_int_equal(buf_add_str(&req.authorization, "Bearer k3y"), OK);
	if (body != NULL)
		assert_int_equal(buf_add_str(&req.body, body), OK);
	req.has_body = body != NULL;
	req.method = method;
	err = http_send(http, &req, clock_mono_ms() + timeout_ms, res);
	http_request_done(&req);
	return err;
}

#define OK_KEEP "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"

#endif
