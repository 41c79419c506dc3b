/*
 * What is said of a section or an option that nobody declared: what was probably meant, where the option
 * belongs, or what is allowed.
 */
#include <string.h>

#include "option/inner.h"
#include "option/typo.h"

struct suggestion {
	struct span wrong;
	const char *best;
	unsigned distance;
	char names[512];
	struct text list;
};

static void suggestion_init(struct suggestion *suggestion, struct span wrong)
{
	suggestion->wrong = wrong;
	suggestion->best = NULL;
	suggestion->distance = wrong.len / 3 + 1 < 4 ? (unsigned)wrong.len / 3 + 1 : 4;
	text_init(&suggestion->list, suggestion->names, sizeof(suggestion->names));
}

static void suggestion_try(struct suggestion *suggestion, const char *name)
{
	unsigned distance = typo_distance(suggestion->wrong.at, suggestion->wrong.len, name);

	if (distance < suggestion->distance) {
		suggestion->distance = distance;
		suggestion->best = name;
	}
	text_char(&suggestion->list, ' ');
	text_str(&suggestion->list, name);
}

static void report_unknown(struct option_file *file, unsigned line, const char *what,
			   const struct suggestion *suggestion)
{
	if (suggestion->best)
		option_problem(file, line, "unknown %s; did you mean '%s'?", what, suggestion->best);
	else
		option_problem(file, line, "unknown %s; allowed:%s", what, suggestion->names);
}

void section_unknown(struct option_file *file, unsigned line, struct span name)
{
	const struct config *config = file->config;
	struct suggestion suggestion;
	char what[4 * OPTION_NAME_MAX + 32];
	struct text text;

	suggestion_init(&suggestion, name);
	for (size_t i = 0; i < config->part_count; i++)
		suggestion_try(&suggestion, config->parts[i].section->name);
	text_init(&text, what, sizeof(what));
	text_str(&text, "section '");
	text_escaped(&text, name.at, name.len, OPTION_NAME_MAX);
	text_char(&text, '\'');
	report_unknown(file, line, what, &suggestion);
}

/* The section that has an option of this name, or NULL. */
static const struct section *section_with(const struct config *config, struct span name)
{
	for (size_t i = 0; i < config->part_count; i++) {
		if (section_option(config->parts[i].section, name.at, name.len))
			return config->parts[i].section;
	}
	return NULL;
}

void option_unknown(struct option_file *file, unsigned line, const struct section *section, struct span name)
{
	const struct section *other = section_with(file->config, name);
	struct suggestion suggestion;
	char what[5 * OPTION_NAME_MAX + 32];
	struct text text;

	suggestion_init(&suggestion, name);
	for (const struct option *row = section->options; row->name; row++)
		suggestion_try(&suggestion, row->name);
	text_init(&text, what, sizeof(what));
	text_str(&text, "option '");
	text_escaped(&text, name.at, name.len, OPTION_NAME_MAX);
	text_str(&text, "' in section '");
	text_str(&text, section->name);
	text_char(&text, '\'');
	if (other && !suggestion.best)
		option_problem(file, line, "unknown %s; it belongs in section '%s'", what, other->name);
	else
		report_unknown(file, line, what, &suggestion);
}
