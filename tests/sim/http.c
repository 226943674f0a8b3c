/*
 * libmicrohttpd, and what it has no words for: resets, hanging answers and
 * bodies cut short. One thread per connection, so that a request that hangs
 * holds up nobody else; the stacks are small because there may be thousands.
 */
#include "http.h"

#include <arpa/inet.h>
#include <errno.h>
#include <microhttpd.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "when.h"

enum {
	MAX_BODY = 16 << 20,
	HANG_MS = 120000,
	STACK_BYTES = 512 << 10, /* address space; touched pages only cost */
};

struct http {
	struct MHD_Daemon *daemon;
	uint16_t port;
	http_handler *handle;
	void *arg;
};

struct upload {
	struct buf body;
	bool too_large;
};

const char *
request_arg(const struct request *req, const char *name)
{
	return MHD_lookup_connection_value(
	    req->conn, MHD_GET_ARGUMENT_KIND, name);
}

const char *
request_header(const struct request *req, const char *name)
{
	return MHD_lookup_connection_value(req->conn, MHD_HEADER_KIND, name);
}

void
answer_header(struct answer *ans, const char *name, const char *fmt, ...)
{
	struct header *h = &ans->headers[ans->nheaders];
	va_list ap;

	if (ans->nheaders == sizeof(ans->headers) / sizeof(*ans->headers))
		return;
	h->name = name;
	va_start(ap, fmt);
	vsnprintf(h->value, sizeof(h->value), fmt, ap);
	va_end(ap);
	ans->nheaders++;
}

void
answer_clear(struct answer *ans)
{
	buf_cut(&ans->body, 0);
	ans->nheaders = 0;
	ans->type = NULL;
	ans->status = 200;
}

void
http_sleep(int stop_fd, int64_t ms)
{
	struct pollfd fd = { .fd = stop_fd, .events = POLLIN };
	int64_t end = when_now_ms() + ms;

	while (ms > 0) {
		int rc = poll(&fd, 1, ms > 60000 ? 60000 : (int)ms);

		if (rc > 0)
			return;
		ms = end - when_now_ms();
	}
}

static int
socket_of(struct MHD_Connection *conn)
{
	const union MHD_ConnectionInfo *info =
	    MHD_get_connection_info(conn, MHD_CONNECTION_INFO_CONNECTION_FD);

	return info ? info->connect_fd : -1;
}

/*
 * connect() to nowhere dissolves the association, and Linux tells the peer
 * by a reset. SO_LINGER would be too late: the library shuts the sending
 * side down first, which the peer would see as an orderly end.
 */
static void
reset_connection(struct MHD_Connection *conn)
{
	struct sockaddr nowhere = { .sa_family = AF_UNSPEC };

	(void)connect(socket_of(conn), &nowhere, sizeof(nowhere));
}

void
request_wait_gone(const struct request *req, int stop_fd)
{
	struct pollfd fds[] = {
		{ .fd = socket_of(req->conn), .events = POLLRDHUP },
		{ .fd = stop_fd, .events = POLLIN },
	};
	int64_t end = when_now_ms() + HANG_MS, left;

	while ((left = end - when_now_ms()) > 0) {
		int rc = poll(fds, 2, (int)left);

		if (rc > 0 || (rc < 0 && errno != EINTR))
			return;
	}
}

static ssize_t
read_half(void *cls, uint64_t pos, char *out, size_t max)
{
	const struct buf *half = cls;
	size_t n;

	/* An error only after the bytes are out: they must be seen first. */
	if (pos >= half->len)
		return MHD_CONTENT_READER_END_WITH_ERROR;
	n = half->len - (size_t)pos;
	if (n > max)
		n = max;
	memcpy(out, half->ptr + pos, n);
	return (ssize_t)n;
}

static void
free_half(void *cls)
{
	struct buf *half = cls;

	buf_done(half);
	free(half);
}

static struct MHD_Response *
half_response(struct answer *ans)
{
	size_t whole = ans->body.len > 1 ? ans->body.len : 64;
	struct buf *half = mem_zero(sizeof(*half));

	*half = ans->body;
	ans->body = (struct buf){ 0 };
	buf_cut(half, half->len / 2);
	return MHD_create_response_from_callback(
	    whole, 4096, read_half, half, free_half);
}

static struct MHD_Response *
whole_response(struct answer *ans)
{
	struct MHD_Response *res;

	if (!ans->body.ptr)
		return MHD_create_response_from_buffer(
		    0, (void *)"", MHD_RESPMEM_PERSISTENT);
	res = MHD_create_response_from_buffer(
	    ans->body.len, ans->body.ptr, MHD_RESPMEM_MUST_FREE);
	ans->body = (struct buf){ 0 };
	return res;
}

