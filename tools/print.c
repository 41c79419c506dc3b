/*
 * `leumund config`, `mta`, and for the makefile `manual` and `sample`: what follows from
 * option rows and configuration alone.
 */
#include <string.h>

#include "identity.h"
#include "milters/table.h"
#include "mta.h"
#include "setup.h"
#include "tool.h"

#define SECTIONS 32

/* All sections; ends with NULL. */
static void sections_list(const struct section **sections)
{
	size_t count = 0;

	sections[count++] = &leumund_section;
	sections[count++] = &identity_section;
	sections[count++] = &store_section;
	for (size_t i = 0; milters[i] && count < SECTIONS; i++)
		sections[count++] = milters[i]->section;
	sections[count] = NULL;
}

static const struct section *section_find(const char *name)
{
	const struct section *sections[SECTIONS + 1];
	const char *names[SECTIONS + 1], *meant;
	size_t i;

	sections_list(sections);
	for (i = 0; sections[i]; i++) {
		if (!strcmp(sections[i]->name, name))
			return sections[i];
		names[i] = sections[i]->name;
	}
	names[i] = NULL;
	meant = word_meant(name, names);
	fputs("leumund: '", stderr);
	print_safe(stderr, name);
	fputs(meant ? "' is no section; did you mean " : "' is no section; there are", stderr);
	for (i = 0; !meant && names[i]; i++)
		fprintf(stderr, " %s", names[i]);
	fprintf(stderr, "%s%s\n", meant ? meant : "", meant ? "?" : "");
	return NULL;
}

int command_config(const struct call *call)
{
	const char *only = call->count > 0 ? call->words[0] : NULL;
	struct setup setup;
	int status;

	if (only && !section_find(only))
		return EX_USAGE;
	status = tool_setup(call, &setup);
	if (status != 0)
		return status;
	config_print(setup.config, only, call->json, stdout);
	setup_free(&setup);
	return EX_OK;
}

int command_mta(const struct call *call)
{
	struct setup setup;
	int status = tool_setup(call, &setup);

	if (status != 0)
		return status;
	if (mta_print(call->words[0], &setup, call->run, stdout) < 0) {
		if (setup.service_count == 0) {
			complain("no service is enabled: set enable = true in a milter's section of conf.d");
			status = EX_CONFIG;
		} else {
			complain("postfix, sendmail and exim are known");
			status = EX_USAGE;
		}
	}
	setup_free(&setup);
	return status;
}

int command_manual(const struct call *call)
{
	const struct section *section = section_find(call->words[0]);

	if (!section)
		return EX_USAGE;
	section_manual(section, stdout);
	return EX_OK;
}

int command_sample(const struct call *call)
{
	const struct section *section = section_find(call->words[0]);

	if (!section)
		return EX_USAGE;
	section_sample(section, stdout);
	return EX_OK;
}
