/*
 * TLS towards the server: whom to trust, and why it failed. hiredis alone would take a certificate of any name, so the
 * session is ours. Internal to common/store/.
 */
#ifndef LEUMUND_STORE_TLS_H
#define LEUMUND_STORE_TLS_H

#include <stdbool.h>
#include <stddef.h>

/* hiredis 1.0 and later can speak TLS, if it was built so. */
#if __has_include(<hiredis/hiredis_ssl.h>) && __has_include(<openssl/ssl.h>) && !defined(LEUMUND_NO_TLS)
#define STORE_TLS 1
#else
#define STORE_TLS 0
#endif

struct store_tls;
struct ssl_st; /* OpenSSL's SSL */

/* `ca`: file of the authority that must have signed; "" = the system's. NULL and a sentence on failure. */
struct store_tls *store_tls_new(const char *host, const char *ca, char *error, size_t size);
void store_tls_free(struct store_tls **tls);

/* For one connection; NULL: no memory. */
struct ssl_st *store_tls_session(const struct store_tls *tls);
void store_tls_session_free(struct ssl_st *session);

/* Why the session failed just now, in this thread. False: for a reason that lies outside TLS. */
bool store_tls_trouble(const struct ssl_st *session, char *out, size_t size);

#endif
