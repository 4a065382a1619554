/* The tree of small documents, and the exact words and line of each fault. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/strbuf.h"
#include "config/yaml.h"

/* {a@1:x,b@2:'y'}: every node but the root with its line; quotes round what was quoted. */
static void dump(const struct yaml_node *node, struct strbuf *b)
{
	if (node->kind == YAML_SCALAR) {
		strbuf_addf(b, node->quoted ? "'%.*s'" : "%.*s", STR_ARGS(node->text));
		return;
	}
	strbuf_addc(b, node->kind == YAML_MAPPING ? '{' : '[');
	for (const struct yaml_node *n = node->first; n; n = n->next) {
		if (n != node->first)
			strbuf_addc(b, ',');
		strbuf_addf(b, "%.*s@%u:", STR_ARGS(n->key), n->line);
		dump(n, b);
	}
	strbuf_addc(b, node->kind == YAML_MAPPING ? '}' : ']');
}

static void trees(void **unused)
{
	static const struct {
		const char *text, *tree;
	} cases[] = {
		{ "", "{}" },
		{ "# only a comment\n", "{}" },
		{ "---\n", "{}" },
		{ "a: 1\nb: two words\n", "{a@1:1,b@2:two words}" },
		{ "a:\n  b:\n    c: 1\n", "{a@1:{b@2:{c@3:1}}}" },
		{ "a: [1, '2', \"3\"]\n", "{a@1:[@1:1,@1:'2',@1:'3']}" },
		{ "- x\n- y: 1\n  z: 2\n- ~\n", "[@1:x,@2:{y@2:1,z@3:2},@4:~]" },
		{ "a:\nb: ~\n", "{a@1:,b@2:~}" },
		{ "a: |\n  one\n  two\nb: 1\n", "{a@1:'one\ntwo\n',b@4:1}" },
		{ "a: >-\n  one\n  two\n", "{a@1:'one two'}" },
		{ "{a: {}, b: []}", "{a@1:{},b@1:[]}" },
		{ "\xef\xbb\xbfzahl: \xc3\xa4\n", "{zahl@1:\xc3\xa4}" },
		{ "a: \"\\u00e4\\t\"\n", "{a@1:'\xc3\xa4\t'}" },
		{ "plain\n", "plain" },
		{ "''\n", "''" },
		{ "'a b': 1\n", "{a b@1:1}" },
		{ "a: 1 # said\n", "{a@1:1}" },
		{ "<<: {b: 1}\n", "{<<@1:{b@1:1}}" },
	};

	(void)unused;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct strbuf b = { 0 };
		struct arena a = { 0 };
		struct errbuf err = { "" };
		struct yaml_node *root;
		int r = yaml_parse(str_of(cases[i].text), "f", &a, &root, &err);

		if (r < 0)
			fail_msg("case %zu: %d: %s", i, r, err.text);
		dump(root, &b);
		if (strcmp(b.p, cases[i].tree) != 0)
			fail_msg("case %zu: %s instead of %s", i, b.p, cases[i].tree);
		strbuf_done(&b);
		arena_done(&a);
	}
}

static void faults(void **unused)
{
	static const struct {
		const char *text, *message;
	} cases[] = {
		{ "a: 1\nb: 2\na: 3\n", "f.yaml:3: key \"a\" is repeated" },
		{ "x:\n  a: 1\n  'a': 2\n", "f.yaml:3: key \"a\" is repeated" },
		{ "a: &here 1\n", "f.yaml:1: anchor \"&here\": anchors are not allowed" },
		{ "a: 1\nb: &m {c: 1}\n", "f.yaml:2: anchor \"&m\": anchors are not allowed" },
		{ "a: *there\n", "f.yaml:1: alias \"*there\": aliases are not allowed" },
		{ "a: !!str 1\n", "f.yaml:1: tag \"tag:yaml.org,2002:str\": tags are not allowed" },
		{ "a: !x [1]\n", "f.yaml:1: tag \"!x\": tags are not allowed" },
		{ "a: ! b\n", "f.yaml:1: tag \"!\": tags are not allowed" },
		{ "a: 1\n---\nb: 1\n", "f.yaml:2: more than one document" },
		{ "? [a]\n: b\n", "f.yaml:1: a key must be a plain text" },
		{ "? {a: b}\n: b\n", "f.yaml:1: a key must be a plain text" },
		{ "'': b\n", "f.yaml:1: a key is empty" },
		{ "a: \"b\\0c\"\n", "f.yaml:1: a text contains a NUL" },
		{ "a:\n\tb: 1\n",
		  "f.yaml:2: a tab cannot indent while scanning for the next token" },
		{ "a: [1, 2\n", "f.yaml:2: did not find expected ',' or ']' while parsing a flow "
		                "sequence" },
		{ "a: 1\n b: 2\n", "f.yaml:2: mapping values are not allowed in this context" },
		{ "a: 1\nb: \xff\n", "f.yaml:2: invalid leading UTF-8 octet" },
		{ "a: 1\n\nb: \x01\n", "f.yaml:3: control characters are not allowed" },
		{ "[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]", "f.yaml:1: nested deeper than 16 levels" },
	};

	(void)unused;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct arena a = { 0 };
		struct errbuf err = { "" };
		struct yaml_node *root = NULL;
		int r = yaml_parse(str_of(cases[i].text), "f.yaml", &a, &root, &err);

		if (r >= 0 || root)
			fail_msg("case %zu: was accepted", i);
		if (strcmp(err.text, cases[i].message) != 0)
			fail_msg("case %zu: \"%s\" instead of \"%s\"", i, err.text,
			         cases[i].message);
		arena_done(&a);
	}
}

