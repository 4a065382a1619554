/*
 * The server behind TLS, with a certificate that is made here. The client is OpenSSL on a socket
 * that does not block, turned by the test.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include "http/tls.h"
#include "world.h"

#define HOST "Host: a\r\n"
#define GET(path) "GET " path " HTTP/1.1\r\n" HOST "\r\n"

static char folder[] = "/tmp/fraudd-tls-XXXXXX";
static char certificate[64], key[64], other_key[64], garbage[64];

static void write_key(const char *path, EVP_PKEY *k)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	assert_int_equal(PEM_write_PrivateKey(f, k, NULL, NULL, 0, NULL, NULL), 1);
	fclose(f);
}

/* Signed by itself, so it serves as server's certificate, client's certificate and CA at once. */
static void write_certificate(const char *path, EVP_PKEY *k)
{
	X509 *x = X509_new();
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	X509_set_version(x, X509_VERSION_3);
	ASN1_INTEGER_set(X509_get_serialNumber(x), 1);
	X509_gmtime_adj(X509_getm_notBefore(x), -3600);
	X509_gmtime_adj(X509_getm_notAfter(x), 3600);
	X509_NAME_add_entry_by_txt(X509_get_subject_name(x), "CN", MBSTRING_ASC,
	                           (const unsigned char *)"localhost", -1, -1, 0);
	X509_set_issuer_name(x, X509_get_subject_name(x));
	X509_set_pubkey(x, k);
	assert_true(X509_sign(x, k, EVP_sha256()) > 0);
	assert_int_equal(PEM_write_X509(f, x), 1);
	fclose(f);
	X509_free(x);
}

static int make_files(void **state)
{
	EVP_PKEY *k = EVP_EC_gen("P-256");
	EVP_PKEY *other = EVP_EC_gen("P-256");
	FILE *f;

	(void)state;
	assert_non_null(mkdtemp(folder));
	snprintf(certificate, sizeof(certificate), "%s/cert.pem", folder);
	snprintf(key, sizeof(key), "%s/key.pem", folder);
	snprintf(other_key, sizeof(other_key), "%s/other.pem", folder);
	snprintf(garbage, sizeof(garbage), "%s/garbage.pem", folder);
	write_key(key, k);
	write_key(other_key, other);
	write_certificate(certificate, k);
	f = fopen(garbage, "w");
	fputs("nonsense\n", f);
	fclose(f);
	EVP_PKEY_free(k);
	EVP_PKEY_free(other);
	return 0;
}

static int remove_files(void **state)
{
	(void)state;
	unlink(certificate);
	unlink(key);
	unlink(other_key);
	unlink(garbage);
	return rmdir(folder);
}

static struct http_tls *new_tls(const char *client_ca)
{
	struct http_tls_files files = { certificate, key, client_ca };
	struct http_tls *t = NULL;
	struct errbuf err;

	if (http_tls_new(&files, &t, &err) < 0)
		fail_msg("%s", err.text);
	return t;
}

static void start_with(struct world *w, struct http_tls *t)
{
	w->options.tls = t;
	world_start(w);
	http_tls_unref(t);
}

static void start(struct world *w)
{
	world_init(w);
	start_with(w, new_tls(NULL));
}

