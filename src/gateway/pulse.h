/* An answer that is computed at most once in a while, whoever asks and however
 * many: a stranger who asks without end costs no more than one who asks once.
 */
#ifndef GATEWAY_PULSE_H
#define GATEWAY_PULSE_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "core/buf.h"

struct pulse {
	int64_t fresh_ms; /* so long an answer is given again */
	/* Fill the answer; called by one thread at a time. */
	enum err (*make)(void *context, struct buf *out);
	void *context;
	pthread_mutex_t lock;
	int64_t made_ms; /* clock_mono_ms(); 0: never */
	bool is_being_made;
	struct buf text;
	enum err err;
	char why[200];
};

void pulse_init(struct pulse *pulse, int64_t fresh_ms,
    enum err (*make)(void *context, struct buf *out), void *context);
void pulse_done(struct pulse *pulse);

/* Append the answer to out, or fail as make() did, with its err_text(). While a
 * new one is being made, the one before is given, unless it is old; ERR_BUSY:
 * there is none. */
enum err pulse_read(struct pulse *pulse, struct buf *out) MUST_CHECK;

#endif
