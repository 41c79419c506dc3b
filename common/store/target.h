/*
 * Where the server is and how one logs in there, made of section `store`. Internal to common/store/ and their tests.
 */
#ifndef LEUMUND_STORE_TARGET_H
#define LEUMUND_STORE_TARGET_H

#include "store/store.h"

struct store_target {
	char address[300];	 /* as the admin wrote it */
	char host[260], port[8]; /* host "" = unix socket */
	const char *user;	 /* "" = none, these two */
	char password[512];
};

/* `socket` counts when options->address is empty. False and a sentence on failure. */
bool store_target_read(struct store_target *target, const struct store_options *options, const char *socket,
		       char *error, size_t size);
void store_target_forget(struct store_target *target);

/* The IP address to try as number `attempt`; asks the name server, however long it takes. NULL, or why there is none.
 */
const char *store_target_ip(const struct store_target *target, unsigned attempt, char *ip, size_t size);

/* host:port, [v6]:port; a path leaves the host empty. False: it is none of these, or too long. */
bool store_address_split(const char *address, char *host, size_t host_size, char *port, size_t port_size);

/* Has the form of an address, or is empty. */
bool store_address_fits(const char *address);

/* The first line of a file that others cannot read. False and a sentence on failure. */
bool store_password_read(const char *path, char *out, size_t out_size, char *error, size_t size);

#endif
