/* The three providers as fast as a bench needs them: one thread, epoll, no
 * state. Whatever is closed was closed, and lists are made up from the token:
 * "list-PAGES-ITEMS" has so many pages of so many items, always the same. What
 * a provider would check is the simulator's business, not this program's. */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "core/buf.h"

#define REQUEST_MAX (256 * 1024)
#define ANSWER_MAX (16 * 1024 * 1024)
#define EVENTS 256
#define ATTIO_LIMIT 500

struct client {
	int fd;
	struct buf in, out;
	size_t sent;
	int64_t due_us; /* when the answer goes out */
	struct client *next;
};

struct request {
	const char *method, *path, *token, *body;
	size_t whole; /* bytes of it */
};

struct stub {
	int epoll_fd, listen_fd;
	int64_t delay_us;
	/* Every answer waits as long as the others: a queue is in order. */
	struct client *first, **last;
	unsigned long served;
};

static int64_t
now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static void
must(enum err err)
{
	if (err) {
		fprintf(stderr, "stub: %s\n", err_text());
		exit(1);
	}
}

/* --- What they answer ----------------------------------------------------- */

static void
answer(struct buf *out, int status, const struct buf *body)
{
	must(buf_addf(out,
	    "HTTP/1.1 %d X\r\nContent-Type: application/json\r\n"
	    "Content-Length: %zu\r\n\r\n",
	    status, body->len));
	must(buf_add(out, body->ptr ? body->ptr : "", body->len));
}

/* The string behind "name":" in text; "" if there is none. */
static void
member(const char *text, const char *name, char *out, size_t size)
{
	char key[32];
	const char *at;

	snprintf(key, sizeof(key), "\"%s\":\"", name);
	at = strstr(text, key);
	at = at ? at + strlen(key) : "\"";
	snprintf(out, size, "%.*s", (int)strcspn(at, "\""), at);
}

/* list-PAGES-ITEMS */
static void
shape_of(const char *token, long *pages, long *items)
{
	char *end;

	*pages = *items = 0;
	if (strncmp(token, "list-", 5))
		return;
	*pages = strtol(token + 5, &end, 10);
	if (*end == '-')
		*items = strtol(end + 1, NULL, 10);
}

/* What follows name in the query or the body, as a number; 0 if it is not
 * there. */
static long
number_of(const char *text, const char *name)
{
	const char *at = strstr(text, name);

	return at ? strtol(at + strlen(name), NULL, 10) : 0;
}

static void
todoist_list(const struct request *req, struct buf *body)
{
	long pages, items, page = number_of(req->path, "cursor=p");

	shape_of(req->token, &pages, &items);
	must(buf_add_str(body, "{\"results\":["));
	for (long i = 0; i < items; i++)
		must(buf_addf(body,
		    "%s{\"id\":\"i%ldx%ld\",\"user_id\":\"2671355\","
		    "\"project_id\":\"6XGgm6PHrGgMpCFX\",\"section_id\":null,"
		    "\"parent_id\":null,\"added_by_uid\":\"2671355\","
		    "\"assigned_by_uid\":null,\"responsible_uid\":null,"
		    "\"labels\":[],\"deadline\":null,\"duration\":null,"
		    "\"is_collapsed\":false,\"checked\":false,"
		    "\"is_deleted\":false,"
		    "\"added_at\":\"2026-11-01T09:00:00.000000Z\","
		    "\"completed_at\":null,"
		    "\"updated_at\":\"2026-11-01T09:00:00.000000Z\","
		    "\"due\":null,\"priority\":4,\"child_order\":%ld,"
		    "\"content\":\"Item %ld of page %ld, worth a line\","
		    "\"description\":\"\",\"note_count\":0,\"day_order\":-1}",
		    i ? "," : "", page, i, i, i, page));
	if (page + 1 < pages)
		must(buf_addf(body, "],\"next_cursor\":\"p%ld\"}", page + 1));
	else
		must(buf_add_str(body, "],\"next_cursor\":null}"));
}

