/* One writeback, from its claim to a verdict: the step between begin and
 * settle, which uses no database connection except to keep what was read. What
 * is unclear is read by id before anything is concluded. */
#include "carry.h"

#include <stdio.h>
#include <string.h>

#include "core/backoff.h"
#include "core/clock.h"
#include "core/keys.h"

#define MOST_WRITES 4
#define MOST_QUESTIONS 6

struct delivery {
	const struct courier *courier;
	const struct provider *provider;
	struct writeback *w;
	struct push push;
	int64_t deadline_ms;
	int64_t write_until_ms; /* the rest of the time is kept for a look */
	bool is_patient;
	bool may_have_happened;
	int64_t doubt_until_ms; /* monotonic; until then it may yet happen */
	int unanswered; /* writes that may yet be carried out; 2: two or more */
	bool is_unread; /* the last look got no answer */
	bool is_kept;   /* what was read is kept for an owner that takes over */
	bool stops;     /* it could not be kept: try nothing more */
	courier_keep *keep;
	void *context;
	struct answer answer;
};

static void
say(struct answer *answer, enum outcome outcome, enum reason reason,
    const char *detail)
{
	memset(answer, 0, sizeof(*answer));
	answer->outcome = outcome;
	answer->reason = reason;
	answer->retry_after_ms = -1;
	snprintf(answer->detail, sizeof(answer->detail), "%s", detail);
}

static bool
fits(const struct delivery *d, int64_t wait_ms)
{
	/* a wait that leaves no time for the request itself is no use */
	return wait_ms >= 0 &&
	       clock_mono_ms() + wait_ms + 100 < d->write_until_ms;
}

/* If nobody waits for the answer, a later attempt is as good, and other
 * writebacks need not wait for this connection's turn. */
static bool
worth_waiting(const struct delivery *d, int64_t wait_ms)
{
	return !d->is_patient && fits(d, wait_ms);
}

/* For how long may the provider still be working on a write that it did not
 * answer? In ms; 0: it is not. */
static int64_t
doubt_ms(const struct delivery *d)
{
	int64_t left = d->doubt_until_ms - clock_mono_ms();

	return left > 0 ? left : 0;
}

/* Why nothing may be sent through this connection (any more), by the same rule
 * as for a new wish (gateway.wish_route). REASON_NONE: it may. */
static enum reason
why_local(const struct connection *conn)
{
	if (!conn->type[0])
		return REASON_NO_CONNECTION;
	if (!conn->key && !conn->key_sealed)
		return REASON_NO_KEY;
	if (!strcmp(conn->status, "paused"))
		return REASON_PAUSED;
	return conn->writeback ? REASON_NONE : REASON_WRITEBACK_OFF;
}

static bool
stays_local(struct delivery *d)
{
	enum reason reason = why_local(&d->w->connection);

	if (reason == REASON_NONE)
		return false;
	say(&d->answer, OUTCOME_REJECTED, reason,
	    "it became so while the wish waited");
	return true;
}

/* If something was sent already, its effect is looked up as long as there is a
 * key for that. */
static bool
can_look(const struct delivery *d)
{
	const struct connection *conn = &d->w->connection;

	return d->may_have_happened && conn->type[0] &&
	       (conn->key || conn->key_sealed);
}

/* Cases that are decided before any request. False: go on. */
static bool
decided_at_once(struct delivery *d)
{
	struct connection *conn = &d->w->connection;
	int64_t wait;

	if (d->w->is_agreed) {
		say(&d->answer, OUTCOME_ACCEPTED, REASON_ALREADY_DONE,
		    "an earlier writeback did the same");
		return true;
	}
	if (!can_look(d) && stays_local(d))
		return true;
	if (conn->is_other_account) {
		say(&d->answer, OUTCOME_UNKNOWN, REASON_ACCOUNT_CHANGED,
		    "the key is another account's");
		return true;
	}
	if (!strcmp(conn->status, "auth_failed")) {
		say(&d->answer, OUTCOME_AUTH_FAILED, REASON_AUTH_FAILED,
		    "the key was refused before");
		return true;
	}
	wait = carry_wait_ms(d->courier, conn);
	if (wait > 0) {
		say(&d->answer, OUTCOME_UNKNOWN, REASON_CIRCUIT_OPEN,
		    "the provider did not answer others");
		d->answer.retry_after_ms = wait;
		return true;
	}
	wait = conn->rate_limited_until_ms - clock_wall_ms();
	if (conn->rate_limited_until_ms == 0 || wait <= 0)
		return false;
	if (worth_waiting(d, wait)) {
		clock_sleep_ms(wait);
		return false;
	}
	say(&d->answer, OUTCOME_RATE_LIMITED, REASON_RATE_LIMITED,
	    "asked to wait before");
	d->answer.retry_after_ms = wait;
	return true;
}