/* Sixteen levels and 100,000 nodes are allowed; one more of either is not. */
static int parse_flat(unsigned items)
{
	struct strbuf b = { 0 };
	struct arena a = { 0 };
	struct yaml_node *root;
	int r;

	for (unsigned i = 0; i < items; i++)
		strbuf_adds(&b, "- 1\n");
	assert_int_equal(strbuf_error(&b), 0);
	r = yaml_parse(strbuf_str(&b), "f", &a, &root, NULL);
	if (r == 0)
		assert_int_equal(root->count, items);
	strbuf_done(&b);
	arena_done(&a);
	return r;
}

static void limits(void **unused)
{
	struct arena a = { 0 };
	struct yaml_node *root;

	(void)unused;
	assert_int_equal(yaml_parse(STR("[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]"), "f", &a, &root, NULL),
	                 0);
	arena_done(&a);
	assert_int_equal(parse_flat(99999), 0);
	assert_int_equal(parse_flat(100000), -E2BIG);
}

static void arena_runs_out(void **unused)
{
	struct arena a = { .limit = 200 };
	struct errbuf err = { "" };
	struct yaml_node *root = NULL;

	(void)unused;
	assert_int_equal(yaml_parse(STR("a: 1\nb: 2\nc: 3\n"), "f", &a, &root, &err), -ENOMEM);
	assert_null(root);
	assert_non_null(strstr(err.text, "out of memory"));
	arena_done(&a);
}

static void members(void **unused)
{
	struct arena a = { 0 };
	struct yaml_node *root;

	(void)unused;
	assert_int_equal(yaml_parse(STR("a: 1\nbc: [x]\n"), "f", &a, &root, NULL), 0);
	assert_true(str_is(yaml_get(root, "a")->text, "1"));
	assert_int_equal(yaml_get(root, "bc")->kind, YAML_SEQUENCE);
	assert_null(yaml_get(root, "b"));
	assert_null(yaml_get(yaml_get(root, "bc"), "x"));
	arena_done(&a);
}

/* A key of 300 two-byte characters must not end in half of one in the message. */
static void message_is_utf8(void **unused)
{
	struct strbuf b = { 0 };
	struct arena a = { 0 };
	struct errbuf err;
	struct yaml_node *root;

	(void)unused;
	for (unsigned twice = 0; twice < 2; twice++) {
		for (unsigned i = 0; i < 120; i++)
			strbuf_adds(&b, "\xe2\x82\xac");
		strbuf_adds(&b, ": 1\n");
	}
	for (size_t i = 1; i < 4; i++) {
		const char *names[] = { "", "f", "ff", "fff" };

		assert_int_equal(yaml_parse(strbuf_str(&b), names[i], &a, &root, &err), -EBADMSG);
		assert_true(str_is_utf8(str_of(err.text)));
		assert_true(strlen(err.text) > 250);
	}
	strbuf_done(&b);
	arena_done(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(trees),   cmocka_unit_test(faults),
		cmocka_unit_test(limits),  cmocka_unit_test(arena_runs_out),
		cmocka_unit_test(members), cmocka_unit_test(message_is_utf8),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
