/*
 * Byte-exact grammar that several parsers share: tokens, field values, quoted strings, lists. A
 * table and not isalnum(), because the locale has no say in a protocol.
 */
#include "http/syntax.h"

/* clang-format off: table */
#define T (SYNTAX_TOKEN | SYNTAX_VALUE | SYNTAX_QUOTED)
#define Q (SYNTAX_VALUE | SYNTAX_QUOTED)
#define V SYNTAX_VALUE
#define ROW16(x) x, x, x, x, x, x, x, x, x, x, x, x, x, x, x, x

const uint8_t
        syntax_classes[256] = {
	        /*	0  1  2  3  4  5  6  7  8  9  a  b  c  d  e  f */
	        0,        0,        0,        0,        0,        0,        0,        0,        0,
	        Q,        0,        0,        0,        0,        0,        0, /* HTAB */
	        0,        0,        0,        0,        0,        0,        0,        0,        0,
	        0,        0,        0,        0,        0,        0,        0,        Q,        T,
	        V,        T,        T,        T,        T,        T,        Q,        Q,        T,
	        T,        Q,        T,        T,        Q, /*   ! " # $ % & ' ( ) * + , - . / */
	        T,        T,        T,        T,        T,        T,        T,        T,        T,
	        T,        Q,        Q,        Q,        Q,        Q,        Q, /* 0 … 9 : ; < = > ?
	                                                                        */
	        Q,        T,        T,        T,        T,        T,        T,        T,        T,
	        T,        T,        T,        T,        T,        T,        T, /* @ A … O */
	        T,        T,        T,        T,        T,        T,        T,        T,        T,
	        T,        T,        Q,        V,        Q,        T,        T, /* P … Z [ \ ] ^ _ */
	        T,        T,        T,        T,        T,        T,        T,        T,        T,
	        T,        T,        T,        T,        T,        T,        T, /* ` a … o */
	        T,        T,        T,        T,        T,        T,        T,        T,        T,
	        T,        T,        Q,        T,        Q,        T,        0, /* p … z { | } ~ DEL
	                                                                        */
	        ROW16(Q), ROW16(Q), ROW16(Q), ROW16(Q), ROW16(Q), ROW16(Q), ROW16(Q), ROW16(Q),
        };
/* clang-format on */

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
