/* POST /auth/logout: the token that was sent ends. The statement notifies the workers of all hosts;
 * those of this host have forgotten it before the answer is written. */
#include "answers.h"
#include "auth_state.h"
#include "base/log.h"
#include "handlers.h"
#include "http/exchange.h"

static void on_revoked(struct call *c, int r, const struct pg_result *rows)
{
	char peer[HTTP_ADDRESS_SIZE];

	/* Even when the answer was lost: the statement may have been run. */
	auth_raise_epoch(c->front->auth);
	if (r < 0) {
		auth_answer_unavailable(c, r);
		return;
	}
	/* None: another request was quicker. */
	if (db_rows(rows) > 0)
		log_info("audit: user %lld signed out from %s, request %s",
		         (long long)c->caller.user,
		         http_address_print(http_peer(c->exchange), peer), c->request_id);
	answer(c, 200, TYPE_JSON, STR("{\"status\":\"logged_out\"}"));
}

void handle_logout(struct call *c)
{
	const struct db_param params[] = { DB_TEXT(c->caller.jti) };
	int r = auth_run(c, AUTH_REVOKE, params, 1, on_revoked);

	if (r < 0)
		auth_answer_unavailable(c, r);
}
