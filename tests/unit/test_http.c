/* http: how far a request came, for every way in which a server can fail.
 * Each test runs a server of its own in a thread: it reads whole requests and
 * follows a script of answers. Nothing waits longer than a few seconds. */
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>
#include <cmocka.h>

#include "core/clock.h"
#include "core/http.h"

#define PATIENCE_MS 5000 /* a hanging test ends, a slow machine passes */

enum then { KEEP, CLOSE, RESET, HANG };

/* What the server does with the n-th request of all. After the last step it
 * repeats that. */
struct step {
	const char *answer; /* NULL: nothing */
	enum then then;
};

struct server {
	const struct step *steps;
	int listen_fd;
	unsigned port;
	pthread_t thread;
	atomic_bool stop;
	atomic_int connections, requests;
	char last[16384]; /* request; read it after server_stop() */
};

static struct http *http;

/* Readable before the test ends? Short naps, so that stop is seen. */
static bool
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
static size_t
announced(const char *headers)
{
	const char *line = strcasestr(headers, "\r\ncontent-length:");

	return line != NULL ? strtoul(line + 17, NULL, 10) : 0;
}

/* One whole request into s->last; false when the client is gone. */
static bool
read_request(struct server *s, int fd)
{
	size_t len = 0;
	const char *end = NULL;
	ssize_t n;

	s->last[0] = '\0';
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

static void
serve(struct server *s, int fd)
{
	const struct linger hard = { .l_onoff = 1, .l_linger = 0 };
	const struct step *step;
	char byte;

	while (read_request(s, fd)) {
		step = &s->steps[0];
		for (int i = s->requests++; i > 0 && step[1].answer != step; i--)
			step++;
		if (step->answer != NULL)
			(void)send(fd, step->answer, strlen(step->answer),
			    MSG_NOSIGNAL);
		if (step->then == HANG && wait_readable(s, fd))
			(void)recv(fd, &byte, 1, 0); /* the client left */
		if (step->then == RESET)
			(void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &hard,
			    sizeof(hard));
		if (step->then != KEEP)
			break;
	}
}

static void *
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