/* The request could not be written. If its id or key is to blame, another time
 * would be no better. */
static void
cannot_write(struct delivery *d, enum err err)
{
	if (err == ERR_INPUT)
		say(&d->answer, OUTCOME_REJECTED, REASON_BAD_ID, err_text());
	else if (err == ERR_AUTH)
		say(&d->answer, OUTCOME_REJECTED, REASON_KEY_UNREADABLE,
		    err_text());
	else
		carry_failed(&d->answer);
}

static enum err
asked(struct delivery *d, const struct http_request *req,
    struct http_response *res, bool *decided)
{
	enum err err =
	    carry(d->courier, &d->w->connection, req, d->write_until_ms, res);

	if (!err)
		return d->provider->ask_response(
		    &d->push, res, decided, &d->answer);
	carry_failed(&d->answer);
	return err;
}

/* Ask what the provider's code wants to know before the write. True: that
 * decided it, or a question failed; nothing was written either way. */
static bool
ask(struct delivery *d)
{
	const struct provider *p = d->provider;
	bool asks = false, decided = false;

	for (int i = 0; p->ask_request && i < MOST_QUESTIONS; i++) {
		struct http_request req = HTTP_REQUEST_INIT;
		struct http_response res = HTTP_RESPONSE_INIT(CARRY_BODY_MAX);
		enum err err = p->ask_request(&d->push, &asks, &req);

		if (err)
			cannot_write(d, err);
		else if (asks)
			err = asked(d, &req, &res, &decided);
		http_request_done(&req);
		http_response_done(&res);
		if (err || decided)
			return true;
		if (!asks)
			return false;
	}
	if (!asks)
		return false;
	say(&d->answer, OUTCOME_REJECTED, REASON_REFUSED,
	    "the provider's answers lead nowhere");
	return true;
}

/* Keep what was read, if the provider needs that. False: it could not be kept,
 * so nothing may be sent. */
static bool
is_kept(struct delivery *d)
{
	if (d->is_kept || !d->push.due_date[0])
		return true;
	d->is_kept = d->keep(d->context, d->w, &d->push) == OK;
	d->stops = !d->is_kept;
	return d->is_kept;
}

/* Is nothing sent because the task is active, for the date that was read? Then
 * that date is kept, because what comes next is compared with it. If keeping
 * fails, the next run shows the date. */
static bool
leaves_active(const struct delivery *d)
{
	if (d->push.wish == WISH_UNCOMPLETE)
		return d->answer.outcome == OUTCOME_ACCEPTED;
	return d->answer.outcome == OUTCOME_REJECTED &&
	       d->answer.reason == REASON_SOURCE_CHANGED;
}

static void
write_once(struct delivery *d)
{
	struct http_request req = HTTP_REQUEST_INIT;
	struct http_response res = HTTP_RESPONSE_INIT(CARRY_BODY_MAX);
	enum err err = d->provider->write_request(&d->push, &req);

	if (err)
		cannot_write(d, err);
	else if (carry(d->courier, &d->w->connection, &req, d->write_until_ms,
		     &res))
		carry_failed(&d->answer);
	else
		d->provider->write_response(&d->push, &res, &d->answer);
	http_request_done(&req);
	http_response_done(&res);
	if (d->answer.outcome != OUTCOME_UNKNOWN ||
	    d->answer.reason == REASON_UNREACHABLE)
		return;
	d->may_have_happened = true;
	/* a provider that says that it failed no longer works on it */
	if (d->answer.reason == REASON_SERVER_ERROR && !d->answer.is_relayed)
		return;
	d->doubt_until_ms = clock_mono_ms() + d->courier->config->doubt_ms;
	d->unanswered++;
}

/* What does the item, as it now reads, say about the write? True: that decides
 * it. */
