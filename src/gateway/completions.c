/* Complete and uncomplete: begin, send, settle, and the honest answer. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "core/backoff.h"
#include "core/clock.h"
#include "core/crash.h"
#include "core/delivery/outbound.h"
#include "core/delivery/sweep.h"
#include "core/providers/provider.h"
#include "core/store/idempotency.h"
#include "core/store/writeback.h"
#include "gateway.h"

static void
pause(int tries)
{
	clock_sleep_ms(backoff_ms(BACKOFF_LOCKED_ROW, tries, crypto_random()));
}

/* A row that someone else has for the moment is tried again. */
static enum err
begin_until_free(
    struct gateway *gateway, struct begin *begin, int64_t deadline_ms)
{
	enum err err;

	for (int i = 1;; i++) {
		crash_point("before_begin");
		err = writeback_begin_one(&gateway->store, begin);
		crash_point("after_begin");
		if (err || begin->begun != BEGUN_BUSY)
			return err;
		if (clock_mono_ms() >= deadline_ms)
			return err_set(ERR_BUSY, "the task stayed locked");
		begin_done(begin);
		pause(i);
	}
}

/* {"task":..,"writeback":{"id","outcome","reason"}} */
static enum err
reply_outcome(struct reply *reply, int status, const char *task, const char *id,
    const char *outcome, const char *reason)
{
	enum err err;

	reply->status = status;
	buf_clear(&reply->body);
	err = buf_addf(&reply->body,
	    "{\"task\":%s,\"writeback\":{\"id\":", task ? task : "null");
	if (!err)
		err = id ? buf_add_json(&reply->body, id)
			 : buf_add_str(&reply->body, "null");
	if (!err)
		err = buf_addf(&reply->body,
		    ",\"outcome\":\"%s\",\"reason\":%s%s%s}}\n", outcome,
		    reason ? "\"" : "", reason ? reason : "null",
		    reason ? "\"" : "");
	return err;
}

/* Not ended yet: where to look. */
static enum err
reply_accepted(struct reply *reply, const struct begin *begin)
{
	reply_header(reply, "Location: /v1/writebacks/%s", begin->writeback_id);
	return reply_outcome(
	    reply, 202, begin->task, begin->writeback_id, "open", NULL);
}

static int
problem_status(const struct verdict *v)
{
	switch (v->reason) {
	case REASON_RATE_LIMITED:
	case REASON_CIRCUIT_OPEN:
		return 503;
	case REASON_UNREACHABLE:
	case REASON_TIMEOUT:
	case REASON_NO_ANSWER:
	case REASON_SERVER_ERROR:
	case REASON_BAD_ANSWER:
	case REASON_GIVEN_UP:
		return 504;
	default:
		return v->ending == END_QUEUED ? 504 : 502;
	}
}

static enum err
reply_failure(
    struct reply *reply, const struct begin *begin, const struct outbound *out)
{
	const struct verdict *v = &out->verdict;
	int status = problem_status(v);
	char code[64];
	struct buf more = BUF_INIT((size_t)1024 * 1024);
	enum err err;

	if (status == 503)
		reply_header(reply, "Retry-After: %" PRId64,
		    v->retry_ms > 0 ? (v->retry_ms + 999) / 1000 : 60);
	if (v->ending == END_QUEUED)
		reply_header(
		    reply, "Location: /v1/writebacks/%s", begin->writeback_id);
	snprintf(code, sizeof(code), "writeback_%s", reason_name(v->reason));
	err = buf_addf(&more,
	    ",\"rolled_back\":%s,\"task\":%s,\"writeback\":{\"id\":\"%s\","
	    "\"outcome\":\"%s\",\"reason\":\"%s\"}",
	    out->is_restored ? "true" : "false", out->task ? out->task : "null",
	    begin->writeback_id,
	    v->ending == END_QUEUED ? "open" : ending_name(v->ending),
	    reason_name(v->reason));
	if (!err)
		reply_problem(reply, status, code, out->sentence, more.ptr);
	buf_done(&more);
	return err;
}

static enum err
reply_fate(struct reply *reply, int status, const struct fate *fate)
{
	reply->status = status;
	buf_clear(&reply->body);
	return buf_addf(&reply->body, "{\"task\":%s,\"writeback\":%s}\n",
	    fate->task ? fate->task : "null", fate->writeback);
}

