/* What the storage and the token services answer: lists of blobs and tokens. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "azure/listing.h"
#include "azure/oauth.h"

#define BOM "\xef\xbb\xbf"
#define HEAD "<?xml version=\"1.0\" encoding=\"utf-8\"?>"
#define LIST(blobs, marker)                                                                        \
	HEAD "<EnumerationResults ServiceEndpoint=\"x\"><Prefix>a</Prefix><Blobs>" blobs           \
	     "</Blobs><NextMarker>" marker "</NextMarker></EnumerationResults>"
#define BLOB(name, size)                                                                           \
	"<Blob><Name>" name "</Name><Properties><Content-Length>" size                             \
	"</Content-Length><Etag>0x1</Etag></Properties></Blob>"

/* Entries as "name:size" or "name*" for a folder, with blanks. */
static void print(const struct listing *l, char *ret, size_t room)
{
	size_t n = 0;

	ret[0] = '\0';
	for (size_t i = 0; i < l->count && n < room; i++) {
		if (l->entries[i].is_folder)
			n += (size_t)snprintf(ret + n, room - n, "%s* ", l->entries[i].name);
		else
			n += (size_t)snprintf(ret + n, room - n, "%s:%llu ", l->entries[i].name,
			                      (unsigned long long)l->entries[i].size);
	}
}

static void lists(void **unused)
{
	static const struct {
		const char *xml;
		int result;
		const char *entries, *marker;
	} cases[] = {
		{ LIST("", ""), 0, "", "" },
		{ BOM LIST(BLOB("a/b", "12"), ""), 0, "a/b:12 ", "" },
		{ LIST("<BlobPrefix><Name>a/c/</Name></BlobPrefix>" BLOB("a/d", "0"), "2!x&amp;y="),
		  0, "a/c/* a/d:0 ", "2!x&y=" },
		{ LIST("", "more"), 0, "", "more" },
		{ LIST(BLOB("&lt;&amp;&gt;&quot;&apos;&#65;", "1"), ""), 0, "<&>\"'A:1 ", "" },
		{ LIST("<Blob><Name Encoded=\"true\">a%EF%BF%BEb%2</Name><Properties>"
		       "<Content-Length>1</Content-Length></Properties></Blob>",
		       ""),
		  0,
		  "a\xef\xbf\xbe"
		  "b%2:1 ",
		  "" },
		{ LIST("<Blob><Name>d</Name><Properties><Content-Length>0</Content-Length>"
		       "<ResourceType>directory</ResourceType></Properties></Blob>" BLOB("e", "1"),
		       ""),
		  0, "e:1 ", "" },
		{ LIST("<Blob><Name>d</Name><Properties><Content-Length>0</Content-Length>"
		       "</Properties><Metadata><hdi_isfolder>true</hdi_isfolder></Metadata></Blob>",
		       ""),
		  0, "", "" },
		{ LIST(BLOB("a", "1") BLOB("b", "1") BLOB("c", "1") BLOB("d", "1"), ""), -E2BIG, "",
		  "" },
		{ LIST(BLOB("a", "-1"), ""), -EBADMSG, "", "" },
		{ LIST("<Blob></Blob>", ""), -EBADMSG, "", "" },
		{ "", -EBADMSG, "", "" },
		{ "<html></html>", -EBADMSG, "", "" },
		{ HEAD "<EnumerationResults><Blobs>", -EBADMSG, "", "" },
		{ "<!DOCTYPE x [<!ENTITY a \"b\">]><EnumerationResults/>", -EBADMSG, "", "" },
		{ "<a><a><a><a><a><a><a><a><a><a><a><a><a><a><a><a><a>", -EBADMSG, "", "" },
	};

	(void)unused;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct arena a = { 0 };
		struct listing l = { .arena = &a, .limit = 3 };
		int r = listing_parse(str_of(cases[i].xml), &l);
		char text[256];

		print(&l, text, sizeof(text));
		if (r != cases[i].result || (r == 0 && (strcmp(text, cases[i].entries) != 0 ||
		                                        strcmp(l.marker, cases[i].marker) != 0)))
			fail_msg("case %zu: %d, %s", i, r, text);
		listing_done(&l);
		arena_done(&a);
	}
}

static void tokens(void **unused)
{
	static const struct {
		const char *json;
		int result;
		const char *token;
		int64_t ends_s;
	} cases[] = {
		{ "{\"token_type\":\"Bearer\",\"expires_in\":3599,\"access_token\":\"a.b\"}", 0,
		  "a.b", 1000 + 3599 },
		{ "{\"access_token\":\"a\",\"expires_in\":\"60\",\"expires_on\":\"9\"}", 0, "a",
		  1060 },
		{ "{\"access_token\":\"a\",\"expires_on\":\"9000\"}", 0, "a", 9000 },
		{ "{\"access_token\":\"a\",\"x\":{\"access_token\":\"b\"},\"expires_in\":1}", 0,
		  "a", 1001 },
		{ "{\"access_token\":\"a\"}", -EBADMSG, "", 0 },
		{ "{\"access_token\":\"\",\"expires_in\":1}", -EBADMSG, "", 0 },
		{ "{\"access_token\":\"a\\r\\nb\",\"expires_in\":1}", -EBADMSG, "", 0 },
		{ "{\"access_token\":\"a b\",\"expires_in\":1}", -EBADMSG, "", 0 },
		{ "{\"access_token\":7,\"expires_in\":1}", -EBADMSG, "", 0 },
		{ "{\"access_token\":\"a\",\"expires_in\":-1}", -EBADMSG, "", 0 },
		{ "{\"access_token\":\"a\",\"expires_in\":1", -EBADMSG, "", 0 },
		{ "", -EBADMSG, "", 0 },
	};

	(void)unused;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct arena a = { 0 };
		struct oauth_answer answer = { 0 };
		int r = oauth_parse(str_of(cases[i].json), 1000, &a, &answer);

		if (r != cases[i].result || (r == 0 && (!str_is(answer.token, cases[i].token) ||
		                                        answer.ends_s != cases[i].ends_s)))
			fail_msg("case %zu: %d, ends %lld", i, r, (long long)answer.ends_s);
		arena_done(&a);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lists),
		cmocka_unit_test(tokens),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
