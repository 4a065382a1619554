/*
 * Rules across settings, and what a reload may change. Neither has an effect on what runs: the
 * supervisor asks here first and applies afterwards.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/strbuf.h"
#include "config/table.h"
#include "config/times.h"

#define SETTINGS_MIN_SECRET 32 /* bytes: as many as HMAC-SHA256 gives out */

static const char *const service_names[] = { "front", "loader", "scheduler" };
static const char *const explain_names[] = { "ALLOW", "REVIEW", "BLOCK", "NONE" };

static int fail(settings_on_error *on_error, void *self, const char *text)
{
	if (on_error)
		on_error(self, text);
	return 1;
}

static bool is_one_of(struct str word, const char *const *names, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (str_is(word, names[i]))
			return true;
	}
	return false;
}

static int check_services(const struct settings *s, settings_on_error *on_error, void *self)
{
	const char *at = s->services;
	char text[256];
	int errors = 0;

	while (*at) {
		size_t n = strcspn(at, ",");
		struct str word = str_trim((struct str){ at, n });

		if (!is_one_of(word, service_names, 3)) {
			snprintf(text, sizeof(text),
			         "services: \"%.*s\" is none of front, loader, scheduler",
			         STR_ARGS(word));
			errors += fail(on_error, self, text);
		}
		at += n + (at[n] == ',');
	}
	if (!s->services[0])
		errors += fail(on_error, self, "services: at least one is wanted");
	return errors;
}

static int check_listeners(const struct settings *s, settings_on_error *on_error, void *self)
{
	char text[256];
	int errors = 0;

	for (unsigned i = 0; i < s->listener_count; i++) {
		const struct settings_listener *l = &s->listener[i];

		if (!!l->tls_certificate[0] == !!l->tls_key[0] &&
		    (!l->client_ca[0] || l->tls_certificate[0]))
			continue;
		snprintf(text, sizeof(text),
		         "listeners: %.100s: tls_certificate and tls_key go together, client_ca "
		         "needs both",
		         l->address);
		errors += fail(on_error, self, text);
	}
	return errors;
}

/* "https://desk.example", "http://localhost:3000": as a browser writes it. */
static bool is_origin(struct str s)
{
	static const char *const schemes[] = { "https://", "http://" };

	for (size_t i = 0; i < 2; i++) {
		size_t n = strlen(schemes[i]);

		if (s.n > n && memcmp(s.p, schemes[i], n) == 0) {
			const char *host = s.p + n;

			return strspn(host, "abcdefghijklmnopqrstuvwxyz0123456789-.:[]") >= s.n - n;
		}
	}
	return false;
}

static int check_origins(const struct settings *s, settings_on_error *on_error, void *self)
{
	const char *at = s->http.cors_origins;
	char text[256];
	int errors = 0;

	while (*at) {
		size_t n = strcspn(at, ",");
		struct str word = str_trim((struct str){ at, n });

		if (!is_origin(word)) {
			snprintf(text, sizeof(text),
			         "http.cors_origins: \"%.*s\" is no origin such as "
			         "https://desk.example:8443",
			         (int)(word.n < 100 ? word.n : 100), word.p);
			errors += fail(on_error, self, text);
		}
		at += n + (at[n] == ',');
	}
	return errors;
}

static int check_times(const struct settings *s, settings_on_error *on_error, void *self)
{
	struct times times;
	struct errbuf err;

	if (times_parse(s->batch.times, &times, &err) == 0)
		return 0;
	errbuf_prefix(&err, 0, "batch.times");
	return fail(on_error, self, err.text);
}

/* "http://mlflow:5000/prefix"; a password in it would stand in logs and in /health. */
static bool is_server(const char *uri)
{
	size_t n = strncmp(uri, "https://", 8) == 0 ? 8 : 7;

	if (n == 7 && strncmp(uri, "http://", 7) != 0)
		return false;
	return strcspn(uri + n, "/?#@") > 0 && !strpbrk(uri + n, "?#@ ");
}

static int check_mlflow(const struct settings *s, settings_on_error *on_error, void *self)
{
	const char *const uris[] = { s->mlflow.tracking_uri, s->mlflow.registry_uri };
	static const char *const names[] = { "tracking_uri", "registry_uri" };
	char text[256];
	int errors = 0;

	for (size_t i = 0; i < 2; i++) {
		if (!uris[i][0] || is_server(uris[i]))
			continue;
		snprintf(text, sizeof(text),
		         "mlflow.%s: an address such as https://mlflow.example:5000 is wanted, "
		         "without user and password",
		         names[i]);
		errors += fail(on_error, self, text);
	}
	if (s->mlflow.registry_uri[0] && !s->mlflow.tracking_uri[0])
		errors += fail(on_error, self, "mlflow.registry_uri without mlflow.tracking_uri");
	if (s->mlflow.tracking_insecure_tls && s->mlflow.tracking_server_cert_path[0])
		errors += fail(on_error, self,
		               "mlflow.tracking_insecure_tls and "
		               "mlflow.tracking_server_cert_path exclude each other");
	return errors;
}

