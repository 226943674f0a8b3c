/*
 * One request to a provider: find out what it is, log it, meet the fault
 * that waits for it, serve it. The lock is never held while a delay runs,
 * and the account is looked up again after one: much can happen meanwhile.
 */
#include "call.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "past.h"
#include "reqlog.h"
#include "when.h"

const char *
after_prefix(const char *s, const char *prefix)
{
	size_t n = strlen(prefix);

	return strncmp(s, prefix, n) == 0 ? s + n : NULL;
}

bool
number_read(const char *s, int64_t min, int64_t max, int64_t *out)
{
	char *end;
	long long n;

	if (!s || !*s || strlen(s) > 18)
		return false;
	n = strtoll(s, &end, 10);
	if (*end || (*s != '-' && (*s < '0' || *s > '9')))
		return false;
	if (n < min || n > max)
		return false;
	*out = n;
	return true;
}

void
call_add_item(struct call *c, const char *id)
{
	if (c->items.len)
		buf_cut(&c->items, c->items.len - 1);
	else
		json_open(&c->items, NULL, '[');
	json_str(&c->items, NULL, id);
	json_close(&c->items, ']');
}

/* The token, bare or behind Bearer; whether that is right, serve() judges. */
static void
find_caller(struct call *c)
{
	const char *auth = request_header(c->req, "Authorization");
	const char *bare = auth ? after_prefix(auth, "Bearer ") : NULL;
	struct token *token;

	c->acc = NULL;
	c->read_only = false;
	if (!auth)
		return;
	token = map_get(&c->sim->tokens[c->provider->prov], bare ? bare : auth);
	if (!token || token->revoked)
		return;
	c->acc = token->acc;
	c->read_only = token->read_only;
}

static uint64_t
log_call(struct call *c)
{
	struct log_entry entry = {
		.prov = c->provider->prov,
		.account = c->acc ? mem_dup(c->acc->name) : NULL,
		.agent = mem_dup(request_header(c->req, "User-Agent")),
		.op = c->op,
		.item = mem_dup(c->item),
		.items = mem_dup(c->items.ptr),
		.commands = mem_dup(c->commands.ptr),
		.write = c->write,
		.status = REQLOG_PENDING,
		.at_ms = c->now_ms,
	};

	if (c->fault.kind)
		entry.fault = fault_name(c->fault.kind);
	return reqlog_add(c->sim->log, &entry);
}

static void
log_outcome(struct call *c, uint64_t seq)
{
	struct log_entry *e = reqlog_at(c->sim->log, seq);

	if (!e)
		return;
	e->applied = c->applied;
	e->status = c->ans->ending == END_RESET ? 0 : c->ans->status;
}

/* A fixed window per account is enough to be refused now and then. */
static bool
is_over_limit(struct call *c)
{
	const struct limit *limit = &c->sim->limits[c->provider->prov];
	struct account *acc = c->acc;

	if (c->now_ms - acc->hour_ms >= 3600000) {
		acc->hour_ms = c->now_ms;
		acc->hour_used = 0;
	}
	acc->hour_used++;
	if (!limit->on || (limit->write >= 0 && limit->write != c->write))
		return false;
	if (c->now_ms - acc->window_ms >= limit->window_ms) {
		acc->window_ms = c->now_ms;
		acc->window_used = 0;
	}
	return ++acc->window_used > limit->requests;
}

static void
serve_as_it_was(struct call *c)
{
	past_enter(c->acc, c->fault.age_ms > 0 ? c->now_ms - c->fault.age_ms
					       : c->fault.made_ms);
	c->provider->serve(c);
	past_leave(c->acc);
}

static void
serve_as_asked(struct call *c)
{
	if (!c->acc)
		c->provider->refuse(c, REFUSE_AUTH, 401);
	else if (is_over_limit(c))
		c->provider->refuse(c, REFUSE_RATE, 0);
	else if (c->write && c->read_only)
		c->provider->refuse(c, REFUSE_SCOPE, 0);
	else if (c->fault.kind == FAULT_STALE && !c->write)
		serve_as_it_was(c);
	else
		c->provider->serve(c);
}

