/* Who is calling. */
#include <string.h>
#include <strings.h>

#include "core/clock.h"
#include "gateway.h"

enum err
auth_check(const struct gateway *gateway, struct request *req)
{
	struct token_claims claims;
	const char *token = req->authorization;
	enum err err;

	if (strncasecmp(token, "Bearer ", 7))
		return err_set(ERR_AUTH, "no bearer token");
	token += 7 + strspn(token + 7, " ");
	err = token_verify(gateway->verifier, token, clock_wall_ms(), &claims);
	if (err)
		return err;
	memcpy(req->user_id, claims.user_id, sizeof(req->user_id));
	return OK;
}