static void
linear_list(const struct request *req, struct buf *body)
{
	long pages, items, page = number_of(req->body, "\"after\":\"p");

	shape_of(req->token, &pages, &items);
	must(buf_add_str(body, "{\"data\":{\"viewer\":{\"id\":\"viewer\","
			       "\"assignedIssues\":{\"nodes\":["));
	for (long i = 0; i < items; i++)
		must(buf_addf(body,
		    "%s{\"id\":\"00000000-0000-4000-8%03lx-%012lx\","
		    "\"identifier\":\"ENG-%ld\","
		    "\"title\":\"Issue %ld of page %ld, worth a line\","
		    "\"url\":\"https://linear.app/x/issue/ENG-%ld\","
		    "\"description\":\"What is to be done, in a few words\","
		    "\"priority\":2,\"estimate\":3,\"dueDate\":null,"
		    "\"updatedAt\":\"2026-11-01T09:00:00.000Z\","
		    "\"state\":{\"id\":\"todo\",\"name\":\"Todo\","
		    "\"type\":\"unstarted\"},"
		    "\"team\":{\"id\":\"team\",\"name\":\"Engineering\","
		    "\"key\":\"ENG\"},"
		    "\"project\":{\"id\":\"project\",\"name\":\"Doors\"}}",
		    i ? "," : "", page, i, i, i, page, i));
	must(buf_addf(body,
	    "],\"pageInfo\":{\"hasNextPage\":%s,\"endCursor\":\"p%ld\"}}}}}",
	    page + 1 < pages ? "true" : "false", page + 1));
}

/* Whatever is asked for by id was completed: lists show what is open. */
static void
linear_by_id(const struct request *req, struct buf *body)
{
	const char *at = strstr(req->body, "\"ids\":["), *id;
	bool is_first = true;

	must(buf_add_str(body, "{\"data\":{\"issues\":{\"nodes\":["));
	at = at ? at + strlen("\"ids\":[") : "";
	while (*at && *at != ']') {
		id = at + strcspn(at, "\"]");
		if (*id != '"')
			break;
		id++;
		at = id + strcspn(id, "\"");
		must(buf_addf(body,
		    "%s{\"id\":\"%.*s\",\"identifier\":\"ENG-1\","
		    "\"archivedAt\":null,\"trashed\":null,"
		    "\"completedAt\":\"2026-11-20T10:00:00.000Z\","
		    "\"canceledAt\":null,"
		    "\"state\":{\"id\":\"done\",\"type\":\"completed\"},"
		    "\"team\":{\"id\":\"team\"},"
		    "\"assignee\":{\"id\":\"viewer\"}}",
		    is_first ? "" : ",", (int)(at - id), id));
		at += *at == '"';
		is_first = false;
	}
	must(buf_add_str(body, "],\"pageInfo\":{\"hasNextPage\":false,"
			       "\"endCursor\":null}}}}"));
}

static void
linear(const struct request *req, struct buf *body)
{
	char id[64], state[64];

	if (strstr(req->body, "ActiveIssues")) {
		linear_list(req, body);
		return;
	}
	if (strstr(req->body, "IssuesById")) {
		linear_by_id(req, body);
		return;
	}
	if (strstr(req->body, "AllStates")) {
		must(buf_add_str(body,
		    "{\"data\":{\"workflowStates\":{\"nodes\":[{"
		    "\"id\":\"done\",\"name\":\"Done\","
		    "\"type\":\"completed\",\"position\":3,"
		    "\"team\":{\"id\":\"team\"}}],\"pageInfo\":{"
		    "\"hasNextPage\":false,\"endCursor\":null}}}}"));
		return;
	}
	member(req->body, "id", id, sizeof(id));
	member(req->body, "stateId", state, sizeof(state));
	must(buf_addf(body,
	    "{\"data\":{\"issueUpdate\":{\"success\":true,\"issue\":{"
	    "\"id\":\"%s\",\"identifier\":\"ENG-1\",\"completedAt\":null,"
	    "\"canceledAt\":null,\"updatedAt\":\"2026-11-20T10:00:00.000Z\","
	    "\"state\":{\"id\":\"%s\",\"type\":\"%s\"},"
	    "\"team\":{\"id\":\"team\"}}}}}",
	    id, state, strcmp(state, "done") ? "unstarted" : "completed"));
}

static void
attio_task(struct buf *body, const char *id, bool is_completed)
{
	must(buf_addf(body,
	    "{\"id\":{\"workspace_id\":\"w\",\"task_id\":\"%s\"},"
	    "\"content_plaintext\":\"A task\",\"deadline_at\":null,"
	    "\"is_completed\":%s,\"linked_records\":[],\"assignees\":[],"
	    "\"created_at\":\"2026-11-01T09:00:00.000000000Z\"}",
	    id, is_completed ? "true" : "false"));
}

