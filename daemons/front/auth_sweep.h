/* The janitor of the tokens' table. */
#ifndef FRONT_AUTH_SWEEP_H
#define FRONT_AUTH_SWEEP_H

struct auth;
struct auth_sweep;

int auth_sweep_new(struct auth *a, struct auth_sweep **ret);
/* Before the pool. NULL is fine. */
void auth_sweep_free(struct auth_sweep *s);
/* The interval may have changed. */
void auth_sweep_soon(struct auth_sweep *s);

#endif
