/* The lease covers the delivery's deadline and the settle after it. A settle of
 * which it is not known whether it was committed is simply repeated: the
 * generation makes the second one find nothing to do (fencing). */
#include "core/delivery/outbound.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/backoff.h"
#include "core/clock.h"
#include "core/crash.h"
#include "core/log.h"
#include "core/store/writeback.h"

#define SETTLE_TRIES 8

void
outbound_done(struct outbound *out)
{
	free(out->task);
	out->task = NULL;
}

static enum err
settle_until_said(const struct store *store, struct settle *settle)
{
	enum err err;

	for (int i = 1;; i++) {
		free(settle->task);
		settle->task = NULL;
		crash_point("before_settle");
		err = writeback_settle_one(store, settle);
		crash_point("after_settle");
		if (!err || i == SETTLE_TRIES)
			return err;
		clock_sleep_ms(backoff_ms(BACKOFF_SETTLE, i, crypto_random()));
	}
}

static void
tell(const struct writeback *w, const struct outbound *out)
{
	const struct verdict *v = &out->verdict;
	char detail[200], line[600];

	snprintf(line, sizeof(line),
	    "writeback=%s task=%s connection=%s wish=%s ending=%s reason=%s "
	    "attempts=%d owned=%d detail=%s",
	    w->id, w->task_id, w->connection.id, wish_name(w->wish),
	    ending_name(v->ending), reason_name(v->reason), w->attempts,
	    out->is_owned, log_quote(v->detail, detail, sizeof(detail)));
	if (v->ending == END_ACCEPTED)
		log_info("%s", line);
	else
		log_warn("%s", line);
}

/* If nobody waits for the answer, the user is told by an event; of a success
 * only if it was in doubt before. */
static bool
is_event(const struct writeback *w, const struct outbound *out, bool is_patient)
{
	enum ending ending = out->verdict.ending;

	return is_patient && out->sentence[0] && ending != END_QUEUED &&
	       (ending != END_ACCEPTED || w->is_doubted);
}

static enum err
keep(void *context, const struct writeback *w, const struct push *push)
{
	enum err err;

	crash_point("before_keep");
	err = writeback_keep(context, w, push->target, push->due_date);
	crash_point("after_keep");
	return err;
}

enum err
outbound_send(const struct store *store, const struct courier *courier,
    struct writeback *w, int64_t deadline_ms, bool is_patient,
    struct outbound *out)
{
	const struct provider *provider = provider_by_name(w->connection.type);
	char *patch = NULL;
	struct settle settle;
	enum err err;

	memset(out, 0, sizeof(*out));
	courier_deliver(courier, w, deadline_ms, is_patient, keep,
	    (void *)(uintptr_t)store, &out->verdict, &patch);
	verdict_sentence(&out->verdict, w->wish,
	    provider ? provider->title : "The provider", out->sentence,
	    sizeof(out->sentence));
	settle = (struct settle){ .user_id = w->user_id,
		.writeback_id = w->id,
		.generation = w->generation,
		.verdict = out->verdict,
		.metadata_patch = patch,
		.key_version = w->connection.key_version,
		.names_connection = w->by_fallback,
		.is_told = is_event(w, out, is_patient) };
	err = settle_until_said(store, &settle);
	out->is_owned = !err && settle.is_owned;
	out->is_restored = settle.is_restored;
	out->task = settle.task;
	tell(w, out);
	free(patch);
	return err;
}

enum err
outbound_claim(const struct store *store, const struct courier *courier,
    const struct array *but_connections, const struct array *but_users,
    struct due *out, bool *found)
{
	const struct config *config = courier->config;
	struct writeback *list = NULL;
	size_t n = 0;
	enum err err;

	out->deadline_ms = clock_mono_ms() + config->call_deadline_ms;
	crash_point("before_take_up");
	err = writeback_claim_due(
	    store, 1, config->lease_ms, but_connections, but_users, &list, &n);
	crash_point("after_take_up");
	*found = !err && n == 1;
	if (*found)
		out->w = list[0];
	free(list);
	return err;
}

enum err
outbound_finish(const struct store *store, const struct courier *courier,
    struct due *due, struct outbound *out)
{
	enum err err =
	    outbound_send(store, courier, &due->w, due->deadline_ms, true, out);

	writeback_done(&due->w);
	return err;
}
