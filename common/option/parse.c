/*
 * From a file's bytes to values, with libconfuse.
 *
 * libconfuse 3.3 loses file and line inside sections and stops at a file's first error. So every value is
 * judged in a callback, while its line is known, and what is wrong is noted and reading goes on;
 * option_scan() has reported unknown names before.
 */
#include <confuse.h>
#include <pthread.h>
#include <string.h>

#include "option/inner.h"

#define SCRATCH_MAX (16u << 20) /* bytes: for the rows alone */

/*
 * libconfuse's lexer is global and its callbacks are given no argument of ours, so one file
 * is read at a time and stands here meanwhile.
 */
static pthread_mutex_t parsing = PTHREAD_MUTEX_INITIALIZER;
static struct option_file *parsed;

/* What option_scan() lets pass and libconfuse does not take, if there is such a thing. */
static void on_error(cfg_t *cfg, const char *format, va_list args)
{
	char sentence[512];

	vsnprintf(sentence, sizeof(sentence), format, args);
	option_problem(parsed, cfg->line > 0 ? (unsigned)cfg->line : 0, "%s", sentence);
}

static int on_value(cfg_t *cfg, cfg_opt_t *opt, const char *value, void *result)
{
	struct config *config = (struct config *)(uintptr_t)parsed->config;
	struct config_part *part = config_part(config, cfg->name, strlen(cfg->name));
	const struct option *row = part ? section_option(part->section, opt->name, strlen(opt->name)) : NULL;
	struct option_origin *origin;
	const char *why;

	/* libconfuse keeps a copy, which nobody reads */
	*(const char **)result = "";
	if (!row)
		return -1;
	/* a new assignment has dropped what the list held, so its first value is number 1 */
	why = option_store(&config->arena, row, part->values, opt->nvalues <= 1, value);
	if (why)
		option_problem(parsed, (unsigned)cfg->line, "option '%s' in section '%s': %s", row->name,
			       part->section->name, why);
	origin = &part->origins[row - part->section->options];
	origin->file = parsed->name;
	origin->line = (unsigned)cfg->line;
	return 0;
}

/* An empty list calls on_value() for nothing; the section's end finds it. */
static int on_section_end(cfg_t *cfg, cfg_opt_t *opt)
{
	struct config *config = (struct config *)(uintptr_t)parsed->config;
	struct config_part *part = config_part(config, opt->name, strlen(opt->name));
	cfg_t *body = cfg_opt_getnsec(opt, 0);

	(void)cfg;
	if (!part || !body)
		return -1;
	if (part->place == 0)
		part->place = ++config->places;
	for (unsigned i = 0; i < cfg_num(body); i++) {
		cfg_opt_t *set = cfg_getnopt(body, i);
		const struct option *row = section_option(part->section, set->name, strlen(set->name));
		struct option_origin *origin;

		if (!row || !(set->flags & CFGF_LIST) || !(set->flags & CFGF_MODIFIED) || set->nvalues > 0)
			continue;
		origin = &part->origins[row - part->section->options];
		option_store_empty(row, part->values);
		origin->file = parsed->name;
		origin->line = origin->empty_line;
	}
	return 0;
}

/* `count` rows and one for the end; NULL without memory. */
static cfg_opt_t *rows_new(struct arena *scratch, size_t count)
{
	cfg_opt_t *rows = arena_alloc(scratch, (count + 1) * sizeof(*rows));

	if (!rows)
		return NULL;
	memset(rows, 0, count * sizeof(*rows));
	rows[count] = (cfg_opt_t)CFG_END();
	return rows;
}

static cfg_opt_t *option_rows(struct arena *scratch, const struct section *section)
{
	cfg_opt_t *rows = rows_new(scratch, section_size(section));

	for (size_t i = 0; rows && section->options[i].name; i++) {
		rows[i].name = section->options[i].name;
		rows[i].type = CFGT_STR;
		rows[i].flags = section->options[i].type == OPTION_LIST ? CFGF_LIST : CFGF_NODEFAULT;
		rows[i].parsecb = on_value;
	}
	return rows;
}

static cfg_opt_t *section_rows(struct arena *scratch, const struct config *config)
{
	cfg_opt_t *rows = rows_new(scratch, config->part_count);

	for (size_t i = 0; rows && i < config->part_count; i++) {
		rows[i].name = config->parts[i].section->name;
		rows[i].type = CFGT_SEC;
		rows[i].validcb = on_section_end;
		rows[i].subopts = option_rows(scratch, config->parts[i].section);
		if (!rows[i].subopts)
			return NULL;
	}
	return rows;
}

void option_parse(struct option_file *file, const char *buffer)
{
	unsigned before = file->problem_count;
	struct arena scratch;
	cfg_opt_t *rows;
	cfg_t *cfg;

	arena_init(&scratch, SCRATCH_MAX);
	rows = section_rows(&scratch, file->config);
	cfg = rows ? cfg_init(rows, CFGF_NONE) : NULL;
	if (!cfg) {
		option_problem(file, 0, "out of memory");
	} else {
		pthread_mutex_lock(&parsing);
		parsed = file;
		cfg_set_error_function(cfg, on_error);
		if (cfg_parse_buf(cfg, buffer) != CFG_SUCCESS && file->problem_count == before)
			option_problem(file, 0, "cannot be understood");
		parsed = NULL;
		pthread_mutex_unlock(&parsing);
	}
	if (cfg)
		cfg_free(cfg);
	arena_free(&scratch);
}
