/*
 * Byte-exact grammar that several parsers share: tokens, field values, quoted strings, lists. A
 * table and not isalnum(), because the locale has no say in a protocol.
 */
#include "http/syntax.h"

/* Bit c of a set is byte c; test_parser.c compares them with the grammar for every byte. */
const uint64_t syntax_sets[SYNTAX_MAX][4] = {
	/* ! # $ % & ' * + - . ^ _ ` | ~ digits letters */
	[SYNTAX_TOKEN] = {
		UINT64_C(0x03ff6cfa00000000), UINT64_C(0x57ffffffc7fffffe),
		UINT64_C(0x0000000000000000), UINT64_C(0x0000000000000000),
	},
	/* HTAB SP … ~ and 8-bit bytes */
	[SYNTAX_VALUE] = {
		UINT64_C(0xffffffff00000200), UINT64_C(0x7fffffffffffffff),
		UINT64_C(0xffffffffffffffff), UINT64_C(0xffffffffffffffff),
	},
	/* The same without " and \ */
	[SYNTAX_QUOTED] = {
		UINT64_C(0xfffffffb00000200), UINT64_C(0x7fffffffefffffff),
		UINT64_C(0xffffffffffffffff), UINT64_C(0xffffffffffffffff),
	},
};

int syntax_hex(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

int syntax_percent(struct str s)
{
	int high, low;

	if (s.n < 3 || s.p[0] != '%')
		return -1;
	high = syntax_hex(s.p[1]);
	low = syntax_hex(s.p[2]);
	return high < 0 || low < 0 ? -1 : high * 16 + low;
}

size_t syntax_quoted(struct str s)
{
	size_t i = 1;

	if (s.n < 2 || s.p[0] != '"')
		return 0;
	while (i < s.n && s.p[i] != '"') {
		if (s.p[i] == '\\') {
			i++;
			if (i == s.n || !syntax_is(s.p[i], SYNTAX_VALUE))
				return 0;
		} else if (!syntax_is(s.p[i], SYNTAX_QUOTED)) {
			return 0;
		}
		i++;
	}
	return i < s.n ? i + 1 : 0;
}

bool syntax_next_element(struct str *list, struct str *ret)
{
	const char *comma;

	if (!list->p)
		return false;
	comma = list->n ? memchr(list->p, ',', list->n) : NULL;
	if (!comma) {
		*ret = str_trim(*list);
		*list = (struct str){ NULL, 0 };
		return true;
	}
	*ret = str_trim((struct str){ list->p, (size_t)(comma - list->p) });
	*list = (struct str){ comma + 1, list->n - (size_t)(comma - list->p) - 1 };
	return true;
}