static bool
judge(struct delivery *d, const struct item *now)
{
	/* now the effect is known, unless the provider is still working on
	 * it */
	d->may_have_happened = doubt_ms(d) > 0;
	if (now->state == ITEM_NOT_VISIBLE) {
		say(&d->answer, OUTCOME_REJECTED, REASON_NOT_FOUND,
		    "read by id: not there");
		return true;
	}
	switch (d->provider->fulfilment(&d->push, now)) {
	case FULFILLED:
		if (d->unanswered < 2)
			d->doubt_until_ms = 0; /* it was the only write */
		say(&d->answer, OUTCOME_ACCEPTED, REASON_DONE,
		    "read by id: done");
		return true;
	case UNCLEAR:
		say(&d->answer, OUTCOME_REJECTED, REASON_SOURCE_CHANGED,
		    "read by id: not what it was, must not be sent again");
		return true;
	default:
		return false;
	}
}

/* Read the item to see what the write did. True: that decided it. False and
 * may_have_happened cleared: it did not happen. False and still set: not known,
 * because there was no answer (is_unread) or it may yet happen. */
static bool
look(struct delivery *d)
{
	const char *id = d->w->source_id;
	struct items items = { 0 };
	struct answer failure = { 0 };
	bool decided = false;

	d->is_unread =
	    !carry_read_one(d->courier, d->provider, &d->w->connection,
		d->w->source_id, d->deadline_ms, &items, &failure);
	if (!d->is_unread && d->provider->finished_request &&
	    items.list[0].state == ITEM_NOT_VISIBLE) {
		/* it may be finished, which this provider lists apart */
		items_done(&items);
		(void)courier_read(d->courier, &d->w->connection, &id, 1,
		    d->deadline_ms, &items);
		d->is_unread = items.count != 1;
	}
	if (!d->is_unread)
		decided = judge(d, &items.list[0]);
	items_done(&items);
	return decided;
}

/* One round: ask, write, look. True: there is nothing more to try. */
static bool
round_ended(struct delivery *d)
{
	struct answer first;

	if (ask(d)) {
		if (leaves_active(d))
			(void)is_kept(d);
	} else if (is_kept(d)) {
		write_once(d);
	} else {
		say(&d->answer, OUTCOME_UNKNOWN, REASON_UNREACHABLE,
		    err_text());
	}
	if (d->stops)
		return true;
	if (d->answer.outcome == OUTCOME_REJECTED &&
	    d->answer.reason == REASON_STATE_REFUSED && !d->push.is_refused) {
		d->push.is_refused = true; /* ask again, once */
		return false;
	}
	if (d->answer.outcome == OUTCOME_RATE_LIMITED)
		return !worth_waiting(d, d->answer.retry_after_ms);
	if (d->answer.outcome != OUTCOME_UNKNOWN)
		return true;
	if (carry_wait_ms(d->courier, &d->w->connection) > 0)
		return true; /* the open circuit would refuse another try */
	first = d->answer;
	d->is_unread = false;
	if (d->may_have_happened && look(d))
		return true;
	d->answer = first;
	/* If the look got no answer, this delivery does not send again. If it
	 * is not done yet, it is sent again, as the same command. */
	return d->is_unread;
}

/* Must nothing be sent again after a look that did not decide? So it is if the
 * look got no answer, if there is a newer wish, or if the connection may not be
 * used any more. */
static bool
is_left(struct delivery *d)
{
	if (d->is_unread || d->w->has_newer)
		return true;
	if (d->may_have_happened) /* not done yet, but it still may be */
		return why_local(&d->w->connection) != REASON_NONE;
	return stays_local(d);
}

static void
work(struct delivery *d)
{
	int64_t wait;

	/* an earlier owner may have sent it: look before sending again */
	if (d->may_have_happened) {
		if (look(d))
			return;
		say(&d->answer, OUTCOME_UNKNOWN, REASON_NO_ANSWER,
		    "sent earlier, cannot be read now");
		if (is_left(d))
			return;
	}
	for (int tries = 1; !round_ended(d) && tries < MOST_WRITES; tries++) {
		if (d->answer.outcome == OUTCOME_REJECTED)
			continue; /* a refused state: try another at once */
		wait =
		    d->answer.outcome == OUTCOME_RATE_LIMITED
			? d->answer.retry_after_ms
			: backoff_ms(BACKOFF_REQUEST, tries, crypto_random());
		if (!fits(d, wait))
			break;
		clock_sleep_ms(wait);
	}
}

