/* The connection's side of tls.h, apart from it because it names OpenSSL. */
#ifndef HTTP_TLS_SESSION_H
#define HTTP_TLS_SESSION_H

struct http_tls;
struct ssl_st;

/* A server's session (SSL *) for a new connection, or NULL. It holds what it needs of t. */
struct ssl_st *tls_session_new(struct http_tls *t);

#endif
