/* One request and its answer. Private to this folder. */
#ifndef CORE_COURIER_CARRY_H
#define CORE_COURIER_CARRY_H

#include "core/courier/courier.h"

#define CARRY_BODY_MAX ((size_t)8 * 1024 * 1024)

/* Send req on conn's behalf, until deadline_ms (clock_mono_ms()) and no longer
 * than provider_timeout_ms. The caller frees req and res. While the provider's
 * circuit is open, res says that nothing was sent. Fails as http_send()
 * does. */
enum err carry(const struct courier *courier, const struct connection *conn,
    const struct http_request *req, int64_t deadline_ms,
    struct http_response *res) MUST_CHECK;

/* How long the circuit of conn's provider stays open, in ms; 0: it is
 * closed. */
int64_t carry_wait_ms(
    const struct courier *courier, const struct connection *conn);

/* Describe in answer a request that failed before it was sent, with
 * err_text(). */
void carry_failed(struct answer *answer);

/* Read one item by id. False: the provider did not say; answer tells why. */
bool carry_read_one(const struct courier *courier,
    const struct provider *provider, const struct connection *conn,
    const char *source_id, int64_t deadline_ms, struct items *out,
    struct answer *answer);

#endif