static uint64_t
receive(struct call *c)
{
	uint64_t seq;

	pthread_mutex_lock(&c->sim->lock);
	c->now_ms = when_now_ms();
	find_caller(c);
	c->provider->classify(c);
	faults_match(c->sim->faults, c);
	seq = log_call(c);
	pthread_mutex_unlock(&c->sim->lock);
	return seq;
}

static void
log_item(struct call *c, struct log_entry *e)
{
	struct item *it = NULL;

	if (c->applied && c->item)
		it = item_find(c->sim, c->provider->prov, c->item);
	if (!it)
		return;
	e->rev = it->rev;
	mem_set(&e->state, item_state(it));
	mem_set(&e->due, it->due_date);
}

/* What is applied is visible at once, even if the answer takes its time. */
static void
log_applied(struct call *c, uint64_t seq)
{
	struct log_entry *e = reqlog_at(c->sim->log, seq);

	if (!e)
		return;
	e->applied = c->applied;
	log_item(c, e);
	if (!c->commands.ptr)
		return;
	free(e->commands);
	e->commands = mem_dup(c->commands.ptr);
}

static void
linger(struct call *c)
{
	if (c->fault.kind == FAULT_DELAY_AFTER)
		http_sleep(c->sim->stop_fd, c->fault.delay_ms);
	if (c->ans->ending != END_HANG)
		return;
	request_wait_gone(c->req, c->sim->stop_fd);
	c->ans->ending = END_RESET;
}

void
call_serve(struct sim *sim, const struct provider *provider,
    const struct request *req, struct answer *ans)
{
	struct call c = {
		.sim = sim,
		.provider = provider,
		.req = req,
		.ans = ans,
		.page = 1,
		.op = "other",
	};
	uint64_t seq = receive(&c);

	if (c.fault.kind != FAULT_DELAY_AFTER)
		http_sleep(sim->stop_fd, c.fault.delay_ms);
	pthread_mutex_lock(&sim->lock);
	c.now_ms = when_now_ms();
	find_caller(&c);
	if (fault_lets_serve(&c.fault))
		serve_as_asked(&c);
	fault_spoil(&c);
	log_applied(&c, seq);
	pthread_mutex_unlock(&sim->lock);

	linger(&c);
	pthread_mutex_lock(&sim->lock);
	log_outcome(&c, seq);
	pthread_mutex_unlock(&sim->lock);
	if (provider->forget)
		provider->forget(&c);
	free(c.item);
	buf_done(&c.items);
	buf_done(&c.commands);
}

static unsigned
check_of(const char *scope, const char *text)
{
	unsigned h = 2166136261u;

	for (; *scope; scope++)
		h = (h ^ (unsigned char)*scope) * 16777619u;
	for (; *text; text++)
		h = (h ^ (unsigned char)*text) * 16777619u;
	return h;
}

void
cursor_write(const struct cursor *cur, const char *scope, char out[160])
{
	char text[80];
	size_t i;
	int n = snprintf(text, sizeof(text), "%lld.%lld.%d", (long long)cur->at,
	    (long long)cur->key, cur->page);

	snprintf(
	    text + n, sizeof(text) - (size_t)n, ".%08x", check_of(scope, text));
	for (i = 0; text[i]; i++)
		snprintf(out + 2 * i, 3, "%02x", (unsigned char)text[i] ^ 0x5a);
}

static bool
decode(struct cursor *cur, const char *text)
{
	char plain[80];
	long long at, key;
	size_t i;

	if (strlen(text) > 2 * (sizeof(plain) - 1) || strlen(text) % 2)
		return false;
	for (i = 0; text[2 * i]; i++) {
		unsigned byte;

		if (sscanf(text + 2 * i, "%2x", &byte) != 1)
			return false;
		plain[i] = (char)(byte ^ 0x5a);
	}
	plain[i] = '\0';
	if (sscanf(plain, "%19lld.%19lld.%9d", &at, &key, &cur->page) != 3)
		return false;
	cur->at = at;
	cur->key = key;
	return true;
}

bool
cursor_read(struct cursor *cur, const char *scope, const char *text)
{
	char again[160];

	/* Whatever does not come out the same was not made here. */
	if (!decode(cur, text))
		return false;
	cursor_write(cur, scope, again);
	return strcmp(again, text) == 0 && cur->at >= 0;
}

int
cursor_page(const char *text)
{
	struct cursor cur;

	return decode(&cur, text) && cur.page > 0 ? cur.page : 1;
}
