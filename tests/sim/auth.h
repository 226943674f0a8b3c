/* auth: the keys that a Supabase project publishes, below
 * /auth/v1/.well-known/jwks.json; set through /_sim/keys. */
#ifndef SIM_AUTH_H
#define SIM_AUTH_H

#include <stdbool.h>

struct sim;
struct request;
struct answer;
struct control;

bool auth_owns(const char *path);
void auth_serve(struct sim *sim, const struct request *req, struct answer *ans);

void control_keys_read(struct control *ct);
void control_keys_set(struct control *ct);

#endif
