/* The keys that sign users' tokens, as their auth server publishes them. A
 * thread of its own fetches them every ten minutes, and when a token names a
 * key that is not known. Calls that need the new keys wait a moment at most,
 * and share one fetch. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/backoff.h"
#include "core/clock.h"
#include "core/http.h"
#include "core/log.h"
#include "core/program.h"
#include "core/store/key_set.h"
#include "gateway.h"

#define FRESH_MS 600000             /* Supabase: do not keep them longer */
#define GAP_MS 10000                /* between two fetches, at least */
#define LAST_MS (INT64_C(86400000)) /* while the server stays away */
#define FETCH_MS 4000
#define ASK_MS 2500 /* how long a call waits for a fetch */
#define SET_MAX ((size_t)256 * 1024)
#define PATH "/auth/v1/.well-known/jwks.json"

struct keyring {
	struct gateway *gateway;
	char *url;         /* NULL: the keys are in jwks_file */
	char *fetched_set; /* to be stored in the database; NULL: nothing new */
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t woken, fetched;
	bool is_wanted, is_stopping, is_ready;
	int waiting;           /* calls that wait for a fetch */
	unsigned long fetches; /* how many have ended, well or not */
	int64_t next_ms; /* clock_mono_ms(): when to fetch again without being
			    asked */
	int64_t soonest_ms;    /* before this a call gets no fetch */
	int64_t good_until_ms; /* after this the known keys are too old */
	int failures;          /* in a row */
};

static enum err
take(struct keyring *k, const char *jwks)
{
	size_t count;
	enum err err =
	    token_set_keys(k->gateway->verifier, jwks, strlen(jwks), &count);

	if (!err && count == 0)
		log_warn("msg=\"the auth server publishes no key for ES256 or "
			 "RS256\"");
	return err;
}

static enum err
judge(const struct http_response *res)
{
	if (res->carried != HTTP_ANSWERED)
		return err_set(ERR_REMOTE, "%s", res->why);
	if (res->status != 200)
		return err_set(ERR_REMOTE, "HTTP %d", res->status);
	return OK;
}

static enum err
fetch(struct keyring *k)
{
	struct http_request req = HTTP_REQUEST_INIT;
	struct http_response res = HTTP_RESPONSE_INIT(SET_MAX);
	enum err err = buf_add_str(&req.url, k->url);
	const char *body;

	if (!err)
		err = http_send(k->gateway->courier.http, &req,
		    clock_mono_ms() + FETCH_MS, &res);
	if (!err)
		err = judge(&res);
	body = res.body.ptr ? res.body.ptr : "";
	if (!err)
		err = take(k, body);
	if (!err)
		k->fetched_set = strdup(body);
	http_request_done(&req);
	http_response_done(&res);
	return err;
}

static enum err
refresh(struct keyring *k)
{
	const struct config *config = k->gateway->config;

	return k->url ? fetch(k)
		      : program_read_keys(config, k->gateway->verifier);
}

/* Store the key set for gateways that start while the auth server is away. Done
 * after those that wait were told, because the database may take its time. */
static void
store_fetched(struct keyring *k)
{
	char why[200];

	if (k->fetched_set &&
	    key_set_write(&k->gateway->store, k->url, k->fetched_set))
		log_warn("msg=\"keys are not kept\" why=%s",
		    log_quote(err_text(), why, sizeof(why)));
	free(k->fetched_set);
	k->fetched_set = NULL;
}

static void
tell_failure(const struct keyring *k)
{
	char why[200];

	log_warn("msg=\"keys of users' tokens cannot be fetched\" from=%s "
		 "failures=%d why=%s",
	    k->url ? k->url : k->gateway->config->jwks_file, k->failures + 1,
	    log_quote(err_text(), why, sizeof(why)));
}

/* Drop keys that are too old: nobody can say that they are still good. Keys of
 * a file do not get old. */
static void
forget_old(struct keyring *k, int64_t now_ms)
{
	if (!k->url || !k->is_ready || now_ms < k->good_until_ms)
		return;
	k->is_ready = false;
	token_drop_keys(k->gateway->verifier);
	log_error("msg=\"keys of users' tokens are too old: nobody can log in "
		  "with them\"");
}

static void
note(struct keyring *k, enum err err)
{
	int64_t now_ms = clock_mono_ms();

	pthread_mutex_lock(&k->lock);
	k->failures = err ? k->failures + 1 : 0;
	if (err) {
		forget_old(k, now_ms);
	} else {
		k->good_until_ms = now_ms + LAST_MS;
		k->is_ready = true;
	}
	k->next_ms = now_ms + (err ? backoff_poll_ms(GAP_MS, FRESH_MS,
					 k->failures, crypto_random())
				   : backoff_spread_ms(
					 FRESH_MS * 9 / 10, crypto_random()));
	k->soonest_ms = now_ms + GAP_MS;
	k->is_wanted = false;
	k->fetches++;
	pthread_cond_broadcast(&k->fetched);
	pthread_mutex_unlock(&k->lock);
}