static SSL_CTX *new_client_context(void)
{
	SSL_CTX *context = SSL_CTX_new(TLS_client_method());

	assert_non_null(context);
	SSL_CTX_set_mode(context,
	                 SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	return context;
}

struct handshake {
	struct client *client;
	int result; /* 1 done, 0 under way, -1 failed */
};

static bool has_shaken(void *arg)
{
	struct handshake *h = arg;
	int r = SSL_do_handshake(h->client->ssl);
	int e;

	if (r == 1) {
		h->result = 1;
		return true;
	}
	e = SSL_get_error(h->client->ssl, r);
	if (e == SSL_ERROR_WANT_READ || e == SSL_ERROR_WANT_WRITE)
		return false;
	h->result = -1;
	ERR_clear_error();
	return true;
}

/* Returns what the handshake came to. */
static int client_shake(struct client *c, struct world *w, SSL_CTX *context, SSL_SESSION *session)
{
	struct handshake h = { c, 0 };

	client_open(c, w);
	c->ssl = SSL_new(context);
	SSL_set_fd(c->ssl, c->fd);
	SSL_set_connect_state(c->ssl);
	if (session)
		SSL_set_session(c->ssl, session);
	assert_true(world_until(w, has_shaken, &h));
	return h.result;
}

static void open_tls(struct client *c, struct world *w)
{
	SSL_CTX *context = new_client_context();

	assert_int_equal(client_shake(c, w, context, NULL), 1);
	SSL_CTX_free(context);
}

static void test_talk(void **state)
{
	struct world w;
	struct client c;

	(void)state;
	start(&w);
	open_tls(&c, &w);
	client_sends(&c,
	             GET("/facts") "POST /echo HTTP/1.1\r\n" HOST
	                           "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n" GET(
	                                   "/chunked"));
	client_expect(&c, "first",
	              "200 [GET a - 127.0.0.1 role=0 tls=1 x= n=1];200 [hello];"
	              "200 [one two three];");
	client_sends(&c, "GET /b HTTP/1.1\r\n" HOST "Connection: close\r\n\r\n");
	client_expect(&c, "all",
	              "200 [GET a - 127.0.0.1 role=0 tls=1 x= n=1];200 [hello];"
	              "200 [one two three];200 close [/b];EOF");
	/* The end was said in TLS, not only by TCP. */
	assert_true(SSL_get_shutdown(c.ssl) & SSL_RECEIVED_SHUTDOWN);
	client_done(&c);
	open_tls(&c, &w);
	client_sends(&c, "bad\r\n");
	client_expect(&c, "bad", "400 close [{\"detail\": \"malformed method\"}];EOF");
	client_done(&c);
	world_done(&w);
}

static void test_alpn(void **state)
{
	static const unsigned char offer[] = "\x02h2\x08http/1.1";
	const unsigned char *chosen;
	unsigned size;
	struct world w;
	struct client c;
	SSL_CTX *context = new_client_context();

	(void)state;
	start(&w);
	SSL_CTX_set_alpn_protos(context, offer, sizeof(offer) - 1);
	assert_int_equal(client_shake(&c, &w, context, NULL), 1);
	SSL_get0_alpn_selected(c.ssl, &chosen, &size);
	assert_int_equal(size, 8);
	assert_memory_equal(chosen, "http/1.1", 8);
	client_done(&c);
	SSL_CTX_set_alpn_protos(context, offer, 3);
	assert_int_equal(client_shake(&c, &w, context, NULL), 1);
	SSL_get0_alpn_selected(c.ssl, &chosen, &size);
	assert_int_equal(size, 0);
	client_done(&c);
	SSL_CTX_free(context);
	world_done(&w);
}

/* Bodies much larger than a record, paused in the middle, so that OpenSSL holds decrypted bytes
 * which no event of the socket will tell of. */
static void test_paused_upload(void **state)
{
	static char block[2000000];
	struct world w;
	struct client c;

	(void)state;
	start(&w);
	memset(block, 'x', sizeof(block));
	open_tls(&c, &w);
	client_sends(&c, "POST /pause HTTP/1.1\r\n" HOST "Content-Length: 2000000\r\n\r\n");
	world_expect(&w, "head /pause;");
	/* As much as the server takes while it does not read. */
	for (int refused = 0, at = 0; refused < 50; refused++) {
		int n = SSL_write(c.ssl, block, 16000);

		at += n > 0 ? n : 0;
		refused = n > 0 ? 0 : refused;
		world_turn(&w);
		w.wanted = (uint64_t)at;
		if (at >= 1900000)
			break;
	}
	assert_int_equal(w.streamed, 0);
	http_resume_body(w.later);
	client_send(&c, (struct str){ block, sizeof(block) - (size_t)w.wanted });
	client_expect(&c, "resumed", "200 [2000000];");
	client_done(&c);
	world_done(&w);
}

static void test_back_pressure(void **state)
{
	struct world w;
	struct client c;
	size_t n = 0;

	(void)state;
	start(&w);
	w.wanted = 5000000;
	open_tls(&c, &w);
	client_sends(&c, GET("/big") "GET /end HTTP/1.1\r\n" HOST "Connection: close\r\n\r\n");
	while (!c.ended) {
		world_turn(&w);
		client_read(&c);
	}
	client_tell(&c);
	for (size_t i = 0; i < c.told.n; i++)
		n += c.told.p[i] == 'b';
	assert_int_equal(n, 5000000);
	assert_non_null(strstr(c.told.p, "];200 close [/end];EOF"));
	assert_true(w.most_pending < 120000);
	client_done(&c);
	world_done(&w);
}

static void test_files(void **state)
{
	struct world w;
	struct client c;
	struct strbuf told = { 0 };

	(void)state;
	world_init(&w);
	w.file = memfd_create("test", MFD_CLOEXEC);
	for (int i = 0; i < 50000; i++)
		assert_int_equal(write(w.file, "abcdefghij", 10), 10);
	w.wanted = 500000;
	start_with(&w, new_tls(NULL));
	open_tls(&c, &w);
	client_sends(&c, GET("/file-parts") GET("/file-chunked") GET("/file") GET("/b"));
	for (int k = 0; k < 2; k++) {
		strbuf_adds(&told, "200 [<<<");
		for (int i = 0; i < 50000; i++)
			strbuf_adds(&told, "abcdefghij");
		strbuf_adds(&told, ">>];");
	}
	strbuf_adds(&told, "200 [cdefgh];200 [/b];");
	client_expect(&c, "files", told.p);
	client_done(&c);
	/* Shorter than was said. */
	w.wanted = 600000;
	open_tls(&c, &w);
	client_sends(&c, GET("/file-parts"));
	while (!c.ended) {
		world_turn(&w);
		client_read(&c);
	}
	assert_string_equal(client_tell(&c), "part;RESET");
	client_done(&c);
	/* Larger than what the sockets hold, and the client goes in the middle. */
	assert_int_equal(ftruncate(w.file, 100000000), 0);
	w.wanted = 100000000;
	open_tls(&c, &w);
	client_sends(&c, GET("/file-parts"));
	world_turn(&w);
	client_done(&c);
	world_turn(&w);
	strbuf_done(&told);
	world_done(&w);
}

static bool nobody_is_open(void *arg)
{
	const struct world *w = arg;

	return w->connections == 0 && http_server_counters(w->server)->accepted > 0;
}

static void test_not_tls(void **state)
{
	struct world w;
	struct client c;

	(void)state;
	start(&w);
	client_open(&c, &w);
	client_sends(&c, GET("/a"));
	world_turn(&w);
	assert_true(world_until(&w, nobody_is_open, &w));
	assert_int_equal(http_server_counters(w.server)->dropped, 1);
	assert_int_equal(http_server_counters(w.server)->requests, 0);
	client_done(&c);
	world_done(&w);
}

/* A handshake that never ends, and a server that ends in the middle of one. */
static void test_half_handshakes(void **state)
{
	static const char hello[] = "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03";
	struct world w;
	struct client c;

	(void)state;
	world_init(&w);
	w.limits.first_byte_ms = 50;
	start_with(&w, new_tls(NULL));
	client_open(&c, &w);
	client_send(&c, (struct str){ hello, sizeof(hello) - 1 });
	world_turn(&w);
	assert_true(world_until(&w, nobody_is_open, &w));
	assert_int_equal(http_server_counters(w.server)->dropped, 1);
	client_done(&c);
	client_open(&c, &w);
	client_send(&c, (struct str){ hello, sizeof(hello) - 1 });
	world_turn(&w);
	world_done(&w);
	client_done(&c);
}

static SSL_SESSION *kept_session;

static int on_session(SSL *ssl, SSL_SESSION *session)
{
	(void)ssl;
	SSL_SESSION_free(kept_session);
	kept_session = session;
	return 1;
}

/* Two servers with the same ticket keys resume each other's sessions, with other keys they do not.
 */
static void test_tickets(void **state)
{
	unsigned char keys[HTTP_TLS_TICKET_KEYS_SIZE];
	SSL_CTX *context = new_client_context();
	struct world w;
	struct client c;

	(void)state;
	SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_CLIENT);
	SSL_CTX_sess_set_new_cb(context, on_session);
	for (int i = 0; i < 3; i++) {
		struct http_tls *t = new_tls(NULL);

		memset(keys, i < 2 ? 1 : 2, sizeof(keys));
		assert_int_equal(http_tls_set_ticket_keys(t, keys), 0);
		world_init(&w);
		start_with(&w, t);
		assert_int_equal(client_shake(&c, &w, context, kept_session), 1);
		client_sends(&c, GET("/a"));
		client_expect(&c, "ticket", "200 [/a];");
		assert_int_equal(SSL_session_reused(c.ssl), i == 1);
		client_done(&c);
		world_done(&w);
	}
	SSL_SESSION_free(kept_session);
	SSL_CTX_free(context);
}

