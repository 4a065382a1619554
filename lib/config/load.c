/*
 * Settings from outside: defaults, then YAML, then .env, then the environment, then the command
 * line. Every mistake is told, not only the first, because a file is mended in one go. Unknown keys
 * are errors in YAML and on the command line; .env and the environment hold other programs' names
 * too.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/strbuf.h"
#include "config/table.h"
#include "config/yaml.h"

#define MAX_FILE (1 << 20)

struct load {
	struct settings *s;
	settings_on_error *on_error;
	void *self;
	int errors;
};

static void tell(struct load *l, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void tell(struct load *l, const char *format, ...)
{
	char text[1024];
	va_list ap;

	va_start(ap, format);
	vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	l->errors++;
	if (l->on_error)
		l->on_error(l->self, text);
}

static int new_settings(struct settings **ret)
{
	struct settings *s = calloc(1, sizeof(*s));
	int r = s ? 0 : -ENOMEM;

	for (size_t i = 0; i < settings_table_count && r == 0; i++)
		r = setting_set(&settings_table[i], s, str_of(settings_table[i].text), NULL);
	if (r < 0) {
		settings_free(s);
		return r;
	}
	*ret = s;
	return 0;
}

void settings_free(struct settings *s)
{
	if (!s)
		return;
	arena_done(&s->arena);
	free(s);
}

/* --- YAML --- */

static void yaml_scalar(struct load *l, const char *file, const struct yaml_node *n,
                        const char *group)
{
	const struct setting_row *row;
	struct errbuf err;
	char key[128];

	snprintf(key, sizeof(key), "%s%s%.*s", group, *group ? "." : "", STR_ARGS(n->key));
	/* "a.b" at the top would be a second way to write a: {b}, and could say another thing. */
	row = memchr(n->key.p, '.', n->key.n) ? NULL : setting_find(str_of(key));
	if (!row)
		tell(l, "%s:%u: unknown key \"%s\"", file, n->line, key);
	else if (n->kind != YAML_SCALAR)
		tell(l, "%s:%u: %s: one value is wanted", file, n->line, key);
	else if (setting_set(row, l->s, n->text, &err) < 0)
		tell(l, "%s:%u: %s: %s", file, n->line, key, err.text);
}

static void yaml_group(struct load *l, const char *file, const struct yaml_node *n)
{
	struct errbuf err;
	char group[64];

	if (str_is(n->key, "listeners")) {
		if (listeners_from_yaml(n, file, l->s, &err) < 0)
			tell(l, "%s", err.text);
		return;
	}
	if (n->kind != YAML_MAPPING) {
		yaml_scalar(l, file, n, "");
		return;
	}
	snprintf(group, sizeof(group), "%.*s", STR_ARGS(n->key));
	for (const struct yaml_node *m = n->first; m; m = m->next)
		yaml_scalar(l, file, m, group);
}

static void load_yaml(struct load *l, const char *path)
{
	CLEANUP(arena_done) struct arena a = { 0 };
	CLEANUP(free_p) char *text = NULL;
	const char *slash = strrchr(path, '/');
	const char *file = slash ? slash + 1 : path;
	struct yaml_node *root;
	struct errbuf err;
	size_t size;
	int r;

	r = file_read(AT_FDCWD, path, MAX_FILE, &text, &size);
	if (r < 0) {
		tell(l, "could not read \"%s\": %s", path, strerror(-r));
		return;
	}
	r = yaml_parse((struct str){ text, size }, file, &a, &root, &err);
	if (r < 0)
		tell(l, "%s", err.text);
	else if (root && root->kind != YAML_MAPPING &&
	         !(root->kind == YAML_SCALAR && !root->text.n))
		tell(l, "%s:%u: a mapping of keys is wanted", file, root->line);
	else if (root && root->kind == YAML_MAPPING)
		for (const struct yaml_node *n = root->first; n; n = n->next)
			yaml_group(l, file, n);
}

/* --- names of the environment --- */

