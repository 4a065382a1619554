/*
 * The first worker of each host removes rows that nobody needs: tokens that expired or were revoked
 * a while ago. In slices, one statement each, so that no transaction is long and scoring's own
 * statements find a free connection between two; a full slice is followed by the next at once.
 */
#include "auth_sweep.h"

#include <errno.h>
#include <stdlib.h>

#include "auth_state.h"
#include "auth_statements.h"
#include "daemon/loop.h"

#define BETWEEN_SLICES_MS 20

struct auth_sweep {
	struct auth *auth;
	struct loop_timer *timer;
	struct db_request *request; /* under way */
};

static void arm(struct auth_sweep *s, bool full)
{
	uint64_t seconds = front_settings(s->auth->front)->auth.sweep_seconds;

	loop_timer_arm(s->timer, full ? BETWEEN_SLICES_MS : seconds * 1000);
}

static void on_swept(void *self, int r, const struct pg_result *rows, const struct errbuf *err)
{
	struct auth_sweep *s = self;
	uint64_t count = r == 0 ? db_affected(rows) : 0;

	s->request = NULL;
	if (r < 0)
		auth_log_failure(s->auth, r, err);
	if (count > 0)
		log_debug("removed %llu tokens that had ended", (unsigned long long)count);
	if (r != -ECANCELED)
		arm(s, count >= AUTH_SWEEP_ROWS);
}

static void on_time(void *self)
{
	struct auth_sweep *s = self;
	const struct db_call call = { .statement = AUTH_SWEEP, .on_result = on_swept, .self = s };

	if (!s->request && db_pool_run(s->auth->pool, &call, &s->request) < 0)
		arm(s, false);
}

int auth_sweep_new(struct auth *a, struct auth_sweep **ret)
{
	struct auth_sweep *s = calloc(1, sizeof(*s));
	int r;

	if (!s)
		return -ENOMEM;
	s->auth = a;
	r = loop_timer_new(a->front->daemon->base, on_time, s, &s->timer);
	if (r < 0) {
		auth_sweep_free(s);
		return r;
	}
	arm(s, false);
	*ret = s;
	return 0;
}

void auth_sweep_free(struct auth_sweep *s)
{
	if (!s)
		return;
	if (s->request)
		db_request_forget(s->request);
	loop_timer_free(s->timer);
	free(s);
}

void auth_sweep_soon(struct auth_sweep *s)
{
	loop_timer_arm(s->timer, 0);
}
