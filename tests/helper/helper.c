/*
 * A question is one connection: its number of words in decimal, a NUL, and that
 * many words, each ended by a NUL. The answer is "STATUS OUT ERR\n", the latter
 * two being lengths in bytes, and then these bytes.
 */
#include "helper.h"

#include <arpa/inet.h>
#include <curl/curl.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define WORDS_MAX 1000
#define AT_ONCE 64 /* questions; more wait */

bool
question_is_moot(const struct question *q)
{
	char byte;

	return recv(q->client, &byte, 1, MSG_PEEK | MSG_DONTWAIT) == 0;
}

/* Reads until there are as many NULs as wanted; false if there never are. */
static bool
read_words(int client, struct buf *b)
{
	char chunk[65536];
	long wanted = -1, seen = 0;

	while (wanted < 0 || seen <= wanted) {
		ssize_t n = read(client, chunk, sizeof(chunk));

		if (n <= 0)
			return false;
		for (ssize_t i = 0; i < n; i++)
			seen += chunk[i] == '\0';
		buf_add(b, chunk, (size_t)n);
		if (wanted < 0 && seen > 0)
			wanted = strtol(b->ptr, NULL, 10);
		if (wanted == 0 || wanted > WORDS_MAX)
			return false;
	}
	return true;
}

static void
answer(const char *verb, const struct question *q, struct answer *a)
{
	static const struct {
		const char *name;
		void (*answer)(const struct question *, struct answer *);
		int words; /* at least */
	} verbs[] = {
		{ "sql", sql_answer, 6 },
		{ "http", http_answer, 3 },
		{ "jq", jq_answer, 2 },
		{ "token", token_answer, 3 },
	};

	for (size_t i = 0; i < sizeof(verbs) / sizeof(*verbs); i++) {
		if (strcmp(verb, verbs[i].name) != 0 ||
		    q->argc < verbs[i].words)
			continue;
		verbs[i].answer(q, a);
		return;
	}
	a->status = 2;
	buf_puts(&a->err, "no such verb, or too few words\n");
}

static void
send_all(int client, const char *bytes, size_t n)
{
	while (n > 0) {
		ssize_t sent = send(client, bytes, n, MSG_NOSIGNAL);

		if (sent <= 0)
			return;
		bytes += sent;
		n -= (size_t)sent;
	}
}

static void
serve(int client)
{
	struct buf words = { 0 };
	struct answer a = { 0 };
	char *argv[WORDS_MAX + 1] = { NULL }, head[80];
	int argc = 0;

	if (read_words(client, &words)) {
		/* the first is their number, the second the verb */
		for (char *p = words.ptr;
		     p < words.ptr + words.len && argc <= WORDS_MAX;
		     p += strlen(p) + 1)
			argv[argc++] = p;
		answer(argc > 1 ? argv[1] : "",
		    &(struct question){ client, argc - 2, argv + 2 }, &a);
		snprintf(head, sizeof(head), "%d %zu %zu\n", a.status,
		    a.out.len, a.err.len);
		send_all(client, head, strlen(head));
		send_all(client, a.out.ptr, a.out.len);
		send_all(client, a.err.ptr, a.err.len);
	}
	close(client);
	buf_done(&words);
	buf_done(&a.out);
	buf_done(&a.err);
}

static void *
serve_all(void *arg)
{
	int listening = *(int *)arg;

	for (;;) {
		int client = accept4(listening, NULL, NULL, SOCK_CLOEXEC);

		if (client >= 0) {
			serve(client);
		} else if (errno != EINTR && errno != ECONNABORTED) {
			perror("flowpin-test-helper: accept");
			exit(1);
		}
	}
	return NULL;
}

/* Writes the port whole or not at all: its reader looks until it is there. */
static bool
tell_port(const char *path, int port)
{
	char new[4096];
	FILE *f;

	snprintf(new, sizeof(new), "%s.new", path);
	f = fopen(new, "w");
	if (!f)
		return false;
	fprintf(f, "%d\n", port);
	return fclose(f) == 0 && rename(new, path) == 0;
}

int
main(int argc, char **argv)
{
	struct sockaddr_in at = { .sin_family = AF_INET };
	socklen_t size = sizeof(at);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (argc != 2) {
		fprintf(stderr, "usage: flowpin-test-helper PORT-FILE\n");
		return 2;
	}
	signal(SIGPIPE, SIG_IGN);
	curl_global_init(CURL_GLOBAL_DEFAULT);
	at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (fd < 0 || bind(fd, (struct sockaddr *)&at, sizeof(at)) != 0 ||
	    listen(fd, 128) != 0 ||
	    getsockname(fd, (struct sockaddr *)&at, &size) != 0 ||
	    !tell_port(argv[1], ntohs(at.sin_port))) {
		perror("flowpin-test-helper");
		return 1;
	}
	for (int i = 1; i < AT_ONCE; i++) {
		pthread_t thread;

		if (pthread_create(&thread, NULL, serve_all, &fd) != 0) {
			perror("flowpin-test-helper: thread");
			return 1;
		}
	}
	serve_all(&fd);
}