static void test_client_certificate(void **state)
{
	SSL_CTX *context = new_client_context();
	struct world w;
	struct client c;

	(void)state;
	world_init(&w);
	start_with(&w, new_tls(certificate));
	/* In TLS 1.3 the client learns of the refusal when it reads. */
	if (client_shake(&c, &w, context, NULL) == 1) {
		client_sends(&c, GET("/a"));
		while (!c.ended) {
			world_turn(&w);
			client_read(&c);
		}
	}
	assert_int_equal(c.in.n, 0);
	client_done(&c);
	assert_int_equal(http_server_counters(w.server)->requests, 0);
	assert_int_equal(SSL_CTX_use_certificate_file(context, certificate, SSL_FILETYPE_PEM), 1);
	assert_int_equal(SSL_CTX_use_PrivateKey_file(context, key, SSL_FILETYPE_PEM), 1);
	assert_int_equal(client_shake(&c, &w, context, NULL), 1);
	client_sends(&c, GET("/a"));
	client_expect(&c, "with a certificate", "200 [/a];");
	client_done(&c);
	SSL_CTX_free(context);
	world_done(&w);
}

/* A new certificate is for new connections; the old one lives as long as its connections. */
static void test_replaced(void **state)
{
	struct http_tls *t = new_tls(NULL);
	struct world w;
	struct client before, after;

	(void)state;
	start(&w);
	open_tls(&before, &w);
	assert_int_equal(http_server_set_tls(w.server, w.listener, t), 0);
	assert_int_equal(http_server_set_tls(w.server, 9999, t), -ENOENT);
	http_tls_unref(t);
	open_tls(&after, &w);
	client_sends(&before, GET("/a"));
	client_expect(&before, "before", "200 [/a];");
	client_sends(&after, GET("/a"));
	client_expect(&after, "after", "200 [/a];");
	client_done(&before);
	client_done(&after);
	world_done(&w);
}

