/* One thread makes the answer, outside the lock; the others go on with the last
 * one, so that none of them waits. */
#include "pulse.h"

#include <stdio.h>
#include <string.h>

#include "core/clock.h"

#define OLD 3 /* times fresh_ms: an answer is not given any more */
#define TEXT_MAX ((size_t)1024 * 1024)

void
pulse_init(struct pulse *p, int64_t fresh_ms,
    enum err (*make)(void *context, struct buf *out), void *context)
{
	memset(p, 0, sizeof(*p));
	p->fresh_ms = fresh_ms;
	p->make = make;
	p->context = context;
	p->text = (struct buf)BUF_INIT(TEXT_MAX);
	pthread_mutex_init(&p->lock, NULL);
}

void
pulse_done(struct pulse *p)
{
	buf_done(&p->text);
	pthread_mutex_destroy(&p->lock);
}

/* Below the lock, which is given away meanwhile. */
static void
make_anew(struct pulse *p)
{
	struct buf text = BUF_INIT(TEXT_MAX);
	enum err err;

	p->is_being_made = true;
	pthread_mutex_unlock(&p->lock);
	err = p->make(p->context, &text);
	pthread_mutex_lock(&p->lock);
	p->is_being_made = false;
	buf_done(&p->text);
	p->text = text;
	p->err = err;
	snprintf(p->why, sizeof(p->why), "%s", err ? err_text() : "");
	p->made_ms = clock_mono_ms();
}

enum err
pulse_read(struct pulse *p, struct buf *out)
{
	enum err err;

	pthread_mutex_lock(&p->lock);
	if (!p->is_being_made &&
	    (!p->made_ms || clock_mono_ms() >= p->made_ms + p->fresh_ms))
		make_anew(p);
	if (!p->made_ms || clock_mono_ms() > p->made_ms + OLD * p->fresh_ms)
		err = err_set(ERR_BUSY, "somebody else is looking");
	else if (p->err)
		err = err_set(p->err, "%s", p->why);
	else
		err = buf_add(out, p->text.ptr, p->text.len);
	pthread_mutex_unlock(&p->lock);
	return err;
}
