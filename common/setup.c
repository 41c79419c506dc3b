/*
 * What a configuration directory says as a whole (setup.h).
 */
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dns/shared.h"
#include "egress.h"
#include "identity.h"
#include "learn.h"
#include "log.h"
#include "provider/provider.h"
#include "reputation.h"
#include "setup.h"

const char *const log_target_names[] = { "stderr", "journal", "syslog", NULL };
const char *const log_level_names[] = { "error", "warning", "notice", "info", "debug", NULL };

static const char *const instead_of_defer_names[] = { "hold", "accept", "reject", NULL };

/* What the words above mean, in their order. */
static const enum action instead_of_defer_actions[] = { ACTION_HOLD, ACTION_OBSERVE, ACTION_REJECT };

/* CODE=text, as SND10=... */
static const char *check_text(const char *value)
{
	const char *equals = strchr(value, '=');

	if (!equals || equals == value || equals[1] == '\0')
		return "write CODE=text, such as \"SND10={about} is a temporary address\"";
	for (const char *at = value; *at; at++)
		if (*at < 0x20 || *at > 0x7e)
			return "SMTP replies carry printable ASCII only: write ae, oe, ue, ss";
	return NULL;
}

/* SERVICE=inet:PORT@HOST */
static const char *check_listen(const char *value)
{
	static const char form[] = "write SERVICE=inet:PORT@ADDRESS, such as \"outbound=inet:8893@127.0.0.1\"";
	const char *equals = strchr(value, '='), *colon = equals ? strchr(equals, ':') : NULL;
	char *end;
	unsigned long port;

	if (!colon || equals == value || (strncmp(equals, "=inet:", 6) != 0 && strncmp(equals, "=inet6:", 7) != 0))
		return form;
	port = strtoul(colon + 1, &end, 10);
	if (end == colon + 1 || (*end != '@' && *end != '\0'))
		return form;
	return port >= 1 && port <= 65535 ? NULL : "a port is a number from 1 to 65535";
}

#define OPTION_AT(member) offsetof(struct leumund_options, member)

/* clang-format off */
static const struct option rows[] = {
	{ OPTION_STRING, "run", "\"/run/leumund\"", 0, 0, NULL, NULL, OPTION_AT(run),
	  "Directory of sockets and pid files; below Postfix' queue_directory when its smtpd runs chrooted." },
	{ OPTION_STRING, "user", "\"leumund\"", 0, 0, NULL, NULL, OPTION_AT(user),
	  "User that a daemon started by root becomes." },
	{ OPTION_STRING, "socket_group", "\"\"", 0, 0, NULL, NULL, OPTION_AT(socket_group),
	  "Group of the sockets, to which the MTA's user must belong; empty is the user's own group." },
	{ OPTION_CHOICE, "log", "syslog", 0, 0, log_target_names, NULL, OPTION_AT(log),
	  "Where the log goes: syslog's mail facility, stderr, or stderr in the journal's form." },
	{ OPTION_CHOICE, "log_level", "info", 0, 0, log_level_names, NULL, OPTION_AT(log_level),
	  "The least important lines to write; decisions have level info." },
	{ OPTION_CHOICE, "language", "en", 0, 0, language_names, NULL, OPTION_AT(language),
	  "Language of the texts that senders see." },
	{ OPTION_STRING, "url", "\"\"", 0, 0, NULL, NULL, OPTION_AT(url),
	  "Page that explains refusals to customers, appended to every reply." },
	{ OPTION_LIST, "texts", "{}", 0, 0, NULL, check_text, OPTION_AT(texts),
	  "Own texts, each CODE=text; {about} is the address at fault, {detail} what is missing or counted, {account} the account, {client} the client's "
	  "address." },
	{ OPTION_LIST, "domains", "{\"/etc/userdomains\", \"/etc/trueuserdomains\"}", 0, 0, NULL, NULL, OPTION_AT(domains),
	  "Files with lines of the form domain: account, watched for changes: cPanel's are the default, DirectAdmin's is "
	  "/etc/virtual/domainowners." },
	{ OPTION_CHOICE, "instead_of_defer", "hold", 0, 0, instead_of_defer_names, NULL, OPTION_AT(instead_of_defer),
	  "What is done where a way of submission cannot be told to try again later: sendmail(1) on Postfix, and on Exim with "
	  "lines of before it could." },
	{ OPTION_NUMBER, "max_connections", "1000", 10, 20000, NULL, NULL, OPTION_AT(max_connections),
	  "Connections served at once by one service; more are told to come back later." },
	{ OPTION_TIME, "idle_limit", "1h", 60, 86400, NULL, NULL, OPTION_AT(idle_limit),
	  "A connection on which the MTA says nothing for so long is closed; it must exceed the MTA's own SMTP timeouts." },
	{ OPTION_TIME, "drain_limit", "5m", 1, 3600, NULL, NULL, OPTION_AT(drain_limit),
	  "How long a daemon that is being replaced waits for its last connections." },
	{ OPTION_TIME, "canary_every", "5m", 0, 86400, NULL, NULL, OPTION_AT(canary_every),
	  "How often a service sends itself a forged message that it must refuse; 0 is never." },
	{ OPTION_LIST, "listen", "{}", 0, 0, NULL, check_listen, OPTION_AT(listen),
	  "Services that listen on TCP instead of a unix socket; every customer's program may then talk to the milter." },
	{ .name = NULL }
};
/* clang-format on */

