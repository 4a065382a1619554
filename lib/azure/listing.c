/*
 * A page of a list of blobs: names, sizes, and the marker of the next page; all else is let pass.
 * libexpat does the grammar, entities and the byte order mark that Azure writes. A document type is
 * refused, so no entity can be declared; depth and text are bounded. Called by verbs.c.
 */
#include "azure/listing.h"

#include <errno.h>
#include <expat.h>
#include <limits.h>
#include <stdlib.h>

#include "base/encode.h"

#define DEPTH 16
#define TEXT_BYTES 8192

struct page {
	struct listing *listing;
	XML_Parser parser;
	int error;
	unsigned depth;
	bool in_blob, in_prefix, encoded, is_list, is_directory;
	struct strbuf text; /* of the innermost element */
	struct azure_entry entry;
	char *marker;
};

static void fail(struct page *p, int error)
{
	if (!p->error)
		p->error = error;
	XML_StopParser(p->parser, XML_FALSE);
}

static void XMLCALL on_start(void *self, const char *name, const char **attributes)
{
	struct page *p = self;

	if (++p->depth > DEPTH) {
		fail(p, -EBADMSG);
		return;
	}
	if (p->depth == 1)
		p->is_list = strcmp(name, "EnumerationResults") == 0;
	if (p->depth == 3 && (strcmp(name, "Blob") == 0 || strcmp(name, "BlobPrefix") == 0)) {
		p->in_blob = strcmp(name, "Blob") == 0;
		p->in_prefix = !p->in_blob;
		p->is_directory = false;
		p->entry = (struct azure_entry){ 0 };
	}
	p->encoded = attributes[0] && strcmp(attributes[0], "Encoded") == 0 &&
	             strcmp(attributes[1], "true") == 0;
	strbuf_reset(&p->text);
}

static char *decoded(struct page *p)
{
	struct str s = p->text.p ? strbuf_str(&p->text) : STR("");
	char *name = arena_strndup(p->listing->arena, s);
	size_t n = 0;

	if (!name || !p->encoded)
		return name;
	for (size_t i = 0; i < s.n; i++, n++) {
		name[n] = s.p[i];
		if (s.p[i] == '%' && i + 2 < s.n &&
		    hex_decode((struct str){ s.p + i + 1, 2 }, name + n, 1) == 0)
			i += 2;
	}
	name[n] = '\0';
	return name;
}

static void add_entry(struct page *p)
{
	struct listing *l = p->listing;

	/* Accounts with real folders list these, too, as blobs of no size. */
	if (p->is_directory)
		return;
	if (!p->entry.name) {
		fail(p, -EBADMSG);
		return;
	}
	if (l->count >= l->limit) {
		fail(p, -E2BIG);
		return;
	}
	if (l->count == l->room) {
		size_t room = l->room ? 2 * l->room : 64;
		struct azure_entry *more = realloc(l->entries, room * sizeof(*more));

		if (!more) {
			fail(p, -ENOMEM);
			return;
		}
		l->entries = more;
		l->room = room;
	}
	p->entry.is_folder = p->in_prefix;
	l->entries[l->count++] = p->entry;
}

static void take_property(struct page *p, const char *name)
{
	struct str text = strbuf_str(&p->text);
	unsigned long long size;

	if (strcmp(name, "Content-Length") == 0) {
		if (!text.p || str_to_u64(str_trim(text), &size) < 0)
			fail(p, -EBADMSG);
		else
			p->entry.size = size;
	} else if (strcmp(name, "ResourceType") == 0) {
		p->is_directory = text.p && str_is(text, "directory");
	} else if (strcmp(name, "hdi_isfolder") == 0) {
		p->is_directory = text.p && str_is(text, "true");
	}
}

static void XMLCALL on_finish(void *self, const char *name)
{
	struct page *p = self;

	if (strbuf_error(&p->text))
		fail(p, strbuf_error(&p->text) == -E2BIG ? -EBADMSG : -ENOMEM);
	else if (p->depth == 4 && (p->in_blob || p->in_prefix) && strcmp(name, "Name") == 0)
		p->entry.name = decoded(p);
	else if (p->depth == 5 && p->in_blob)
		take_property(p, name);
	else if (p->depth == 2 && strcmp(name, "NextMarker") == 0)
		p->marker = decoded(p);
	else if (p->depth == 3 && (p->in_blob || p->in_prefix))
		add_entry(p);
	if (p->depth == 3)
		p->in_blob = p->in_prefix = false;
	p->depth--;
	strbuf_reset(&p->text);
}

static void XMLCALL on_text(void *self, const char *text, int n)
{
	struct page *p = self;

	strbuf_add(&p->text, text, (size_t)n);
}

static void XMLCALL on_doctype(void *self, const char *name, const char *system,
                               const char *public_id, int internal)
{
	(void)name;
	(void)system;
	(void)public_id;
	(void)internal;
	fail(self, -EBADMSG);
}

static int parse(struct page *p, struct str xml)
{
	XML_SetUserData(p->parser, p);
	XML_SetElementHandler(p->parser, on_start, on_finish);
	XML_SetCharacterDataHandler(p->parser, on_text);
	XML_SetStartDoctypeDeclHandler(p->parser, on_doctype);
	if (XML_Parse(p->parser, xml.p, (int)xml.n, XML_TRUE) == XML_STATUS_ERROR) {
		if (p->error)
			return p->error;
		return XML_GetErrorCode(p->parser) == XML_ERROR_NO_MEMORY ? -ENOMEM : -EBADMSG;
	}
	if (p->error)
		return p->error;
	if (!p->is_list)
		return -EBADMSG;
	return arena_failed(p->listing->arena) ? -ENOMEM : 0;
}

int listing_parse(struct str xml, struct listing *l)
{
	struct page p = { .listing = l, .text = { .limit = TEXT_BYTES } };
	int r;

	if (xml.n == 0 || xml.n > INT_MAX)
		return -EBADMSG;
	p.parser = XML_ParserCreate(NULL);
	if (!p.parser)
		return -ENOMEM;
	r = parse(&p, xml);
	XML_ParserFree(p.parser);
	strbuf_done(&p.text);
	if (r == 0) {
		l->marker = p.marker ? p.marker : arena_strdup(l->arena, "");
		r = l->marker ? 0 : -ENOMEM;
	}
	return r;
}

void listing_done(struct listing *l)
{
	free(l->entries);
	l->entries = NULL;
	l->count = l->room = 0;
}
