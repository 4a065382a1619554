/*
 * Comparison of names for not_equal. Most are equal bytes, or plain ASCII, and are done in one
 * pass; the rest goes through libunistring. Normalising comes first: U+00AA has no upper case but
 * becomes "a", which has one.
 */
#include "features/text_same.h"

#include <errno.h>
#include <stdint.h>
#include <unicase.h>
#include <uninorm.h>

#include "base/cleanup.h"
#include "features/text_trim.h"

static bool is_ascii(struct str s)
{
	unsigned char all = 0;

	for (size_t i = 0; i < s.n; i++)
		all |= (unsigned char)s.p[i];
	return all < 0x80;
}

static int fold(struct str s, uint8_t **ret, struct str *ret_text)
{
	CLEANUP(free_p) uint8_t *normal = NULL;
	uint8_t *upper;
	size_t n = 0;

	normal = u8_normalize(UNINORM_NFKC, (const uint8_t *)s.p, s.n, NULL, &n);
	if (!normal)
		return -errno;
	upper = u8_toupper(normal, n, "", UNINORM_NFKC, NULL, &n);
	if (!upper)
		return -errno;
	*ret = upper;
	*ret_text = text_trim((struct str){ (const char *)upper, n });
	return 0;
}

static int same_folded(struct str a, struct str b)
{
	CLEANUP(free_p) uint8_t *upper_a = NULL;
	CLEANUP(free_p) uint8_t *upper_b = NULL;
	int r = fold(a, &upper_a, &a);

	if (r == 0)
		r = fold(b, &upper_b, &b);
	return r < 0 ? r : str_equal(a, b);
}

int text_same(struct str a, struct str b)
{
	if (str_equal(a, b))
		return 1;
	if (is_ascii(a) && is_ascii(b))
		return str_equal_nocase(text_trim(a), text_trim(b));
	/* Never from our readers; libunistring would take all broken bytes for one character. */
	if (!str_is_utf8(a) || !str_is_utf8(b))
		return 0;
	return same_folded(a, b);
}
