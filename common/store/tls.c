/*
 * TLS towards the server (store/tls.h): an authority, and the name that store.address says. The only file that
 * knows OpenSSL.
 */
#include "store/tls.h"

#if STORE_TLS
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#endif

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#if STORE_TLS

struct store_tls {
	SSL_CTX *context;
	char host[260];
};

/* The first one is the cause of those that follow. */
static const char *error_words(unsigned long error)
{
	const char *reason =
		ERR_GET_LIB(error) == ERR_LIB_SYS ? strerror(ERR_GET_REASON(error)) : ERR_reason_error_string(error);

	return reason ? reason : "unknown error";
}

static const char *error_remedy(unsigned long error)
{
	if (ERR_GET_LIB(error) != ERR_LIB_SSL)
		return "";
	switch (ERR_GET_REASON(error)) {
	case SSL_R_TLSV13_ALERT_CERTIFICATE_REQUIRED:
		return "; set the server's tls-auth-clients to no";
	case SSL_R_WRONG_VERSION_NUMBER:
		return "; is it a TLS port?";
	default:
		return "";
	}
}

static bool trust(SSL_CTX *context, const char *ca, char *error, size_t size)
{
	if (*ca && SSL_CTX_load_verify_locations(context, ca, NULL) != 1) {
		snprintf(error, size, "store.tls_ca: no certificate can be read from %s: %s", ca,
			 error_words(ERR_peek_error()));
		return false;
	}
	if (!*ca && SSL_CTX_set_default_verify_paths(context) != 1) {
		snprintf(error, size, "store.tls: the system has no authorities (%s): set store.tls_ca",
			 error_words(ERR_peek_error()));
		return false;
	}
	return true;
}

struct store_tls *store_tls_new(const char *host, const char *ca, char *error, size_t size)
{
	struct store_tls *tls = calloc(1, sizeof(*tls));

	ERR_clear_error();
	if (tls)
		tls->context = SSL_CTX_new(TLS_client_method());
	if (!tls || !tls->context) {
		snprintf(error, size, "store.tls: out of memory");
	} else if (trust(tls->context, ca, error, size)) {
		snprintf(tls->host, sizeof(tls->host), "%s", host);
		SSL_CTX_set_min_proto_version(tls->context, TLS1_2_VERSION);
		SSL_CTX_set_verify(tls->context, SSL_VERIFY_PEER, NULL);
		SSL_CTX_set_mode(tls->context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
#ifdef SSL_OP_IGNORE_UNEXPECTED_EOF
		/* A killed server says no good-bye. Replies tell their own length: nothing can be cut off unnoticed. */
		SSL_CTX_set_options(tls->context, SSL_OP_IGNORE_UNEXPECTED_EOF);
#endif
		return tls;
	}
	store_tls_free(&tls);
	return NULL;
}

void store_tls_free(struct store_tls **tls)
{
	if (*tls)
		SSL_CTX_free((*tls)->context);
	free(*tls);
	*tls = NULL;
}

/* A certificate holds IP addresses apart from names, and RFC 6066 (3) has no IP address in the server name. */
static bool expect_host(SSL *session, const char *host)
{
	return X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(session), host) == 1 ||
	       (SSL_set1_host(session, host) == 1 && SSL_set_tlsext_host_name(session, host) == 1);
}

struct ssl_st *store_tls_session(const struct store_tls *tls)
{
	SSL *session = SSL_new(tls->context);

	if (session && !expect_host(session, tls->host)) {
		SSL_free(session);
		return NULL;
	}
	return session;
}

void store_tls_session_free(struct ssl_st *session)
{
	SSL_free(session);
}

bool store_tls_trouble(const struct ssl_st *session, char *out, size_t size)
{
	const long verdict = SSL_get_verify_result(session);
	const unsigned long error = ERR_peek_error();
	const bool name = verdict == X509_V_ERR_HOSTNAME_MISMATCH || verdict == X509_V_ERR_IP_ADDRESS_MISMATCH;

	if (verdict != X509_V_OK)
		snprintf(out, size, "TLS: certificate refused: %s; %s", X509_verify_cert_error_string(verdict),
			 name ? "store.address must be a name it holds" : "is its authority in store.tls_ca?");
	else if (error)
		snprintf(out, size, "TLS: %s%s", error_words(error), error_remedy(error));
	else if (!SSL_is_init_finished(session))
		snprintf(out, size, "TLS: the server ended the handshake; is it a TLS port?");
	else
		return false;
	return true;
}

#else

struct store_tls *store_tls_new(const char *host, const char *ca, char *error, size_t size)
{
	(void)host, (void)ca;
	snprintf(error, size,
		 "store.tls: this build's hiredis has no TLS; use a unix socket, loopback with a tunnel, or "
		 "build with hiredis 1.0 or later, its hiredis_ssl, and OpenSSL");
	return NULL;
}

void store_tls_free(struct store_tls **tls)
{
	*tls = NULL;
}

bool store_tls_trouble(const struct ssl_st *session, char *out, size_t size)
{
	(void)session, (void)out, (void)size;
	return false;
}

#endif