/* What the writeback has become in another owner's hands: told as if it had
 * been ours. */
static enum err
reply_as_read(struct gateway *gateway, const struct request *req,
    const struct begin *begin, struct reply *reply)
{
	const struct provider *provider;
	struct outbound out = { .verdict.ending = END_ROLLED_BACK };
	struct fate fate = { 0 };
	enum err err = writeback_read(
	    &gateway->store, req->user_id, begin->writeback_id, &fate);

	if (err)
		return err;
	provider = provider_by_name(fate.source);
	if (fate.is_rolled_back) {
		out.verdict.reason = fate.reason;
		out.is_restored = fate.is_restored;
		out.task = fate.task;
		verdict_sentence(&out.verdict, begin->wish,
		    provider ? provider->title : "The provider", out.sentence,
		    sizeof(out.sentence));
		err = reply_failure(reply, begin, &out);
	} else {
		if (fate.is_open)
			reply_header(reply, "Location: /v1/writebacks/%s",
			    begin->writeback_id);
		err = reply_fate(reply, fate.is_open ? 202 : 200, &fate);
	}
	fate_done(&fate);
	return err;
}

static enum err
send_and_settle(struct gateway *gateway, const struct request *req,
    struct begin *begin, int64_t deadline_ms, struct reply *reply)
{
	struct outbound out = { 0 };
	enum err err = outbound_send(&gateway->store, &gateway->courier,
	    &begin->writeback, deadline_ms, false, &out);

	if (!err && !out.is_owned) {
		atomic_fetch_add(&gateway->metrics.lost_leases, 1);
		err = reply_as_read(gateway, req, begin, reply);
		goto out;
	}
	if (err)
		goto out;
	atomic_fetch_add(&gateway->metrics.writebacks[out.verdict.ending], 1);
	snprintf(reply->note, sizeof(reply->note),
	    "writeback=%s ending=%s reason=%s", begin->writeback_id,
	    ending_name(out.verdict.ending), reason_name(out.verdict.reason));
	if (out.verdict.ending == END_ACCEPTED ||
	    out.verdict.ending == END_SKIPPED)
		err = reply_outcome(reply, 200, out.task, begin->writeback_id,
		    ending_name(out.verdict.ending),
		    reason_name(out.verdict.reason));
	else
		err = reply_failure(reply, begin, &out);
out:
	outbound_done(&out);
	return err;
}

/* Another call of this task is in flight. Wait for its end without holding a
 * database connection, then take the turn; unless a newer wish came. */
static enum err
wait_and_send(struct gateway *gateway, const struct request *req,
    struct begin *begin, int64_t deadline_ms, struct reply *reply)
{
	struct claim claim;
	enum err err;

	for (int i = 1; clock_mono_ms() < deadline_ms; i++) {
		crash_point("before_claim");
		err = writeback_claim(&gateway->store, &begin->writeback,
		    gateway->config->lease_ms, &claim);
		if (err)
			return err;
		crash_point("after_claim");
		if (claim.is_claimed)
			return send_and_settle(
			    gateway, req, begin, deadline_ms, reply);
		if (strcmp(claim.state, "queued") &&
		    strcmp(claim.state, "sending"))
			return reply_as_read(gateway, req, begin, reply);
		pause(i);
	}
	return reply_accepted(reply, begin);
}

/* Prefer is a list; what is not understood in it is passed over (RFC 7240). */
static bool
wants_async(const struct request *req)
{
	static const char name[] = "respond-async";
	const char *p = req->prefer;

	while (*p) {
		p += strspn(p, ", \t");
		if (!strncasecmp(p, name, sizeof(name) - 1) &&
		    strchr(",; \t", p[sizeof(name) - 1]))
			return true;
		p += strcspn(p, ",");
	}
	return false;
}

