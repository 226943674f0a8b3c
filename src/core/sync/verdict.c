/* The table of cases of a completion call, as decisions. */
#include "core/sync/verdict.h"

#include <stdio.h>
#include <string.h>

#define RATE_LIMIT_DEFAULT_MS 60000
#define RATE_LIMIT_MOST_MS 3600000
#define BACKOFF_FIRST_MS 1000
#define BACKOFF_MOST_MS 300000

int64_t
verdict_backoff_ms(int attempts, uint64_t random)
{
	int64_t ms = BACKOFF_FIRST_MS;

	for (int i = 1; i < attempts && ms < BACKOFF_MOST_MS; i++)
		ms *= 2;
	if (ms > BACKOFF_MOST_MS)
		ms = BACKOFF_MOST_MS;
	return ms / 2 + (int64_t)(random % (uint64_t)ms);
}

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
	v->due_ms = verdict_backoff_ms(e->attempts, e->random);
	if (v->retry_ms > v->due_ms)
		v->due_ms = v->retry_ms;
}

/* Gone is done for a completion, and cannot be undone; but a connection that
 * was only guessed may simply not be the one the item came through. */
static void
decide_gone(const struct evidence *e, struct verdict *v)
{
	if (e->by_fallback)
		end(v, END_SKIPPED, REASON_CONNECTION_GONE);
	else if (e->wish == WISH_COMPLETE)
		end(v, END_ACCEPTED, REASON_ALREADY_GONE);
	else
		end(v, END_ROLLED_BACK, REASON_SOURCE_GONE);
}

static void decide_unsettled(const struct evidence *e, struct verdict *v);

static void
decide_rejected(const struct evidence *e, struct verdict *v)
{
	if (e->answer.reason == REASON_NOT_FOUND)
		decide_gone(e, v);
	else if (e->answer.reason == REASON_NO_DONE_STATE ||
		 e->answer.reason == REASON_NO_CONNECTION)
		end(v, END_SKIPPED, e->answer.reason);
	else if (e->may_have_happened) /* by the write before this one */
		decide_unsettled(e, v);
	else
		end(v, END_ROLLED_BACK, e->answer.reason);
}

/* An earlier write whose effect is unknown outweighs what became of a later
 * one, unless that one settled the matter. */
static void
decide_unsettled(const struct evidence *e, struct verdict *v)
{
	if (e->is_too_old)
		end(v, END_ROLLED_BACK, REASON_GIVEN_UP);
	else if (e->may_have_happened || e->is_patient)
		queue(e, v);
	else
		end(v, END_ROLLED_BACK, e->answer.reason);
}

static int64_t
limit_ms(const struct answer *answer)
{
	int64_t ms = answer->retry_after_ms;

	if (ms < 0)
		return RATE_LIMIT_DEFAULT_MS;
	if (ms > RATE_LIMIT_MOST_MS)
		return RATE_LIMIT_MOST_MS;
	return ms > 0 ? ms : 1;
}

void
verdict_decide(const struct evidence *e, struct verdict *v)
{
	memset(v, 0, sizeof(*v));
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
		/* no waiting for another key, unless there is something to
		 * read with it */
		if (e->may_have_happened)
			decide_unsettled(e, v);
		else
			end(v, END_ROLLED_BACK, e->answer.reason);
		return;
	case OUTCOME_RATE_LIMITED:
		v->limit_ms = v->retry_ms = limit_ms(&e->answer);
		decide_unsettled(e, v);
		return;
	default:
		if (e->answer.retry_after_ms > 0)
			v->retry_ms = limit_ms(&e->answer);
		decide_unsettled(e, v);
	}
}

/* clang-format off */
static const char *const why[REASON_COUNT] = {
	[REASON_SOURCE_GONE]   = "the item no longer exists in %s",
	[REASON_SOURCE_CHANGED] = "the item was changed in %s meanwhile; look at it before you try again",
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
	if (v->ending == END_SKIPPED && v->reason == REASON_NO_DONE_STATE) {
		snprintf(out, size,
		    "The task was completed here only: its team in %s has no "
		    "completed state.",
		    provider);
		return;
	}
	if (v->ending == END_SKIPPED && v->reason == REASON_CONNECTION_GONE) {
		snprintf(out, size,
		    "The task was %s here only: none of your %s connections "
		    "knows its item.",
		    completing ? "completed" : "reopened", provider);
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
