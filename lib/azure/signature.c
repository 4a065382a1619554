/*
 * What Azure's Shared Key signs, byte for byte. The URL and the signed path come from the one
 * encoder here, so they cannot differ. Called by exchange.c for each attempt, because the date is
 * signed.
 */
#include "azure/signature.h"

#include <errno.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdio.h>

#include "base/civil.h"
#include "base/encode.h"

#define SHA256_BYTES 32

void signature_text(const struct signature_input *in, struct strbuf *out)
{
	/* Verb, Content-Encoding, Content-Language, Content-Length (empty when nothing is sent). */
	strbuf_addf(out, "%s\n\n\n", in->method);
	if (in->content_length)
		strbuf_addf(out, "%llu", (unsigned long long)in->content_length);
	/* Date and the two dates of conditions are empty: x-ms-date is sent. */
	strbuf_addf(out, "\n%s\n%s\n\n\n%s\n%s\n\n%s\n", in->content_md5, in->content_type,
	            in->if_match, in->if_none_match, in->range);
	for (size_t i = 0; i < in->header_count; i++)
		strbuf_addf(out, "%s:%s\n", in->headers[i].name, in->headers[i].value);
	strbuf_addf(out, "/%s%s", in->account, in->path);
	for (size_t i = 0; i < in->query_count; i++)
		strbuf_addf(out, "\n%s:%s", in->query[i].name, in->query[i].value);
}

int signature_sign(const void *key, size_t key_size, struct str text, char ret[SIGNATURE_BYTES])
{
	unsigned char mac[SHA256_BYTES];
	unsigned n = sizeof(mac);

	if (!HMAC(EVP_sha256(), key, (int)key_size, (const unsigned char *)text.p, text.n, mac, &n))
		return -ENOMEM;
	base64_encode(mac, n, 0, ret);
	return 0;
}

void signature_date(int64_t unix_us, char ret[SIGNATURE_DATE_BYTES])
{
	static const char days[] = "MonTueWedThuFriSatSun";
	static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
	struct civil c = civil_of_us(unix_us);
	unsigned weekday = civil_weekday(civil_to_days(c.year, c.month, c.day));

	snprintf(ret, SIGNATURE_DATE_BYTES, "%.3s, %02u %.3s %04u %02u:%02u:%02u GMT",
	         days + 3 * (size_t)(weekday % 7), (unsigned)c.day % 100,
	         months + 3 * (size_t)(c.month - 1), (unsigned)c.year % 10000,
	         (unsigned)c.hour % 100, (unsigned)c.minute % 100, (unsigned)c.second % 100);
}

void signature_encode(struct strbuf *out, const char *text, int path)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
	                            "0123456789-._~";

	for (; *text; text++) {
		if (strchr(plain, *text) || (path && *text == '/'))
			strbuf_addc(out, *text);
		else
			strbuf_addf(out, "%%%02X", (unsigned)(unsigned char)*text);
	}
}