static enum MHD_Result
send_answer(struct MHD_Connection *conn, struct answer *ans)
{
	struct MHD_Response *res = ans->ending == END_TRUNCATE
				       ? half_response(ans)
				       : whole_response(ans);
	enum MHD_Result rc;
	size_t i;

	if (!res)
		return MHD_NO;
	MHD_add_response_header(res, "Content-Type",
	    ans->type ? ans->type : "application/json; charset=utf-8");
	for (i = 0; i < ans->nheaders; i++)
		MHD_add_response_header(
		    res, ans->headers[i].name, ans->headers[i].value);
	rc = MHD_queue_response(conn, (unsigned)ans->status, res);
	MHD_destroy_response(res);
	return rc;
}

static enum MHD_Result
finish(struct MHD_Connection *conn, struct answer *ans)
{
	enum MHD_Result rc = MHD_NO;

	if (ans->ending == END_RESET || ans->ending == END_HANG)
		reset_connection(conn);
	else
		rc = send_answer(conn, ans);
	buf_done(&ans->body);
	return rc;
}

static enum MHD_Result
on_request(void *cls, struct MHD_Connection *conn, const char *url,
    const char *method, const char *version, const char *data, size_t *size,
    void **state)
{
	struct http *http = cls;
	struct upload *up = *state;
	struct answer ans = { .status = 200 };
	struct request req;

	(void)version;
	if (!up) {
		*state = mem_zero(sizeof(*up));
		return MHD_YES;
	}
	if (*size) {
		up->too_large |= up->body.len + *size > MAX_BODY;
		if (!up->too_large)
			buf_add(&up->body, data, *size);
		*size = 0;
		return MHD_YES;
	}
	req = (struct request){
		.conn = conn,
		.method = method,
		.path = url,
		.body = up->body.ptr ? up->body.ptr : "",
		.body_len = up->body.len,
		.too_large = up->too_large,
	};
	http->handle(http->arg, &req, &ans);
	return finish(conn, &ans);
}

static void
on_completed(void *cls, struct MHD_Connection *conn, void **state,
    enum MHD_RequestTerminationCode why)
{
	struct upload *up = *state;

	(void)cls;
	(void)conn;
	(void)why;
	if (!up)
		return;
	buf_done(&up->body);
	free(up);
	*state = NULL;
}

/* Our own socket: the library would not tell a taken port from a bad one. */
static int
listen_on(uint16_t *port)
{
	struct sockaddr_in addr = {
		.sin_family = AF_INET,
		.sin_port = htons(*port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	socklen_t len = sizeof(addr);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), one = 1;

	if (fd < 0)
		return -1;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(fd, (struct sockaddr *)&addr, len) != 0 ||
	    listen(fd, 1024) != 0 ||
	    getsockname(fd, (struct sockaddr *)&addr, &len) != 0) {
		int why = errno;

		close(fd);
		errno = why;
		return -1;
	}
	*port = ntohs(addr.sin_port);
	return fd;
}

static void
be_silent(void *cls, const char *fmt, va_list ap)
{
	(void)cls;
	(void)fmt;
	(void)ap;
}

struct http *
http_start(uint16_t port, http_handler *handle, void *arg)
{
	struct http *http;
	int fd = listen_on(&port);

	if (fd < 0)
		return NULL;
	http = mem_zero(sizeof(*http));
	*http = (struct http){
		.port = port,
		.handle = handle,
		.arg = arg,
	};
	http->daemon = MHD_start_daemon(MHD_USE_INTERNAL_POLLING_THREAD |
					    MHD_USE_THREAD_PER_CONNECTION |
					    MHD_USE_POLL | MHD_USE_ERROR_LOG,
	    0, NULL, NULL, on_request, http, MHD_OPTION_EXTERNAL_LOGGER,
	    be_silent, NULL, MHD_OPTION_LISTEN_SOCKET, fd,
	    MHD_OPTION_LISTEN_BACKLOG_SIZE, 1024u, MHD_OPTION_NOTIFY_COMPLETED,
	    on_completed, NULL, MHD_OPTION_THREAD_STACK_SIZE,
	    (size_t)STACK_BYTES, MHD_OPTION_CONNECTION_LIMIT, 8192u,
	    MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)(128 << 10),
	    MHD_OPTION_END);
	if (http->daemon)
		return http;
	close(fd);
	free(http);
	return NULL;
}

uint16_t
http_port(const struct http *http)
{
	return http->port;
}

void
http_stop(struct http *http)
{
	MHD_stop_daemon(http->daemon);
	free(http);
}
