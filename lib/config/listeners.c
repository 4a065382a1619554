/*
 * The one setting that is a list: where the suite listens. It stands in YAML only; children get
 * each listener as one canonical line of tab-separated members.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>

#include "base/strbuf.h"
#include "config/table.h"
#include "config/yaml.h"

static const char *const role_names[] = { "public", "operator" };
static const char *const proxy_names[] = { "none", "v2" };

struct text_member {
	const char *name;
	size_t offset;
};
static const struct text_member text_members[] = {
	{ "address", offsetof(struct settings_listener, address) },
	{ "tls_certificate", offsetof(struct settings_listener, tls_certificate) },
	{ "tls_key", offsetof(struct settings_listener, tls_key) },
	{ "client_ca", offsetof(struct settings_listener, client_ca) },
};
#define TEXT_MEMBERS (sizeof(text_members) / sizeof(text_members[0]))

static const char **text_of(struct settings_listener *l, size_t member)
{
	return (const char **)((char *)l + text_members[member].offset);
}

static int word_index(const char *const *names, struct str word, struct errbuf *err)
{
	for (int i = 0; i < 2; i++) {
		if (str_is(word, names[i]))
			return i;
	}
	return errbuf_set(err, -EINVAL, "\"%.*s\" is neither %s nor %s", STR_ARGS(word), names[0],
	                  names[1]);
}

/* "10.0.0.0/8", "::1": without bits behind the prefix, and IPv4 never written as IPv6, so that a
 * worker takes what is taken here. */
static bool is_network(struct str s)
{
	const char *slash = s.n ? memchr(s.p, '/', s.n) : NULL;
	size_t n = slash ? (size_t)(slash - s.p) : s.n;
	char text[INET6_ADDRSTRLEN];
	struct in6_addr bytes = { 0 };
	unsigned long long bits;
	unsigned most;

	if (n == 0 || n >= sizeof(text))
		return false;
	memcpy(text, s.p, n);
	text[n] = '\0';
	most = strchr(text, ':') ? 128 : 32;
	if (inet_pton(most == 32 ? AF_INET : AF_INET6, text, &bytes) != 1 ||
	    (most == 128 && IN6_IS_ADDR_V4MAPPED(&bytes)))
		return false;
	bits = most;
	if (slash && (str_to_u64((struct str){ slash + 1, s.n - n - 1 }, &bits) < 0 || bits > most))
		return false;
	for (unsigned i = (unsigned)bits; i < most; i++) {
		if (bytes.s6_addr[i / 8] & 0x80 >> i % 8)
			return false;
	}
	return true;
}

/* One member of a listener; `trusted` may come many times. */
static int set_member(struct settings *s, struct settings_listener *l, struct str name,
                      struct str value, struct errbuf *err)
{
	char *copy;
	int r;

	for (size_t i = 0; i < value.n; i++) {
		if ((unsigned char)value.p[i] < 0x20)
			return errbuf_set(err, -EINVAL, "the value has a control character");
	}
	if (str_is(name, "role")) {
		r = word_index(role_names, value, err);
		if (r >= 0)
			l->role = (enum listener_role)r;
		return r < 0 ? r : 0;
	}
	if (str_is(name, "proxy")) {
		r = word_index(proxy_names, value, err);
		if (r >= 0)
			l->proxy = (enum listener_proxy)r;
		return r < 0 ? r : 0;
	}
	copy = arena_strndup(&s->arena, value);
	if (!copy)
		return errbuf_set(err, -ENOMEM, "out of memory");
	if (str_is(name, "trusted")) {
		if (l->trusted_count == SETTINGS_MAX_TRUSTED)
			return errbuf_set(err, -E2BIG, "more than %d trusted networks",
			                  SETTINGS_MAX_TRUSTED);
		if (!is_network(value))
			return errbuf_set(err, -EINVAL, "\"%s\" is no network such as 10.0.0.0/8",
			                  copy);
		l->trusted[l->trusted_count++] = copy;
		return 0;
	}
	for (size_t i = 0; i < TEXT_MEMBERS; i++) {
		if (str_is(name, text_members[i].name)) {
			*text_of(l, i) = copy;
			return 0;
		}
	}
	return errbuf_set(err, -EINVAL, "unknown member \"%.*s\"", STR_ARGS(name));
}