static void test_bad_files(void **state)
{
	const struct {
		struct http_tls_files files;
		const char *text;
	} cases[] = {
		{ { "/nowhere", key, NULL }, "could not read certificate \"/nowhere\": " },
		{ { garbage, key, NULL }, "could not read certificate \"" },
		{ { certificate, "/nowhere", NULL }, "could not read private key \"/nowhere\": " },
		{ { certificate, other_key, NULL }, "key values mismatch" },
		{ { certificate, key, garbage }, "could not read client CA \"" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct http_tls *t = NULL;
		struct errbuf err = { "" };

		assert_int_equal(http_tls_new(&cases[i].files, &t, &err), -EINVAL);
		assert_null(t);
		if (!strstr(err.text, cases[i].text))
			fail_msg("case %zu: \"%s\"", i, err.text);
		assert_int_equal(ERR_peek_error(), 0);
	}
	http_tls_unref(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_talk),
		cmocka_unit_test(test_alpn),
		cmocka_unit_test(test_paused_upload),
		cmocka_unit_test(test_back_pressure),
		cmocka_unit_test(test_files),
		cmocka_unit_test(test_not_tls),
		cmocka_unit_test(test_half_handshakes),
		cmocka_unit_test(test_tickets),
		cmocka_unit_test(test_client_certificate),
		cmocka_unit_test(test_replaced),
		cmocka_unit_test(test_bad_files),
	};

	return cmocka_run_group_tests(tests, make_files, remove_files);
}
