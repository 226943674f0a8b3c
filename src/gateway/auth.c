/* Who is calling. */
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "core/clock.h"
#include "gateway.h"

enum err
auth_check(struct gateway *gateway, struct request *req)
{
	struct token_claims claims;
	const char *token = req->authorization;
	enum err err;

	if (strncasecmp(token, "Bearer ", 7))
		return err_set(ERR_AUTH, "no bearer token");
	token += 7 + strspn(token + 7, " ");
	err = token_verify(gateway->verifier, token, clock_wall_ms(), &claims);
	if (err == ERR_NOTFOUND && keyring_ask(gateway))
		err = token_verify(
		    gateway->verifier, token, clock_wall_ms(), &claims);
	if (err == ERR_NOTFOUND) {
		char why[200];

		snprintf(why, sizeof(why), "%s", err_text());
		err = err_set(ERR_AUTH, "%s", why);
	}
	if (err)
		return err;
	memcpy(req->user_id, claims.user_id, sizeof(req->user_id));
	return OK;
}