static int new_listener(struct settings *s, struct settings_listener **ret, struct errbuf *err)
{
	struct settings_listener *l;

	if (s->listener_count == SETTINGS_MAX_LISTENERS)
		return errbuf_set(err, -E2BIG, "more than %d listeners", SETTINGS_MAX_LISTENERS);
	l = &s->listener[s->listener_count++];
	*l = (struct settings_listener){ 0 };
	for (size_t i = 0; i < TEXT_MEMBERS; i++)
		*text_of(l, i) = "";
	*ret = l;
	return 0;
}

static int member_from_yaml(struct settings *s, struct settings_listener *l,
                            const struct yaml_node *m, struct errbuf *err)
{
	int r = 0;

	if (m->kind == YAML_SCALAR)
		return set_member(s, l, m->key, m->text, err);
	if (m->kind != YAML_SEQUENCE || !str_is(m->key, "trusted"))
		return errbuf_set(err, -EINVAL, "%.*s: a text is wanted", STR_ARGS(m->key));
	for (const struct yaml_node *t = m->first; t && r == 0; t = t->next)
		r = set_member(s, l, m->key, t->text, err);
	return r;
}

int listeners_from_yaml(const struct yaml_node *list, const char *file, struct settings *s,
                        struct errbuf *err)
{
	struct settings_listener *l;
	int r;

	s->listener_count = 0;
	if (list->kind != YAML_SEQUENCE || !list->first)
		return errbuf_set(err, -EINVAL, "%s:%u: listeners: a list is wanted", file,
		                  list->line);
	for (const struct yaml_node *n = list->first; n; n = n->next) {
		r = new_listener(s, &l, err);
		if (r < 0)
			return errbuf_prefix(err, r, "%s:%u: listeners", file, n->line);
		for (const struct yaml_node *m = n->first; m; m = m->next) {
			r = member_from_yaml(s, l, m, err);
			if (r < 0)
				return errbuf_prefix(err, r, "%s:%u: listeners: %.*s", file,
				                     m->line, STR_ARGS(m->key));
		}
		if (!l->address[0])
			return errbuf_set(err, -EINVAL, "%s:%u: listeners: no address", file,
			                  n->line);
	}
	return 0;
}

/* The old service's address for clients, and the operators' own. */
int listeners_default(struct settings *s)
{
	int r = listener_from_text(STR("address=127.0.0.1:8000\trole=public"), s, NULL);

	return r < 0 ? r
	             : listener_from_text(STR("address=127.0.0.1:9900\trole=operator"), s, NULL);
}

int listener_from_text(struct str line, struct settings *s, struct errbuf *err)
{
	struct settings_listener *l;
	int r = new_listener(s, &l, err);

	while (r == 0 && line.n > 0) {
		const char *tab = memchr(line.p, '\t', line.n);
		struct str field = { line.p, tab ? (size_t)(tab - line.p) : line.n };
		const char *equals = memchr(field.p, '=', field.n);
		size_t name;

		if (!equals)
			return errbuf_set(err, -EBADMSG, "listener line without \"=\"");
		name = (size_t)(equals - field.p);
		r = set_member(s, l, (struct str){ field.p, name },
		               (struct str){ equals + 1, field.n - name - 1 }, err);
		line.p += field.n + (tab != NULL);
		line.n -= field.n + (tab != NULL);
	}
	return r;
}

void listener_print(const struct settings_listener *l, struct strbuf *out)
{
	strbuf_addf(out, "address=%s\trole=%s\tproxy=%s", l->address, role_names[l->role],
	            proxy_names[l->proxy]);
	if (l->tls_certificate[0])
		strbuf_addf(out, "\ttls_certificate=%s", l->tls_certificate);
	if (l->tls_key[0])
		strbuf_addf(out, "\ttls_key=%s", l->tls_key);
	if (l->client_ca[0])
		strbuf_addf(out, "\tclient_ca=%s", l->client_ca);
	for (unsigned i = 0; i < l->trusted_count; i++)
		strbuf_addf(out, "\ttrusted=%s", l->trusted[i]);
}

bool listeners_equal(const struct settings *a, const struct settings *b)
{
	struct strbuf x = { 0 };
	struct strbuf y = { 0 };
	bool same;

	for (unsigned i = 0; i < a->listener_count; i++) {
		listener_print(&a->listener[i], &x);
		strbuf_addc(&x, '\n');
	}
	for (unsigned i = 0; i < b->listener_count; i++) {
		listener_print(&b->listener[i], &y);
		strbuf_addc(&y, '\n');
	}
	same = !strbuf_error(&x) && !strbuf_error(&y) && str_equal(strbuf_str(&x), strbuf_str(&y));
	strbuf_done(&x);
	strbuf_done(&y);
	return same;
}
