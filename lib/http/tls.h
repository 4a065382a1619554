/*
 * What a TLS listener needs: certificate, key, and who may connect. Counted references, because
 * connections that were made with an old certificate outlive its replacement.
 */
#ifndef HTTP_TLS_H
#define HTTP_TLS_H

#include <stddef.h>

#include "base/errbuf.h"

struct http_tls;

struct http_tls_files {
	const char *certificate; /* PEM, the chain after the certificate */
	const char *key;         /* PEM */
	const char *client_ca;   /* PEM, or NULL: then a client needs no certificate */
};

/* One reference. -EINVAL (what is wrong with which file, in err) or -ENOMEM. */
int http_tls_new(const struct http_tls_files *files, struct http_tls **ret, struct errbuf *err);
struct http_tls *http_tls_ref(struct http_tls *t);
void http_tls_unref(struct http_tls *t);

/* The same keys in every worker make a session resumable on all of them. -EINVAL if OpenSSL refuses
 * them. */
#define HTTP_TLS_TICKET_KEYS_SIZE 80
int http_tls_set_ticket_keys(struct http_tls *t,
                             const unsigned char keys[HTTP_TLS_TICKET_KEYS_SIZE]);

#endif