/* Names that the old service's hosts have in their environment. */
static const struct {
	const char *name, *key;
} synonyms[] = {
	{ "MLFLOW_MODEL_ALIAS", "models.alias" },
	{ "MLFLOW_MODEL_NAME", "models.name" },
};

static const struct setting_row *find_environment(struct str name)
{
	char own[SETTING_ENVIRONMENT_SIZE];

	for (size_t i = 0; i < sizeof(synonyms) / sizeof(synonyms[0]); i++) {
		if (str_is(name, synonyms[i].name))
			return setting_find(str_of(synonyms[i].key));
	}

	for (size_t i = 0; i < settings_table_count; i++) {
		setting_environment(&settings_table[i], own);
		if (str_is(name, own))
			return &settings_table[i];
	}
	return NULL;
}

/* "NAME=value" where NAME is ours; `where` begins the message. */
static void set_environment(struct load *l, struct str word, const char *where)
{
	const char *equals = memchr(word.p, '=', word.n);
	const struct setting_row *row;
	struct errbuf err;
	struct str name;
	struct str value;

	if (!equals)
		return;
	name = (struct str){ word.p, (size_t)(equals - word.p) };
	value = (struct str){ equals + 1, word.n - name.n - 1 };
	row = find_environment(name);
	if (row && setting_set(row, l->s, value, &err) < 0)
		tell(l, "%s%.*s: %s", where, STR_ARGS(name), err.text);
}

/* What stands in quotes, else all up to a comment. */
static struct str dotenv_value(struct str value)
{
	const char *end = NULL;

	if (value.n > 1 && (value.p[0] == '"' || value.p[0] == '\''))
		end = memchr(value.p + 1, value.p[0], value.n - 1);
	if (end)
		return (struct str){ value.p + 1, (size_t)(end - value.p) - 1 };
	for (size_t i = 1; i < value.n; i++) {
		if (value.p[i] == '#' && (value.p[i - 1] == ' ' || value.p[i - 1] == '\t'))
			return str_trim((struct str){ value.p, i });
	}
	return value;
}

/* NAME=value, export NAME=value, # comments: what dotenv files have. */
static struct str dotenv_line(struct arena *a, struct str line)
{
	const char *equals;
	const char *copy;
	struct str name;
	struct str value;

	line = str_trim(line);
	if (line.n > 7 && memcmp(line.p, "export ", 7) == 0)
		line = str_trim((struct str){ line.p + 7, line.n - 7 });
	equals = memchr(line.p, '=', line.n);
	if (line.n == 0 || line.p[0] == '#' || !equals)
		return (struct str){ "", 0 };
	name = (struct str){ line.p, (size_t)(equals - line.p) };
	value = str_trim((struct str){ equals + 1, line.n - name.n - 1 });
	name = str_trim(name);
	value = dotenv_value(value);
	copy = arena_printf(a, "%.*s=%.*s", STR_ARGS(name), STR_ARGS(value));
	return copy ? str_of(copy) : (struct str){ "", 0 };
}

static void load_dotenv(struct load *l, const char *path, bool wanted)
{
	CLEANUP(arena_done) struct arena a = { 0 };
	CLEANUP(free_p) char *text = NULL;
	unsigned number = 1;
	char where[64];
	size_t size;
	char *at;
	int r;

	r = file_read(AT_FDCWD, path, MAX_FILE, &text, &size);
	if (r < 0) {
		if (wanted || r != -ENOENT)
			tell(l, "could not read \"%s\": %s", path, strerror(-r));
		return;
	}
	for (at = text; at && *at; number++) {
		size_t n = strcspn(at, "\n");

		snprintf(where, sizeof(where), ".env:%u: ", number);
		set_environment(
		        l, dotenv_line(&a, (struct str){ at, n - (n > 0 && at[n - 1] == '\r') }),
		        where);
		at += n + (at[n] == '\n');
	}
}

static void load_dotenv_beside(struct load *l, const char *yaml_path)
{
	const char *slash = strrchr(yaml_path, '/');
	char path[4096];

	snprintf(path, sizeof(path), "%.*s.env", slash ? (int)(slash - yaml_path + 1) : 0,
	         yaml_path);
	load_dotenv(l, path, false);
}

