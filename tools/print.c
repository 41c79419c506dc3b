/*
 * `leumund config`, `mta`, and for the makefile `manual` and `sample`: what follows from
 * option rows and configuration alone.
 */
#include <string.h>

#include "milters/table.h"
#include "mta.h"
#include "setup.h"
#include "tool.h"

static const struct section *section_find(const char *name)
{
	const struct section *sections[SETUP_SECTIONS + 1];
	const char *names[SETUP_SECTIONS + 1], *meant;
	size_t i;

	if (setup_sections(sections, milters) < 0)
		return NULL;
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
	static const char *const known[] = { "postfix", "sendmail", "exim", NULL };
	const char *meant = word_meant(call->words[0], known);
	struct setup setup;
	int status;

	if (!meant || strcmp(meant, call->words[0]) != 0) {
		if (meant)
			complain("that MTA is not known; did you mean '%s'?", meant);
		else
			complain("postfix, sendmail and exim are known");
		return EX_USAGE;
	}
	status = tool_setup(call, &setup);
	if (status != 0)
		return status;
	if (mta_print(meant, &setup, call->run, stdout) < 0) {
		complain("no service is enabled: set enable = true in a milter's section of conf.d");
		status = EX_CONFIG;
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
