/* A lookup runs in a thread of its own, which is left alone if it takes too
 * long: getaddrinfo() cannot be interrupted. */
#include "core/db_address.h"

#include <libpq-fe.h>
#include <netdb.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "core/clock.h"

#define STACK (256 * 1024)

struct lookup {
	pthread_mutex_t lock;
	pthread_cond_t ended;
	char name[256];
	int users; /* the thread, and who waits */
	bool has_ended;
	int failed; /* getaddrinfo()'s */
	struct addrinfo *found;
};

/* Below the lock, which is gone afterwards. */
static void
leave(struct lookup *l)
{
	bool is_last = --l->users == 0;

	pthread_mutex_unlock(&l->lock);
	if (!is_last)
		return;
	if (l->found)
		freeaddrinfo(l->found);
	pthread_mutex_destroy(&l->lock);
	pthread_cond_destroy(&l->ended);
	free(l);
}

static int
resolve(const char *name, int flags, struct addrinfo **found)
{
	const struct addrinfo hints = { .ai_socktype = SOCK_STREAM,
		.ai_flags = flags };

	return getaddrinfo(name, NULL, &hints, found);
}

static void *
look_up(void *arg)
{
	struct lookup *l = arg;
	struct addrinfo *found = NULL;
	int failed = resolve(l->name, AI_ADDRCONFIG, &found);

	pthread_mutex_lock(&l->lock);
	l->failed = failed;
	l->found = found;
	l->has_ended = true;
	pthread_cond_signal(&l->ended);
	leave(l);
	return NULL;
}

static struct lookup *
begin(const char *name)
{
	struct lookup *l = calloc(1, sizeof(*l));
	pthread_attr_t attr;
	pthread_t thread;
	int failed;

	if (!l)
		return NULL;
	snprintf(l->name, sizeof(l->name), "%s", name);
	l->users = 2;
	pthread_mutex_init(&l->lock, NULL);
	clock_cond_init(&l->ended);
	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, STACK);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	failed = pthread_create(&thread, &attr, look_up, l);
	pthread_attr_destroy(&attr);
	if (!failed)
		return l;
	l->users = 1;
	pthread_mutex_lock(&l->lock);
	leave(l);
	return NULL;
}

/* Add what a name stands for to the list. */
static void
add_all(const struct addrinfo *found, const struct address *host,
    struct address list[ADDRESSES_MOST], size_t *n)
{
	for (; found && *n < ADDRESSES_MOST; found = found->ai_next) {
		struct address *a = &list[*n];

		*a = *host;
		if (!getnameinfo(found->ai_addr, found->ai_addrlen, a->number,
			sizeof(a->number), NULL, 0, NI_NUMERICHOST))
			(*n)++;
	}
}

static enum err
unresolved(const char *name, const char *why)
{
	return err_set(ERR_DB,
	    "cannot reach the database: the name \"%s\" is not resolved: %s",
	    name, why);
}

static enum err
look_up_until(const struct address *host, int64_t deadline_ms,
    struct address list[ADDRESSES_MOST], size_t *n)
{
	struct lookup *l = begin(host->host);
	enum err err = OK;

	if (!l)
		return err_set(ERR_NOMEM, "no memory to resolve a name");
	pthread_mutex_lock(&l->lock);
	while (!l->has_ended && clock_wait(&l->ended, &l->lock, deadline_ms))
		continue;
	if (!l->has_ended)
		err = unresolved(host->host, "no answer in time");
	else if (l->failed)
		err = unresolved(host->host, gai_strerror(l->failed));
	else
		add_all(l->found, host, list, n);
	leave(l);
	return err;
}

/* A folder of sockets and an address in numbers need no resolver. */
static enum err
add_host(const struct address *host, int64_t deadline_ms,
    struct address list[ADDRESSES_MOST], size_t *n)
{
	struct addrinfo *found = NULL;
	bool is_number;

	if (!host->host[0] || host->host[0] == '/' || host->host[0] == '@') {
		list[(*n)++] = *host;
		return OK;
	}
	is_number = resolve(host->host, AI_NUMERICHOST, &found) == 0;
	if (found)
		freeaddrinfo(found);
	if (!is_number)
		return look_up_until(host, deadline_ms, list, n);
	list[(*n)++] = *host;
	return OK;
}

/* The i-th of a list with commas; of a list of one, that one for all. */
static void
nth(const char *list, int i, char *out, size_t size)
{
	bool is_single = !strchr(list, ',');

	for (; i > 0 && !is_single && *list; i--) {
		list += strcspn(list, ",");
		list += *list == ',';
	}
	snprintf(out, size, "%.*s", (int)strcspn(list, ","), list);
}

static const char *
value_of(const PQconninfoOption *options, const char *keyword)
{
	for (; options && options->keyword; options++)
		if (!strcmp(options->keyword, keyword))
			return options->val ? options->val : "";
	return "";
}

/* Each host has its share of the time that is left, and so has what comes after
 * them: the connecting. */
static enum err
add_hosts(const char *hosts, const char *ports, int64_t deadline_ms,
    struct address list[ADDRESSES_MOST], size_t *n)
{
	struct address host = { 0 };
	enum err err = OK;
	int count = 1;

	for (const char *p = hosts; *p; p++)
		count += *p == ',';
	for (int i = 0; i < count && *n < ADDRESSES_MOST; i++) {
		int64_t now_ms = clock_mono_ms();
		enum err failed;

		nth(hosts, i, host.host, sizeof(host.host));
		nth(ports, i, host.port, sizeof(host.port));
		failed = add_host(&host,
		    now_ms + (deadline_ms - now_ms) / (count - i + 1), list, n);
		err = failed ? failed : err;
	}
	return *n ? OK : err;
}

enum err
address_list(const char *url, int64_t deadline_ms,
    struct address list[ADDRESSES_MOST], size_t *n)
{
	PQconninfoOption *options = PQconninfoParse(url, NULL);
	const char *hosts = value_of(options, "host");
	enum err err = OK;

	*n = 0;
	if (*hosts && !*value_of(options, "hostaddr")) {
		err = add_hosts(
		    hosts, value_of(options, "port"), deadline_ms, list, n);
	} else {
		/* the environment's, the default's, or a number */
		memset(&list[0], 0, sizeof(list[0]));
		*n = 1;
	}
	PQconninfoFree(options);
	return err;
}