const struct section leumund_section = {
	.name = "leumund",
	.summary = "What all services have in common.",
	.options = rows,
	.size = sizeof(struct leumund_options),
};

int setup_sections(const struct section **sections, const struct milter *const *milters)
{
	size_t n = 0;

	sections[n++] = &leumund_section;
	sections[n++] = &identity_section;
	sections[n++] = &store_section;
	sections[n++] = &egress_section;
	sections[n++] = &dns_section;
	sections[n++] = &provider_section;
	sections[n++] = &reputation_section;
	sections[n++] = &notice_section;
	sections[n++] = &learn_section;
	for (; *milters; milters++) {
		if (n == SETUP_SECTIONS)
			return -1;
		sections[n++] = (*milters)->section;
	}
	sections[n] = NULL;
	return 0;
}

/* A service's name is part of file names. */
static bool service_name_is_good(const char *name)
{
	size_t len = strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-_");

	return len > 0 && len <= 32 && name[len] == '\0';
}

static int service_add(struct setup *setup, const char *name, char *error, size_t size)
{
	for (size_t i = 0; i < setup->service_count; i++)
		if (!strcmp(setup->services[i], name))
			return 0;
	if (strcmp(name, LEARN_NAME) == 0) {
		snprintf(error, size, "service '" LEARN_NAME "': leumund-learn has this name; take another");
		return -1;
	}
	if (!service_name_is_good(name)) {
		snprintf(error, size, "service '%.64s': a name is 1 to 32 of a-z 0-9 - _", name);
		return -1;
	}
	if (setup->service_count == SETUP_SERVICES) {
		snprintf(error, size, "more than %d services", SETUP_SERVICES);
		return -1;
	}
	setup->services[setup->service_count++] = name;
	return 0;
}

const char *setup_service_of(const struct setup *setup, const struct milter *milter)
{
	const struct milter_options *options = config_section(setup->config, milter->section->name);

	if (config_place(setup->config, milter->section->name) == 0 || !options->enable)
		return NULL;
	return options->service;
}

enum action setup_instead_of_defer(const struct setup *setup)
{
	return instead_of_defer_actions[setup->leumund->instead_of_defer];
}

const char *setup_own_text(const struct leumund_options *options, const struct rule *rule)
{
	size_t len = strlen(rule->code);

	for (size_t i = 0; i < options->texts.count; i++)
		if (!strncmp(options->texts.at[i], rule->code, len) && options->texts.at[i][len] == '=')
			return options->texts.at[i] + len + 1;
	return NULL;
}

static void domains_free(struct string_list *domains)
{
	for (size_t i = 0; i < domains->count; i++)
		free((char *)(uintptr_t)domains->at[i]);
	free((void *)(uintptr_t)domains->at);
	domains->at = NULL;
	domains->count = 0;
}

static int domains_resolve(struct setup *setup, const char *directory)
{
	const struct string_list *named = &setup->leumund->domains;
	const char **at = calloc(named->count + 1, sizeof(*at));

	setup->domains.at = at;
	for (size_t i = 0; at && i < named->count; i++) {
		bool absolute = named->at[i][0] == '/';
		char *path = NULL;

		if (asprintf(&path, "%s%s%s", absolute ? "" : directory, absolute ? "" : "/", named->at[i]) < 0)
			return -1;
		at[setup->domains.count++] = path;
	}
	return at ? 0 : -1;
}

int setup_load(struct setup *setup, const char *directory, const struct milter *const *milters, char *error,
	       size_t size)
{
	const struct section *sections[SETUP_SECTIONS + 1];

	memset(setup, 0, sizeof(*setup));
	if (setup_sections(sections, milters) < 0) {
		snprintf(error, size, "more than %d sections", SETUP_SECTIONS);
		return -1;
	}
	setup->config = config_load(directory, sections, error, size);
	if (!setup->config)
		return -1;
	setup->leumund = config_section(setup->config, leumund_section.name);
	setup->identity = config_section(setup->config, identity_section.name);
	setup->store = config_section(setup->config, store_section.name);
	setup->egress = config_section(setup->config, egress_section.name);
	setup->dns = config_section(setup->config, dns_section.name);
	setup->provider = config_section(setup->config, provider_section.name);
	setup->reputation = config_section(setup->config, reputation_section.name);
	setup->notice = config_section(setup->config, notice_section.name);
	setup->learn = config_section(setup->config, learn_section.name);
	if (domains_resolve(setup, directory) < 0) {
		snprintf(error, size, "out of memory");
		setup_free(setup);
		return -1;
	}
	for (; *milters; milters++) {
		const char *service = setup_service_of(setup, *milters);

		if (service && service_add(setup, service, error, size) < 0) {
			setup_free(setup);
			return -1;
		}
	}
	return 0;
}

void setup_free(struct setup *setup)
{
	domains_free(&setup->domains);
	config_free(&setup->config);
	setup->service_count = 0;
}