static enum err
answer_begun(struct gateway *gateway, const struct request *req,
    struct begin *begin, int64_t deadline_ms, struct reply *reply)
{
	switch (begin->begun) {
	case BEGUN_NOT_FOUND:
		return err_set(ERR_NOTFOUND, "no such task");
	case BEGUN_ARCHIVED:
		return err_set(ERR_CONFLICT, "The task is archived.");
	case BEGUN_UNCHANGED:
		return reply_outcome(
		    reply, 200, begin->task, NULL, "skipped", "unchanged");
	case BEGUN_SKIPPED:
		atomic_fetch_add(&gateway->metrics.writebacks[END_SKIPPED], 1);
		return reply_outcome(reply, 200, begin->task,
		    begin->writeback_id, "skipped", begin->reason);
	case BEGUN_SENDING:
		return send_and_settle(gateway, req, begin, deadline_ms, reply);
	case BEGUN_ENDED:
		return reply_as_read(gateway, req, begin, reply);
	default: /* queued, or an open one that was joined */
		if (!wants_async(req))
			return wait_and_send(
			    gateway, req, begin, deadline_ms, reply);
		reply_header(reply, "Preference-Applied: respond-async");
		sweep_kick(gateway->sweep);
		return reply_accepted(reply, begin);
	}
}

/* A call under the same Idempotency-Key made the wish before its process went
 * away: it is not made again, however the task stands by now. ERR_NOTFOUND: it
 * was not made. */
static enum err
answer_repeated(struct gateway *gateway, const struct request *req,
    const struct begin *begin, int64_t deadline_ms, struct reply *reply)
{
	struct fate fate = { 0 };
	bool is_open;
	enum err err;

	for (int i = 1;; i++) {
		err = writeback_read(
		    &gateway->store, req->user_id, begin->writeback_id, &fate);
		is_open = !err && fate.is_open;
		fate_done(&fate);
		if (err)
			return err;
		if (!is_open || wants_async(req) ||
		    clock_mono_ms() >= deadline_ms)
			return reply_as_read(gateway, req, begin, reply);
		pause(i);
	}
}

/* A wish that was there before is what a repetition is about, too. */
static enum err
point_at_joined(struct gateway *gateway, const struct request *req,
    const struct begin *begin)
{
	if (!req->idempotency_key || !strcmp(begin->writeback_id, req->call_id))
		return OK;
	return idempotency_point(&gateway->store, req->user_id,
	    req->idempotency_key, req->call_id, begin->writeback_id);
}

/* The database did not say whether the wish was made. It has the id that was
 * given: if it is there, it was. There must be time to look. */
static enum err
answer_unheard(struct gateway *gateway, const struct request *req,
    const struct begin *begin, int64_t deadline_ms, struct reply *reply)
{
	char why[200];
	enum err err = ERR_DB;

	snprintf(why, sizeof(why), "%s", err_text());
	if (clock_mono_ms() < deadline_ms)
		err = answer_repeated(gateway, req, begin, deadline_ms, reply);
	return err == ERR_NOTFOUND || err == ERR_DB ? err_set(ERR_DB, "%s", why)
						    : err;
}

static enum err
change(struct gateway *gateway, const struct request *req, enum wish wish,
    struct reply *reply)
{
	int64_t deadline_ms = req->start_ms + gateway->config->call_deadline_ms;
	struct begin begin = {
		.user_id = req->user_id,
		.task_id = req->target,
		.wish = wish,
		.lease_ms = wants_async(req) ? 0 : gateway->config->lease_ms,
	};
	enum err err = ERR_NOTFOUND;

	snprintf(
	    begin.writeback_id, sizeof(begin.writeback_id), "%s", req->call_id);
	if (req->is_repeated)
		err = answer_repeated(gateway, req, &begin, deadline_ms, reply);
	if (err != ERR_NOTFOUND)
		return err;
	err = begin_until_free(gateway, &begin, deadline_ms);
	if (err == ERR_DB) {
		err = answer_unheard(gateway, req, &begin, deadline_ms, reply);
		goto out;
	}
	if (!err)
		err = point_at_joined(gateway, req, &begin);
	if (!err)
		err = answer_begun(gateway, req, &begin, deadline_ms, reply);
out:
	begin_done(&begin);
	return err;
}

HANDLER(tasks_complete)
{
	return change(gateway, req, WISH_COMPLETE, reply);
}

HANDLER(tasks_uncomplete)
{
	return change(gateway, req, WISH_UNCOMPLETE, reply);
}

HANDLER(writebacks_read)
{
	struct fate fate = { 0 };
	enum err err =
	    writeback_read(&gateway->store, req->user_id, req->target, &fate);

	if (!err)
		err = reply_fate(reply, 200, &fate);
	fate_done(&fate);
	return err;
}
