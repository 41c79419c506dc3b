/*
 * A private name server for one test (test/milter/dns_server.py) and look-ups that it answers.
 * Tests skip, visibly, where there is no python3.
 */
#ifndef LEUMUND_TEST_DNS_SERVER_H
#define LEUMUND_TEST_DNS_SERVER_H

#include <sys/types.h>

#include "dns/dns.h"

struct dns_server {
	pid_t pid;
	int zone;	  /* where it reads from: it ends when this is closed */
	char address[32]; /* ADDRESS:PORT */
};

/* False: it does not start. */
bool dns_server_start(struct dns_server *server, const char *zone);
void dns_server_end(struct dns_server *server);

/* Opens look-ups that only these servers answer, in two tries, and with a cache of 1 MiB. */
struct dns *dns_server_open(const char *servers, unsigned timeout_ms, unsigned queries_max);

/* Asks and waits. The answer must be given back. */
const struct dns_answer *dns_look_up(struct dns *dns, enum dns_type type, const char *name);

/* How often the server was asked for the name. */
unsigned dns_server_queries(struct dns *dns, const char *name);

#endif
