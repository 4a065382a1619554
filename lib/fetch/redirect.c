/*
 * Redirects are followed here and not by libcurl, because any header may be a credential (a signed
 * date, an API key), not only those that libcurl knows.
 *
 * Invariant: once a call has left its origin it carries no secret again, not even on the way back.
 * Called by client.c when an attempt has ended with an answer.
 */
#include "fetch/redirect.h"

#include <errno.h>
#include <strings.h>

#include "base/cleanup.h"

static void url_done(CURLU **u)
{
	curl_url_cleanup(*u);
}

static void text_done(char **text)
{
	curl_free(*text);
}

static bool is_equal(CURLU *a, CURLU *b, CURLUPart part)
{
	CLEANUP(text_done) char *x = NULL;
	CLEANUP(text_done) char *y = NULL;

	return curl_url_get(a, part, &x, CURLU_DEFAULT_PORT) == CURLUE_OK &&
	       curl_url_get(b, part, &y, CURLU_DEFAULT_PORT) == CURLUE_OK && strcasecmp(x, y) == 0;
}

static bool is_scheme(CURLU *u, const char *scheme)
{
	CLEANUP(text_done) char *text = NULL;

	return curl_url_get(u, CURLUPART_SCHEME, &text, 0) == CURLUE_OK &&
	       strcasecmp(text, scheme) == 0;
}

bool redirect_is_due(const struct fetch_call *c)
{
	unsigned status = c->result.status;
	bool moved =
	        status == 301 || status == 302 || status == 303 || status == 307 || status == 308;

	return moved && c->redirects < c->request.redirects &&
	       (strcmp(c->request.method, "GET") == 0 || strcmp(c->request.method, "HEAD") == 0);
}

int redirect_follow(struct fetch_call *c, struct errbuf *err)
{
	CLEANUP(url_done) CURLU *from = curl_url();
	CLEANUP(url_done) CURLU *to = curl_url();
	const char *target = NULL;
	char *copy;

	curl_easy_getinfo(c->easy, CURLINFO_REDIRECT_URL, &target);
	if (!from || !to)
		return errbuf_set(err, -ENOMEM, "out of memory");
	if (!target || curl_url_set(from, CURLUPART_URL, c->url, 0) != CURLUE_OK ||
	    curl_url_set(to, CURLUPART_URL, target, 0) != CURLUE_OK)
		return errbuf_set(err, -EPROTO, "redirect to no address");
	if (!is_scheme(to, "https") && !(is_scheme(to, "http") && is_scheme(from, "http")))
		return errbuf_set(err, -EPROTO, "redirect to an address without TLS is refused");
	copy = arena_strdup(&c->arena, target);
	if (!copy)
		return errbuf_set(err, -ENOMEM, "out of memory");
	if (!is_equal(from, to, CURLUPART_SCHEME) || !is_equal(from, to, CURLUPART_HOST) ||
	    !is_equal(from, to, CURLUPART_PORT))
		c->foreign = true;
	c->url = copy;
	c->redirects++;
	return 0;
}
