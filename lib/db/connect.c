/*
 * The start of every connection, in one place so that tools and daemons differ in nothing: defaults
 * that notice a dead network within half a minute, then what the operator's URL says (it wins),
 * then a session that speaks UTF-8, ISO dates and one time zone whatever the server's defaults are.
 *
 * Used by db.c and pool_link.c.
 */
#include "db/connect.h"

#include <errno.h>
#include <libpq-fe.h>

#include "db/error.h"
#include "db/resolve.h"

const char connect_session_sql[] =
        "select set_config('TimeZone', $1, false), set_config('DateStyle', 'ISO, YMD', false),"
        " set_config('IntervalStyle', 'postgres', false), set_config('extra_float_digits', '1', "
        "false),"
        " set_config('bytea_output', 'hex', false)";

static int check_url(const char *url, struct errbuf *err)
{
	PQconninfoOption *options;
	char *message = NULL;

	if (!url || !*url)
		return errbuf_set(err, -EINVAL,
		                  "no database is configured (database.url, DATABASE_URL)");
	options = PQconninfoParse(url, &message);
	PQfreemem(message);
	if (!options)
		return errbuf_set(err, -EINVAL,
		                  "the database URL cannot be read as libpq's "
		                  "(postgresql://user@host:5432/name)");
	PQconninfoFree(options);
	return 0;
}

/* Notices ("relation exists, skipping") would go to stderr by default. */
static void ignore_notice(void *self, const PGresult *notice)
{
	(void)self;
	(void)notice;
}

int connect_start(const char *url, const char *application, const struct resolve_answer *to,
                  struct pg_conn **ret, struct errbuf *err)
{
	/* Later ones win; the list ends early when there are no addresses. */
	const char *const names[] = { "fallback_application_name",
		                      "keepalives_idle",
		                      "keepalives_interval",
		                      "keepalives_count",
		                      "tcp_user_timeout",
		                      "dbname",
		                      "client_encoding",
		                      to ? "host" : NULL,
		                      "hostaddr",
		                      "port",
		                      NULL };
	const char *const values[] = { application,
		                       "10",
		                       "5",
		                       "3",
		                       "20000",
		                       url,
		                       "UTF8",
		                       to ? to->hosts : NULL,
		                       to ? to->addresses : NULL,
		                       to ? to->ports : NULL,
		                       NULL };
	PGconn *conn;
	int r = check_url(url, err);

	if (r < 0)
		return r;
	conn = PQconnectStartParams(names, values, 1);
	if (!conn)
		return errbuf_set(err, -ENOMEM, "out of memory");
	if (PQstatus(conn) == CONNECTION_BAD) {
		/* Known at once: no such socket, a name that nobody knows, an option's bad value.
		 */
		r = db_error_connection(conn, err);
		PQfinish(conn);
		return r;
	}
	PQsetNoticeReceiver(conn, ignore_notice, NULL);
	*ret = conn;
	return 0;
}

int connect_fill_params(struct connect_params *ret, const struct db_param *params, size_t count)
{
	size_t i;

	if (count > DB_MAX_PARAMS)
		return -E2BIG;
	for (i = 0; i < count; i++) {
		ret->values[i] = params[i].p;
		ret->formats[i] = params[i].size >= 0;
		ret->lengths[i] = params[i].size >= 0 ? params[i].size : 0;
	}
	return 0;
}
