/*
 * The settings table as text for people: the sample file with its comments, the file in force, and
 * the section of the man page. All three come from the table, so they cannot disagree with it.
 */
#include <ctype.h>
#include <errno.h>

#include "base/strbuf.h"
#include "config/table.h"

static struct str group_of(const struct setting_row *row)
{
	const char *dot = strchr(row->key, '.');

	return (struct str){ row->key, dot ? (size_t)(dot - row->key) : 0 };
}

static void print_allowed(const struct setting_row *row, struct strbuf *out)
{
	switch (row->kind) {
	case SETTING_UINT:
	case SETTING_SIZE:
	case SETTING_REAL:
		strbuf_addf(out, "%.15g to %.15g", row->min, row->max);
		break;
	case SETTING_BOOL:
		strbuf_adds(out, "true or false");
		break;
	case SETTING_WORD:
		strbuf_adds(out, row->choices);
		break;
	case SETTING_TEXT:
		strbuf_adds(out, "text");
		break;
	}
	if (!row->reload)
		strbuf_adds(out, "; needs a restart");
}

/* Text goes in quotes: "off" and "0" must stay text. */
static void print_value(const struct setting_row *row, const struct settings *s, struct strbuf *out)
{
	bool text = row->kind == SETTING_TEXT || row->kind == SETTING_WORD;
	struct strbuf value = { 0 };

	setting_print(row, s, &value);
	if (strbuf_error(&value))
		out->error = strbuf_error(&value);
	else if (row->secret && value.n > 0)
		strbuf_adds(out, "\"***\"");
	else if (text) {
		strbuf_addc(out, '"');
		for (size_t i = 0; i < value.n; i++) {
			if (value.p[i] == '"' || value.p[i] == '\\')
				strbuf_addc(out, '\\');
			strbuf_addc(out, value.p[i]);
		}
		strbuf_addc(out, '"');
	} else
		strbuf_add(out, value.p, value.n);
	strbuf_done(&value);
}

static void print_row(const struct setting_row *row, const struct settings *s, bool comments,
                      struct strbuf *out)
{
	struct str group = group_of(row);
	const char *indent = group.n ? "  " : "";

	if (comments) {
		strbuf_addf(out, "%s# %s (", indent, row->about);
		print_allowed(row, out);
		strbuf_adds(out, ")\n");
	}
	strbuf_addf(out, "%s%s: ", indent, row->key + group.n + (group.n > 0));
	print_value(row, s, out);
	strbuf_addc(out, '\n');
}

static void print_listener(const struct settings_listener *l, struct strbuf *out)
{
	strbuf_addf(out, "  - { address: \"%s\", role: %s, proxy: %s", l->address,
	            l->role == LISTENER_OPERATOR ? "operator" : "public",
	            l->proxy == LISTENER_PROXY_V2 ? "v2" : "none");
	if (l->tls_certificate[0])
		strbuf_addf(out, ", tls_certificate: \"%s\", tls_key: \"%s\"", l->tls_certificate,
		            l->tls_key);
	if (l->client_ca[0])
		strbuf_addf(out, ", client_ca: \"%s\"", l->client_ca);
	for (unsigned i = 0; i < l->trusted_count; i++)
		strbuf_addf(out, "%s\"%s\"", i ? ", " : ", trusted: [", l->trusted[i]);
	strbuf_adds(out, l->trusted_count ? "] }\n" : " }\n");
}

static int print_all(const struct settings *s, bool comments, struct strbuf *out)
{
	struct str last = { "", 0 };

	for (size_t i = 0; i < settings_table_count; i++) {
		const struct setting_row *row = &settings_table[i];
		struct str group = group_of(row);

		if (group.n > 0 && !str_equal(group, last))
			strbuf_addf(out, "%s%.*s:\n", comments ? "\n" : "", STR_ARGS(group));
		else if (group.n == 0 && comments)
			strbuf_addc(out, '\n');
		last = group;
		print_row(row, s, comments, out);
	}
	if (comments)
		strbuf_adds(out,
		            "\n# where to listen: address, role public|operator, proxy none|v2, "
		            "tls_certificate and tls_key,\n# client_ca, trusted [networks whose "
		            "X-Forwarded-For counts] (needs a restart)\n");
	strbuf_adds(out, "listeners:\n");
	for (unsigned i = 0; i < s->listener_count; i++)
		print_listener(&s->listener[i], out);
	return strbuf_error(out);
}

int settings_print_yaml(const struct settings *s, struct strbuf *out)
{
	return print_all(s, false, out);
}

int settings_print_sample(struct strbuf *out)
{
	struct settings *s;
	int r = settings_load(&(struct settings_sources){ 0 }, NULL, NULL, &s);

	if (r < 0)
		return r;
	strbuf_adds(out, "# fraudd.yaml: every setting with its default. Written by fraudd "
	                 "--print-sample.\n# Each can be set in the environment or in a .env file "
	                 "beside this one too: batch.interval_seconds\n# is BATCH_INTERVAL_SECONDS "
	                 "there. Environment over .env over this file.\n");
	r = print_all(s, true, out);
	settings_free(s);
	return r;
}

/* Text in which scdoc shall see no mark. */
static void add_plain(const char *text, struct strbuf *out)
{
	for (; *text; text++) {
		if (strchr("*_\\", *text))
			strbuf_addc(out, '\\');
		strbuf_addc(out, *text);
	}
}

int settings_print_manual(struct strbuf *out)
{
	char name[SETTING_ENVIRONMENT_SIZE];

	for (size_t i = 0; i < settings_table_count; i++) {
		const struct setting_row *row = &settings_table[i];

		setting_environment(row, name);
		strbuf_addf(out, "*%s*\n\t%c", row->key, toupper((unsigned char)row->about[0]));
		add_plain(row->about + 1, out);
		strbuf_adds(out, ". ");
		print_allowed(row, out);
		strbuf_addf(out, "; default \"%s\"; environment %s.\n\n", row->text, name);
	}
	return strbuf_error(out);
}
