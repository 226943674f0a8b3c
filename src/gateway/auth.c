/* Who is calling. */
#include <string.h>
#include <strings.h>

#include "core/clock.h"
#include "gateway.h"

/* The token's key is not known. Is that the token's fault, or does this process
 * lack keys? A client that is told 401 may end its session, so the second case
 * is ERR_BUSY. */
static enum err
unknown_key(struct gateway *gateway)
{
	if (!keyring_is_ready(gateway))
		return err_set(
		    ERR_BUSY, "the keys of users' tokens are not known yet");
	return err_set(ERR_AUTH, "token: signed with a key that is not known");
}

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
	if (err == ERR_NOTFOUND) {
		/* verify again even if nothing was fetched: the keys may have
		 * come meanwhile */
		keyring_ask(gateway);
		err = token_verify(
		    gateway->verifier, token, clock_wall_ms(), &claims);
	}
	if (err == ERR_NOTFOUND)
		err = unknown_key(gateway);
	if (err)
		return err;
	memcpy(req->user_id, claims.user_id, sizeof(req->user_id));
	return OK;
}