/* --- command line --- */

static void load_override(struct load *l, const char *word)
{
	const char *equals = strchr(word, '=');
	const struct setting_row *row;
	struct errbuf err;

	if (!equals) {
		tell(l, "--set %s: key=value is wanted", word);
		return;
	}
	row = setting_find((struct str){ word, (size_t)(equals - word) });
	if (!row)
		tell(l, "--set: unknown key \"%.*s\"", (int)(equals - word), word);
	else if (setting_set(row, l->s, str_of(equals + 1), &err) < 0)
		tell(l, "--set %s: %s", row->key, err.text);
}

static void on_secret_error(void *self, const char *text)
{
	tell(self, "%s", text);
}

static void load_all(struct load *l, const struct settings_sources *from)
{
	if (from->yaml_path)
		load_yaml(l, from->yaml_path);
	if (l->s->listener_count == 0 && l->errors == 0 && listeners_default(l->s) < 0)
		tell(l, "out of memory");
	if (from->dotenv_path)
		load_dotenv(l, from->dotenv_path, true);
	else if (from->yaml_path)
		load_dotenv_beside(l, from->yaml_path);
	for (char **e = from->environ; e && *e; e++)
		set_environment(l, str_of(*e), "environment: ");
	for (size_t i = 0; i < from->override_count; i++)
		load_override(l, from->overrides[i]);
	secrets_load(l->s, from->environ, on_secret_error, l);
}

int settings_load(const struct settings_sources *from, settings_on_error *on_error, void *self,
                  struct settings **ret)
{
	struct load l = { .on_error = on_error, .self = self };
	int r = new_settings(&l.s);

	if (r < 0)
		return r;
	load_all(&l, from);
	if (l.errors == 0 && settings_check(l.s, on_error, self) < 0)
		l.errors++;
	if (l.errors == 0 && from->suite && settings_check_suite(l.s, on_error, self) < 0)
		l.errors++;
	if (l.errors > 0 && !from->in_spite_of_faults) {
		settings_free(l.s);
		return -EINVAL;
	}
	*ret = l.s;
	return l.errors > 0;
}

/* --- canonical text --- */

int settings_write(const struct settings *s, unsigned audience, struct strbuf *out)
{
	for (size_t i = 0; i < settings_table_count; i++) {
		const struct setting_row *row = &settings_table[i];

		if (row->secret && !(row->audience & audience))
			continue;
		strbuf_addf(out, "%s=", row->key);
		setting_print(row, s, out);
		strbuf_addc(out, '\n');
	}
	for (unsigned i = 0; i < s->listener_count; i++) {
		strbuf_adds(out, "listener=");
		listener_print(&s->listener[i], out);
		strbuf_addc(out, '\n');
	}
	return strbuf_error(out);
}

static int read_line(struct settings *s, struct str line, struct errbuf *err)
{
	const char *equals = memchr(line.p, '=', line.n);
	const struct setting_row *row;
	struct str key;
	struct str value;

	if (!equals)
		return errbuf_set(err, -EBADMSG, "settings line without \"=\"");
	key = (struct str){ line.p, (size_t)(equals - line.p) };
	value = (struct str){ equals + 1, line.n - key.n - 1 };
	if (str_is(key, "listener"))
		return listener_from_text(value, s, err);
	row = setting_find(key);
	if (!row)
		return errbuf_set(err, -EBADMSG, "unknown key \"%.*s\"", STR_ARGS(key));
	return setting_set(row, s, value, err);
}

int settings_read(struct str text, struct settings **ret, struct errbuf *err)
{
	struct settings *s;
	int r = new_settings(&s);

	while (r == 0 && text.n > 0) {
		const char *end = memchr(text.p, '\n', text.n);
		size_t n = end ? (size_t)(end - text.p) : text.n;

		r = read_line(s, (struct str){ text.p, n }, err);
		text.p += n + (end != NULL);
		text.n -= n + (end != NULL);
		if (r < 0)
			settings_free(s);
	}
	if (r == 0)
		*ret = s;
	return r;
}