static void
attio(const struct request *req, struct buf *body)
{
	long pages, items, offset = number_of(req->path, "offset=");
	char id[64];

	if (!strncmp(req->path, "/v2/self", 8)) {
		must(buf_add_str(
		    body, "{\"active\":true,\"workspace_id\":\"w\"}"));
		return;
	}
	must(buf_add_str(body, "{\"data\":"));
	if (!strcmp(req->method, "PATCH")) {
		attio_task(body, req->path + strlen("/v2/tasks/"),
		    strstr(req->body, "true") != NULL);
		must(buf_add_str(body, "}"));
		return;
	}
	/* pages are whole but the last */
	shape_of(req->token, &pages, &items);
	must(buf_add_str(body, "["));
	if (offset / ATTIO_LIMIT + 1 < pages)
		items = ATTIO_LIMIT;
	for (long i = 0; i < items; i++) {
		snprintf(id, sizeof(id), "i%ldx%ld", offset, i);
		if (i)
			must(buf_add_str(body, ","));
		attio_task(body, id, false);
	}
	must(buf_add_str(body, "]}"));
}

/* POST /_stub/delay/MS: from here on. GET /_stub/served: how many so far. */
static void
control(struct stub *stub, const struct request *req, struct buf *body)
{
	static const char delay[] = "/_stub/delay/";

	if (!strncmp(req->path, delay, strlen(delay)))
		stub->delay_us =
		    strtol(req->path + strlen(delay), NULL, 10) * 1000;
	must(buf_addf(body, "%lu", stub->served));
}

/* Whatever has no answer of its own is a close or a reopen of Todoist. */
static void
reply(struct stub *stub, const struct request *req, struct buf *out)
{
	static struct buf body = BUF_INIT(ANSWER_MAX);

	buf_clear(&body);
	if (!strncmp(req->path, "/_stub/", 7))
		control(stub, req, &body);
	else if (!strncmp(req->path, "/v2/", 4))
		attio(req, &body);
	else if (!strcmp(req->path, "/graphql"))
		linear(req, &body);
	else if (!strcmp(req->path, "/api/v1/user"))
		must(buf_add_str(&body,
		    "{\"id\":\"2671355\",\"email\":\"ada@example.test\","
		    "\"full_name\":\"Ada\"}"));
	else if (!strcmp(req->method, "GET"))
		todoist_list(req, &body);
	else
		must(buf_add_str(&body, "null"));
	stub->served++;
	answer(out, 200, &body);
}

/* --- HTTP ----------------------------------------------------------------- */

/* Ends what is read with NULs, in place. False: not all of it is here yet. */
static bool
parse(char *text, struct request *req)
{
	char *end = strstr(text, "\r\n\r\n"), *at;
	size_t length = 0;

	if (!end)
		return false;
	at = strcasestr(text, "\ncontent-length:");
	if (at && at < end)
		length = strtoul(at + 16, NULL, 10);
	req->whole = (size_t)(end + 4 - text) + length;
	if (strlen(end + 4) < length)
		return false;
	req->body = end + 4;
	*end = '\0';
	at = strcasestr(text, "\nauthorization:");
	req->token = at ? at + 15 + strspn(at + 15, " ") : "";
	if (!strncasecmp(req->token, "Bearer ", 7))
		req->token += 7;
	req->method = text;
	text += strcspn(text, " ");
	if (*text)
		*text++ = '\0';
	req->path = text;
	text[strcspn(text, " \r\n")] = '\0';
	return true;
}

static void
drop(struct client *c)
{
	close(c->fd);
	buf_done(&c->in);
	buf_done(&c->out);
	free(c);
}

static void
watch(struct stub *stub, struct client *c, unsigned events)
{
	struct epoll_event event = { .events = events, .data.ptr = c };

	epoll_ctl(stub->epoll_fd, EPOLL_CTL_MOD, c->fd, &event);
}

/* False: it is gone. */
static bool
flush(struct stub *stub, struct client *c)
{
	ssize_t n = 0;

	while (c->sent < c->out.len && n >= 0) {
		n = send(c->fd, c->out.ptr + c->sent, c->out.len - c->sent,
		    MSG_NOSIGNAL);
		c->sent += n > 0 ? (size_t)n : 0;
	}
	if (c->sent == c->out.len) {
		buf_clear(&c->out);
		c->sent = 0;
		return true;
	}
	if (errno != EAGAIN) {
		drop(c);
		return false;
	}
	watch(stub, c, EPOLLIN | EPOLLOUT);
	return true;
}