int settings_check(const struct settings *s, settings_on_error *on_error, void *self)
{
	int errors = check_services(s, on_error, self) + check_listeners(s, on_error, self) +
	             check_origins(s, on_error, self) + check_times(s, on_error, self) +
	             check_mlflow(s, on_error, self);

	if (s->models.default_threshold_low > s->models.default_threshold_high)
		errors +=
		        fail(on_error, self,
		             "models.default_threshold_low is above models.default_threshold_high");
	if (!is_one_of(str_of(s->batch.explain), explain_names, 4))
		errors += fail(on_error, self,
		               "batch.explain: ALLOW, REVIEW, BLOCK or NONE is wanted");
	if (s->train.test_ratio + s->train.validation_ratio >= 1)
		errors += fail(
		        on_error, self,
		        "train.test_ratio and train.validation_ratio leave no row to train on");
	return errors ? -EINVAL : 0;
}

static bool has_service(const struct settings *s, const char *name)
{
	for (const char *at = s->services; *at;) {
		size_t n = strcspn(at, ",");

		if (str_is(str_trim((struct str){ at, n }), name))
			return true;
		at += n + (at[n] == ',');
	}
	return false;
}

int settings_check_suite(const struct settings *s, settings_on_error *on_error, void *self)
{
	size_t previous = strlen(s->jwt.secret_key_previous);
	int errors = 0;

	if (!s->auth.enabled || !has_service(s, "front"))
		return 0;
	if (strlen(s->jwt.secret_key) < SETTINGS_MIN_SECRET)
		errors += fail(on_error, self,
		               "jwt.secret_key: at least 32 bytes are wanted (JWT_SECRET_KEY, or a "
		               "file named by JWT_SECRET_KEY_FILE); auth.enabled: false runs the "
		               "suite without users, open to everybody");
	if (previous > 0 && previous < SETTINGS_MIN_SECRET)
		errors += fail(on_error, self,
		               "jwt.secret_key_previous: at least 32 bytes are wanted, or none");
	if (!s->database.url[0])
		errors += fail(on_error, self,
		               "database.url: the database of users and tokens is wanted while "
		               "auth.enabled is true (DATABASE_URL)");
	return errors ? -EINVAL : 0;
}

static bool rows_equal(const struct setting_row *row, const struct settings *a,
                       const struct settings *b)
{
	struct strbuf x = { 0 };
	struct strbuf y = { 0 };
	bool same;

	setting_print(row, a, &x);
	setting_print(row, b, &y);
	same = !strbuf_error(&x) && !strbuf_error(&y) && str_equal(strbuf_str(&x), strbuf_str(&y));
	strbuf_done(&x);
	strbuf_done(&y);
	return same;
}

static int keep_old(const struct setting_row *row, const struct settings *now,
                    struct settings *next)
{
	struct strbuf old = { 0 };
	int r;

	setting_print(row, now, &old);
	r = strbuf_error(&old);
	if (r == 0)
		r = setting_set(row, next, old.n ? strbuf_str(&old) : STR(""), NULL);
	strbuf_done(&old);
	return r;
}

static int keep_old_listeners(const struct settings *now, struct settings *next)
{
	struct strbuf line = { 0 };
	int r = 0;

	next->listener_count = 0;
	for (unsigned i = 0; i < now->listener_count && r == 0; i++) {
		strbuf_reset(&line);
		listener_print(&now->listener[i], &line);
		r = strbuf_error(&line);
		if (r == 0)
			r = listener_from_text(strbuf_str(&line), next, NULL);
	}
	strbuf_done(&line);
	return r;
}

int settings_merge(const struct settings *now, struct settings *next, settings_on_change *on_change,
                   void *self)
{
	int r = 0;

	for (size_t i = 0; i < settings_table_count && r == 0; i++) {
		const struct setting_row *row = &settings_table[i];

		if (rows_equal(row, now, next))
			continue;
		on_change(self, row->key, row->reload);
		if (!row->reload)
			r = keep_old(row, now, next);
	}
	if (r == 0 && !listeners_equal(now, next)) {
		on_change(self, "listeners", false);
		r = keep_old_listeners(now, next);
	}
	return r;
}
