/*
 * One SSL_CTX a set of files. TLS 1.2 and 1.3, no renegotiation, no compression; buffers are given
 * back while a connection idles (SSL_MODE_RELEASE_BUFFERS, 16 KiB or more each way otherwise).
 * There is no session cache: sessions travel in tickets, whose keys all workers of a suite may
 * share.
 *
 * Called by the front when it opens its listeners and at a reload; connection.c takes an SSL from
 * it for each accepted connection.
 */
#include "http/tls.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/ssl.h>

#include "http/tls_session.h"

struct http_tls {
	SSL_CTX *context;
	unsigned references;
};

/* The newest OpenSSL reason, and an empty queue behind it. */
static int refuse(struct errbuf *err, const char *what, const char *path)
{
	const char *reason = ERR_reason_error_string(ERR_peek_last_error());
	int r = errbuf_set(err, -EINVAL, "%s \"%s\": %s", what, path,
	                   reason ? reason : "unknown reason");

	ERR_clear_error();
	return r;
}

/* We speak HTTP/1.1 only; a client that offers nothing of ours goes on without ALPN. */
static int on_alpn(SSL *ssl, const unsigned char **out, unsigned char *out_size,
                   const unsigned char *in, unsigned in_size, void *self)
{
	static const unsigned char ours[] = "\x08http/1.1";
	unsigned char *chosen;

	(void)ssl;
	(void)self;
	if (SSL_select_next_proto(&chosen, out_size, ours, sizeof(ours) - 1, in, in_size) !=
	    OPENSSL_NPN_NEGOTIATED)
		return SSL_TLSEXT_ERR_NOACK;
	*out = chosen;
	return SSL_TLSEXT_ERR_OK;
}

static int load_client_ca(SSL_CTX *context, const char *path, struct errbuf *err)
{
	STACK_OF(X509_NAME) * names;

	if (SSL_CTX_load_verify_file(context, path) != 1)
		return refuse(err, "could not read client CA", path);
	names = SSL_load_client_CA_file(path);
	if (!names)
		return refuse(err, "could not read client CA", path);
	SSL_CTX_set_client_CA_list(context, names);
	SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
	return 0;
}

static int load_files(SSL_CTX *context, const struct http_tls_files *files, struct errbuf *err)
{
	if (SSL_CTX_use_certificate_chain_file(context, files->certificate) != 1)
		return refuse(err, "could not read certificate", files->certificate);
	/* Also refuses a key that does not belong to the certificate. */
	if (SSL_CTX_use_PrivateKey_file(context, files->key, SSL_FILETYPE_PEM) != 1)
		return refuse(err, "could not read private key", files->key);
	if (SSL_CTX_check_private_key(context) != 1)
		return refuse(err, "private key does not belong to certificate",
		              files->certificate);
	return files->client_ca ? load_client_ca(context, files->client_ca, err) : 0;
}

static void set_rules(SSL_CTX *context)
{
	static const unsigned char session_context[] = "http";

	SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
	SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
	                                     SSL_OP_CIPHER_SERVER_PREFERENCE |
	                                     SSL_OP_IGNORE_UNEXPECTED_EOF);
	/* Never SSL_MODE_ENABLE_PARTIAL_WRITE: libevent goes on with the next piece of its buffer
	 * after a write that took only a part of the one before. */
	SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_session_id_context(context, session_context, sizeof(session_context) - 1);
	SSL_CTX_set_num_tickets(context, 1);
	SSL_CTX_set_alpn_select_cb(context, on_alpn, NULL);
}

int http_tls_new(const struct http_tls_files *files, struct http_tls **ret, struct errbuf *err)
{
	struct http_tls *t = calloc(1, sizeof(*t));
	int r;

	if (!t)
		return errbuf_set(err, -ENOMEM, "out of memory");
	t->references = 1;
	ERR_clear_error();
	t->context = SSL_CTX_new(TLS_server_method());
	if (!t->context) {
		http_tls_unref(t);
		return errbuf_set(err, -ENOMEM, "out of memory");
	}
	set_rules(t->context);
	r = load_files(t->context, files, err);
	if (r < 0) {
		http_tls_unref(t);
		return r;
	}
	*ret = t;
	return 0;
}

struct http_tls *http_tls_ref(struct http_tls *t)
{
	if (t)
		t->references++;
	return t;
}

void http_tls_unref(struct http_tls *t)
{
	if (!t || --t->references > 0)
		return;
	SSL_CTX_free(t->context);
	free(t);
}

int http_tls_set_ticket_keys(struct http_tls *t,
                             const unsigned char keys[HTTP_TLS_TICKET_KEYS_SIZE])
{
	unsigned char copy[HTTP_TLS_TICKET_KEYS_SIZE];
	int r;

	memcpy(copy, keys, sizeof(copy));
	r = SSL_CTX_set_tlsext_ticket_keys(t->context, copy, sizeof(copy)) == 1 ? 0 : -EINVAL;
	OPENSSL_cleanse(copy, sizeof(copy));
	return r;
}

struct ssl_st *tls_session_new(struct http_tls *t)
{
	ERR_clear_error();
	return SSL_new(t->context);
}