/* A client asks, waits, and asks again: nobody sends ahead of an answer. */
static void
take(struct stub *stub, struct client *c)
{
	int64_t delay_us = stub->delay_us;
	struct request req;

	if (!parse(c->in.ptr, &req))
		return;
	reply(stub, &req, &c->out);
	delay_us = !strncmp(req.path, "/_stub/", 7) ? 0 : delay_us;
	buf_clear(&c->in);
	if (delay_us == 0) {
		(void)flush(stub, c);
		return;
	}
	c->due_us = now_us() + delay_us;
	c->next = NULL;
	*stub->last = c;
	stub->last = &c->next;
	watch(stub, c, 0);
}

static void
hear(struct stub *stub, struct client *c, unsigned events)
{
	static char chunk[65536];
	ssize_t n;

	if ((events & EPOLLOUT) && c->out.len > 0) {
		if (flush(stub, c) && c->out.len == 0)
			watch(stub, c, EPOLLIN);
		return;
	}
	/* no answer of its may be waiting when it is freed */
	if (c->due_us)
		return;
	n = recv(c->fd, chunk, sizeof(chunk), 0);
	if (n <= 0) {
		if (n == 0 || errno != EAGAIN)
			drop(c);
		return;
	}
	must(buf_add(&c->in, chunk, (size_t)n));
	take(stub, c);
}

static void
welcome(struct stub *stub)
{
	struct epoll_event event = { .events = EPOLLIN };
	int one = 1, fd;

	while ((fd = accept4(stub->listen_fd, NULL, NULL,
		    SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
		struct client *c = calloc(1, sizeof(*c));

		if (!c)
			exit(1);
		c->fd = fd;
		c->in.max = REQUEST_MAX;
		c->out.max = ANSWER_MAX;
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
		event.data.ptr = c;
		epoll_ctl(stub->epoll_fd, EPOLL_CTL_ADD, fd, &event);
	}
}

/* Send what is due; how long until the next is, in ms, -1: nothing waits. */
static int
send_due(struct stub *stub)
{
	int64_t now = now_us();
	struct client *c;

	while ((c = stub->first) && c->due_us <= now) {
		stub->first = c->next;
		if (!stub->first)
			stub->last = &stub->first;
		c->due_us = 0;
		watch(stub, c, EPOLLIN);
		(void)flush(stub, c);
	}
	return c ? (int)((c->due_us - now + 999) / 1000) : -1;
}

static int
serve(struct stub *stub)
{
	struct epoll_event events[EVENTS];

	for (;;) {
		int n =
		    epoll_wait(stub->epoll_fd, events, EVENTS, send_due(stub));

		if (n < 0 && errno != EINTR)
			return 1;
		for (int i = 0; i < n; i++) {
			if (events[i].data.ptr)
				hear(
				    stub, events[i].data.ptr, events[i].events);
			else
				welcome(stub);
		}
	}
}

static bool
listen_on_loopback(struct stub *stub, const char *port_file)
{
	struct sockaddr_in address = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct epoll_event event = { .events = EPOLLIN };
	socklen_t len = sizeof(address);
	FILE *file;

	stub->listen_fd =
	    socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	stub->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (bind(stub->listen_fd, (struct sockaddr *)&address, len) ||
	    listen(stub->listen_fd, 4096) ||
	    getsockname(stub->listen_fd, (struct sockaddr *)&address, &len) ||
	    epoll_ctl(stub->epoll_fd, EPOLL_CTL_ADD, stub->listen_fd, &event))
		return false;
	file = fopen(port_file, "w");
	if (!file)
		return false;
	fprintf(file, "%d\n", ntohs(address.sin_port));
	return fclose(file) == 0;
}

int
main(int argc, char **argv)
{
	struct stub stub = { .last = NULL };

	if (argc != 2) {
		fprintf(stderr, "usage: flowpin-stub PORT-FILE\n");
		return 2;
	}
	stub.last = &stub.first;
	if (!listen_on_loopback(&stub, argv[1])) {
		perror("stub");
		return 1;
	}
	return serve(&stub);
}
