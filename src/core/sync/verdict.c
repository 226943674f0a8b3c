/* How a writeback ends, case by case, and the sentences that say so. */
#include "core/sync/verdict.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "core/backoff.h"

static void
end(struct verdict *v, enum ending ending, enum reason reason)
{
	v->ending = ending;
	v->reason = reason;
}

static void
queue(const struct evidence *e, struct verdict *v)
{
	end(v, END_QUEUED, e->answer.reason);
	v->is_unclear = e->may_have_happened;
	v->due_ms = backoff_ms(BACKOFF_WRITEBACK, e->attempts, e->random);
	if (v->retry_ms > v->due_ms)
		v->due_ms = v->retry_ms;
}

/* An item that is gone is as good as completed, and cannot be reopened. But a
 * connection that was only guessed may simply not be the one that has the
 * item. */
static void
decide_gone(const struct evidence *e, struct verdict *v)
{
	if (e->is_guess)
		end(v, END_SKIPPED, REASON_CONNECTION_GONE);
	else if (e->wish == WISH_COMPLETE)
		end(v, END_ACCEPTED, REASON_ALREADY_GONE);
	else
		end(v, END_ROLLED_BACK, REASON_SOURCE_GONE);
}

static void decide_unsettled(const struct evidence *e, struct verdict *v);

/* The local change stands, and nothing is sent. */
static bool
is_skipped(enum reason reason)
{
	switch (reason) {
	case REASON_NO_CONNECTION:
	case REASON_NO_KEY:
	case REASON_PAUSED:
	case REASON_WRITEBACK_OFF:
	case REASON_NO_DONE_STATE:
		return true;
	default:
		return false;
	}
}

static void
decide_rejected(const struct evidence *e, struct verdict *v)
{
	if (e->answer.reason == REASON_NOT_FOUND)
		decide_gone(e, v);
	else if (is_skipped(e->answer.reason))
		end(v, END_SKIPPED, e->answer.reason);
	else if (e->may_have_happened) /* by an earlier write */
		decide_unsettled(e, v);
	else
		end(v, END_ROLLED_BACK, e->answer.reason);
}

/* The outcome is open. An earlier write whose effect is unknown outweighs the
 * failure of a later one. */
static void
decide_unsettled(const struct evidence *e, struct verdict *v)
{
	/* the provider may still carry it out */
	bool is_in_doubt = e->may_have_happened && e->doubt_ms > 0;

	if (e->is_too_old && !is_in_doubt)
		end(v, END_ROLLED_BACK, REASON_GIVEN_UP);
	else if (e->may_have_happened || e->is_patient ||
		 e->answer.reason == REASON_ACCOUNT_CHANGED)
		queue(e, v);
	else
		end(v, END_ROLLED_BACK, e->answer.reason);
}

void
verdict_decide(const struct evidence *e, struct verdict *v)
{
	memset(v, 0, sizeof(*v));
	v->doubt_ms = e->doubt_ms;
	snprintf(v->detail, sizeof(v->detail), "%s", e->answer.detail);
	switch (e->answer.outcome) {
	case OUTCOME_ACCEPTED:
		end(v, END_ACCEPTED, e->answer.reason);
		return;
	case OUTCOME_REJECTED:
		decide_rejected(e, v);
		return;
	case OUTCOME_AUTH_FAILED:
		v->auth_failed = true;
		/* do not wait for another key, unless a new one is needed to
		 * read what an earlier write did */
		if (e->may_have_happened)
			decide_unsettled(e, v);
		else
			end(v, END_ROLLED_BACK, e->answer.reason);
		return;
	case OUTCOME_RATE_LIMITED:
		v->limit_ms = v->retry_ms =
		    backoff_asked_ms(e->answer.retry_after_ms);
		decide_unsettled(e, v);
		return;
	default:
		if (e->answer.retry_after_ms > 0)
			v->retry_ms =
			    backoff_asked_ms(e->answer.retry_after_ms);
		decide_unsettled(e, v);
	}
}

/* clang-format off */
static const char *const why[REASON_COUNT] = {
	[REASON_SOURCE_GONE]   = "the item no longer exists in %s",
	[REASON_SOURCE_CHANGED] = "the item was changed in %s meanwhile; look at it before you try again",
	[REASON_UNCOMPLETABLE] = "items like this one cannot be completed in %s",
	[REASON_BAD_ID]        = "no item of %s can have such an id",
	[REASON_FORBIDDEN]     = "this connection may not change the item in %s",
	[REASON_REFUSED]       = "%s refused the change",
	[REASON_GONE_API]      = "%s no longer offers this function",
	[REASON_STATE_REFUSED] = "%s refused the item's new state",
	[REASON_AUTH_FAILED]   = "%s no longer accepts this connection's key; connect it again",
	[REASON_SCOPE_MISSING] = "this connection's key may not write to %s; connect it again with write access",
	[REASON_KEY_UNREADABLE] = "this connection's key for %s cannot be read; connect it again",
	[REASON_RATE_LIMITED]  = "%s asks to wait a while before the next change",
	[REASON_CIRCUIT_OPEN]  = "%s has a problem at the moment; try again soon",
	[REASON_UNREACHABLE]   = "%s could not be reached",
	[REASON_TIMEOUT]       = "%s did not answer in time",
	[REASON_NO_ANSWER]     = "the connection to %s was lost",
	[REASON_SERVER_ERROR]  = "%s has a problem at the moment",
	[REASON_BAD_ANSWER]    = "%s answered in a way that could not be understood",
	[REASON_GIVEN_UP]      = "%s could not be asked for too long a time",
	[REASON_ACCOUNT_CHANGED] = "the connection's key now belongs to another account of %s",
};