/* Wait until a fetch is due or wanted. False: it is time to stop. */
static bool
wait_for_due(struct keyring *k)
{
	bool go_on;

	pthread_mutex_lock(&k->lock);
	while (!k->is_stopping && !k->is_wanted && clock_mono_ms() < k->next_ms)
		clock_wait(&k->woken, &k->lock, k->next_ms);
	go_on = !k->is_stopping;
	pthread_mutex_unlock(&k->lock);
	return go_on;
}

static void *
keep(void *arg)
{
	struct keyring *k = arg;

	while (wait_for_due(k)) {
		enum err err = refresh(k);

		if (err)
			tell_failure(k);
		note(k, err);
		store_fetched(k);
	}
	return NULL;
}

/* Use the key set that some gateway stored, in case the server is away. */
static void
take_kept(struct keyring *k)
{
	char *jwks = NULL;
	int64_t age_ms = 0;

	if (key_set_read(&k->gateway->store, k->url, &jwks, &age_ms))
		return;
	if (age_ms < LAST_MS && !take(k, jwks)) {
		k->good_until_ms = clock_mono_ms() + LAST_MS - age_ms;
		k->is_ready = true;
	}
	free(jwks);
}

static enum err
set_source(struct keyring *k)
{
	const struct config *config = k->gateway->config;
	size_t len = strlen(config->supabase_url);

	if (*config->jwks_file)
		return OK;
	while (len > 0 && config->supabase_url[len - 1] == '/')
		len--;
	if (asprintf(&k->url, "%.*s" PATH, (int)len, config->supabase_url) < 0)
		return err_set(ERR_NOMEM, "no memory for keys");
	take_kept(k);
	return OK;
}

static void
open_waits(struct keyring *k)
{
	pthread_mutex_init(&k->lock, NULL);
	clock_cond_init(&k->woken);
	clock_cond_init(&k->fetched);
}

static void
keyring_free(struct keyring *k)
{
	pthread_mutex_destroy(&k->lock);
	pthread_cond_destroy(&k->woken);
	pthread_cond_destroy(&k->fetched);
	free(k->url);
	free(k->fetched_set);
	free(k);
}

enum err
keyring_start(struct gateway *gateway)
{
	const struct config *config = gateway->config;
	struct keyring *k;
	enum err err;

	if (!*config->supabase_url && !*config->jwks_file)
		return OK; /* there are shared secrets only */
	k = calloc(1, sizeof(*k));
	if (!k)
		return err_set(ERR_NOMEM, "no memory for keys");
	k->gateway = gateway;
	open_waits(k);
	err = set_source(k);
	/* a file was read when the verifier was made */
	if (!err && !k->url) {
		k->next_ms = clock_mono_ms() + FRESH_MS;
		k->is_ready = true;
	}
	if (!err && pthread_create(&k->thread, NULL, keep, k))
		err = err_set(ERR_CONFIG, "cannot start a thread");
	if (err) {
		keyring_free(k);
		return err;
	}
	gateway->keyring = k;
	return OK;
}

/* Have the key set fetched, unless that was done a moment ago. Is it worth
 * waiting for? Not if a quarter of the workers wait already: the others are for
 * callers whose keys are known. */
static bool
is_asked_for(struct keyring *k)
{
	if (clock_mono_ms() < k->soonest_ms)
		return false;
	k->is_wanted = true;
	pthread_cond_signal(&k->woken);
	return k->waiting * 4 <= k->gateway->config->workers;
}

void
keyring_ask(struct gateway *gateway)
{
	struct keyring *k = gateway->keyring;
	int64_t until_ms = clock_mono_ms() + ASK_MS;
	unsigned long seen;

	if (!k)
		return;
	pthread_mutex_lock(&k->lock);
	seen = k->fetches;
	if (is_asked_for(k)) {
		k->waiting++;
		while (!k->is_stopping && k->fetches == seen &&
		       clock_wait(&k->fetched, &k->lock, until_ms))
			continue;
		k->waiting--;
	}
	pthread_mutex_unlock(&k->lock);
}

bool
keyring_is_ready(struct gateway *gateway)
{
	struct keyring *k = gateway->keyring;
	bool is_ready;

	if (!k)
		return true;
	pthread_mutex_lock(&k->lock);
	is_ready = k->is_ready && !k->is_wanted;
	pthread_mutex_unlock(&k->lock);
	return is_ready;
}

void
keyring_stop(struct gateway *gateway)
{
	struct keyring *k = gateway->keyring;

	if (!k)
		return;
	pthread_mutex_lock(&k->lock);
	k->is_stopping = true;
	pthread_cond_signal(&k->woken);
	pthread_cond_broadcast(&k->fetched);
	pthread_mutex_unlock(&k->lock);
	pthread_join(k->thread, NULL);
	keyring_free(k);
	gateway->keyring = NULL;
}