/* Keep a quarter of the time at most for the look. */
static void
prepare(struct delivery *d)
{
	struct writeback *w = d->w;
	int64_t look_ms = (d->deadline_ms - clock_mono_ms()) / 4;

	if (look_ms > d->courier->config->provider_timeout_ms)
		look_ms = d->courier->config->provider_timeout_ms;
	d->write_until_ms = d->deadline_ms - (look_ms > 0 ? look_ms : 0);
	d->may_have_happened = w->is_unclear;
	d->unanswered = w->is_unclear ? 2 : 0; /* nobody knows how many */
	d->doubt_until_ms = w->is_unclear ? clock_mono_ms() + w->doubt_ms : 0;
	d->provider = provider_by_name(w->connection.type);
	d->push = (struct push){
		.conn = &w->connection,
		.base_url =
		    config_base_url(d->courier->config, w->connection.type),
		.source_id = w->source_id,
		.source_metadata = w->source_metadata,
		.wish = w->wish,
		.command_id = w->id,
		.due_known = w->due_read[0] ? w->due_read : NULL,
		.by_row = w->by_row,
	};
	if (w->is_unclear)
		snprintf(
		    d->push.target, sizeof(d->push.target), "%s", w->target);
}

/* Which account should the key be of? The one that the last run saw behind it;
 * before the first run, the one whose list showed the item. NULL: not known, or
 * the connection was a guess anyway. */
static const char *
account_wanted(const struct writeback *w)
{
	const char *known = w->connection.account_id;

	return known || w->is_guess ? known : w->shown_to;
}

/* Does the answer depend on whose key it is? A client may have replaced the key
 * since the last run, which would have noticed. */
static bool
depends_on_key(const struct delivery *d)
{
	if (d->answer.outcome == OUTCOME_AUTH_FAILED)
		return true;
	return d->answer.outcome == OUTCOME_REJECTED && account_wanted(d->w) &&
	       (d->answer.reason == REASON_NOT_FOUND ||
		   d->answer.reason == REASON_FORBIDDEN);
}

/* One refused request does not yet prove that the key is dead. */
static void
confirm_refusal(struct delivery *d, enum key_word word)
{
	if (word != KEY_REFUSED)
		d->answer.outcome = OUTCOME_REJECTED;
	if (word == KEY_WORKS && d->answer.reason == REASON_AUTH_FAILED)
		d->answer.reason = REASON_FORBIDDEN;
}

static void
confirm(struct delivery *d)
{
	enum key_word word;

	if (!depends_on_key(d))
		return;
	word = courier_ask_key(d->courier, &d->w->connection,
	    account_wanted(d->w), d->deadline_ms);
	if (word == KEY_OF_ANOTHER)
		say(&d->answer, OUTCOME_UNKNOWN, REASON_ACCOUNT_CHANGED,
		    "answered to another account's key");
	else if (d->answer.outcome == OUTCOME_AUTH_FAILED)
		confirm_refusal(d, word);
	else if (word == KEY_REFUSED)
		say(&d->answer, OUTCOME_AUTH_FAILED, REASON_AUTH_FAILED,
		    "not found, with a key that is refused");
	else if (word == KEY_UNKNOWN)
		say(&d->answer, OUTCOME_UNKNOWN, REASON_NO_ANSWER,
		    "not found, and whose key it is was not answered");
}

void
courier_deliver(const struct courier *courier, struct writeback *w,
    int64_t deadline_ms, bool is_patient, courier_keep *keep, void *context,
    struct verdict *out, char **metadata_patch)
{
	struct delivery d = {
		.keep = keep,
		.context = context,
		.courier = courier,
		.w = w,
		.deadline_ms = deadline_ms,
		.is_patient = is_patient,
	};
	struct evidence evidence;
	bool was_asked;

	*metadata_patch = NULL;
	prepare(&d);
	was_asked = !decided_at_once(&d);
	if (was_asked) {
		if (!d.provider)
			say(&d.answer, OUTCOME_REJECTED, REASON_NO_CONNECTION,
			    "there is no such provider");
		else if (keys_open(&courier->keys, &w->connection))
			say(&d.answer, OUTCOME_REJECTED, REASON_KEY_UNREADABLE,
			    err_text());
		else
			work(&d);
		if (d.provider)
			confirm(&d);
	}
	evidence = (struct evidence){ .wish = w->wish,
		.is_guess = w->is_guess,
		.is_patient = is_patient,
		.is_too_old = w->is_too_old,
		.may_have_happened = d.may_have_happened,
		.doubt_ms = doubt_ms(&d),
		.attempts = w->attempts,
		.random = crypto_random(),
		.answer = d.answer };
	verdict_decide(&evidence, out);
	if (!was_asked) { /* nothing new was learnt of the connection */
		out->auth_failed = false;
		out->limit_ms = 0;
	}
	*metadata_patch = d.push.metadata_patch;
	d.push.metadata_patch = NULL;
	push_done(&d.push);
}