static const char *const skipped[REASON_COUNT] = {
	[REASON_NO_CONNECTION]   = "its connection to %s was deleted",
	[REASON_NO_KEY]          = "its connection to %s has no key",
	[REASON_PAUSED]          = "its connection to %s is paused",
	[REASON_WRITEBACK_OFF]   = "its connection to %s does not pass completions on",
	[REASON_NO_DONE_STATE]   = "its team in %s has no completed state",
	[REASON_CONNECTION_GONE] = "none of your %s connections knows its item",
};
/* clang-format on */

/* Fill in the one %s of a template. */
static void
fill(const char *template, const char *value, char *out, size_t size)
{
	const char *hole = strstr(template, "%s");

	snprintf(out, size, "%.*s%s%s", (int)(hole - template), template, value,
	    hole + 2);
}

void
verdict_sentence(const struct verdict *v, enum wish wish, const char *provider,
    char *out, size_t size)
{
	bool completing = wish == WISH_COMPLETE;
	char text[200];

	out[0] = '\0';
	if (v->ending == END_SKIPPED && v->reason != REASON_MANUAL) {
		fill(skipped[v->reason] ? skipped[v->reason]
					: "nothing was sent to %s",
		    provider, text, sizeof(text));
		snprintf(out, size, "The task was %s here only: %s.",
		    completing ? "completed" : "reopened", text);
		return;
	}
	if (v->ending == END_ACCEPTED) {
		snprintf(out, size,
		    v->reason == REASON_ALREADY_GONE
			? "The task is %s; its item is no longer in %s."
			: "The task is %s in %s as well now.",
		    completing ? "completed" : "reopened", provider);
		return;
	}
	if (v->ending != END_ROLLED_BACK && v->ending != END_QUEUED)
		return;
	fill(why[v->reason] ? why[v->reason] : "%s refused the change",
	    provider, text, sizeof(text));
	if (v->ending == END_QUEUED)
		snprintf(out, size,
		    "It is not certain yet whether the task was %s in %s: %s. "
		    "It will be checked again.",
		    completing ? "completed" : "reopened", provider, text);
	else
		snprintf(out, size, "The task was not %s: %s.",
		    completing ? "completed" : "reopened", text);
}

/* What each code of the events table says; the first row that fits counts. The
 * one %s is the provider. */
/* clang-format off */
static const struct {
	const char *type, *reason; /* NULL: any */
	const char *text;
} told[] = {
	{ "connection.auth_failed", NULL,
	  "%s no longer accepts this connection's key." },
	{ "guard.raised", "account_changed",
	  "The key now belongs to another account of %s; nothing is marked until that is certain." },
	{ "guard.released", "account_changed",
	  "The connection to %s goes on with its new account." },
	{ "guard.released", NULL,
	  "What %s shows is certain again." },
	{ "task.reopened", "next_occurrence",
	  "The next occurrence is due in %s, and the task is open again." },
	{ "task.reopened", NULL,
	  "The item is open again in %s, and so is the task." },
	{ "task.completed", "completed",
	  "The task was completed in %s." },
	{ "task.completed", "not_visible",
	  "The item is no longer there in %s; the task was completed." },
	{ "task.completed", "canceled",
	  "The item was canceled in %s; the task was completed." },
	{ "task.completed", "duplicate",
	  "The item was marked as a duplicate in %s; the task was completed." },
	{ "task.completed", "deleted",
	  "The item was deleted in %s; the task was completed." },
	{ "task.completed", "archived",
	  "The item was archived in %s; the task was completed." },
	{ "task.completed", "reassigned",
	  "The item was given to somebody else in %s; the task was completed." },
	{ "task.completed", "moved",
	  "The item was moved elsewhere in %s; the task was completed." },
	{ "task.completed", NULL,
	  "The item is no longer active in %s; the task was completed." },
};
/* clang-format on */

static void
sentence_of_writeback(
    const struct event *e, const char *provider, char *out, size_t size)
{
	struct verdict v = { .reason = reason_by_name(e->reason) };

	if (!strcmp(e->type, "task.rolled_back"))
		v.ending = END_ROLLED_BACK;
	else if (!strcmp(e->type, "writeback.skipped"))
		v.ending = END_SKIPPED;
	else
		v.ending = END_ACCEPTED;
	verdict_sentence(&v, e->wish, provider, out, size);
}

void
event_sentence(
    const struct event *e, const char *provider, char *out, size_t size)
{
	for (size_t i = 0; i < sizeof(told) / sizeof(told[0]); i++) {
		if (strcmp(told[i].type, e->type) != 0 ||
		    (told[i].reason && strcmp(told[i].reason, e->reason) != 0))
			continue;
		fill(told[i].text, provider, out, size);
		return;
	}
	if (!strcmp(e->type, "guard.raised"))
		snprintf(out, size,
		    "%s shows too little at once; %" PRId64
		    " %s open until that is certain.",
		    provider, e->held,
		    e->held == 1 ? "task stays" : "tasks stay");
	else
		sentence_of_writeback(e, provider, out, size);
}
