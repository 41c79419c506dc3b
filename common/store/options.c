/*
 * Section `store` of conf.d: its rows.
 */
#include "store/target.h"

static const char *check_address(const char *value)
{
	return store_address_fits(value)
		       ? NULL
		       : "is no address; allowed are \"\" (private server), \"/path/of/a.sock\" and \"host:port\"";
}

/* clang-format off */
#define ROW(type, field, value, least, most, check, help) \
	{ OPTION_##type, #field, value, least, most, NULL, check, offsetof(struct store_options, field), help }

static const struct option store_rows[] = {
	ROW(STRING, address, "\"\"", 0, 0, check_address,
	    "Where Redis or Valkey is: \"/path/of/a.sock\" or \"host:port\"; "
	    "empty means the private server that leumund starts itself."),
	ROW(STRING, user, "\"\"", 0, 0, NULL,
	    "ACL user to log in as (redis/users.acl.example); empty means the server's default user."),
	ROW(STRING, password_file, "\"\"", 0, 0, NULL,
	    "File whose first line is the password; it must not be readable by others (chmod o=)."),
	ROW(BOOL, tls, "false", 0, 0, NULL,
	    "Speak TLS to host:port; needs a build with hiredis 1.0 or later."),
	ROW(STRING, tls_ca, "\"\"", 0, 0, NULL,
	    "File with the certificate authority that signed the server's certificate; empty means the system's own."),
	ROW(NUMBER, deadline_ms, "80", 10, 1000, NULL,
	    "The longest a message waits for the store, in milliseconds; after that it is decided without."),
	ROW(TIME, history_keep, "72h", 3600, 2592000, NULL,
	    "How long the decisions about an account are kept."),
	ROW(NUMBER, history_max, "5000", 10, 1000000, NULL,
	    "How many decisions are kept of one account, about (up to 100 more)."),
	ROW(STRING, server, "\"redis-server\"", 0, 0, NULL,
	    "Program of the private server: redis-server or valkey-server."),
	ROW(STRING, data, "\"\"", 0, 0, NULL,
	    "Directory where the private server keeps its data; empty means the run directory, which a reboot empties."),
	{ 0, NULL, NULL, 0, 0, NULL, NULL, 0, NULL },
};
/* clang-format on */

const struct section store_section = {
	.name = "store",
	.summary = "What all services and servers share: histories, counters, states, kept in Redis or Valkey.",
	.options = store_rows,
	.size = sizeof(struct store_options),
};
