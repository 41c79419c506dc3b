/*
 * Reads conf.d with libconfuse into the structs of the sections (option.h).
 *
 * libconfuse 3.3 loses file and line inside sections and stops at a file's first error. So
 * every value is judged in a callback, while its line is known, and what is wrong is noted
 * and reading goes on; option_scan() has reported unknown names before.
 */
#include <confuse.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "option_inner.h"

#define CONFIG_MEMORY_MAX (256u << 20) /* bytes: a runaway file must not take the machine */

/*
 * libconfuse's lexer is global and its callbacks are given no argument of ours, so one file
 * is read at a time and stands here meanwhile.
 */
static pthread_mutex_t parsing = PTHREAD_MUTEX_INITIALIZER;
static struct option_file *parsed;

void option_problem(struct option_file *file, unsigned line, const char *format, ...)
{
	char sentence[2048];
	va_list args;

	va_start(args, format);
	vsnprintf(sentence, sizeof(sentence), format, args);
	va_end(args);
	if (file->problem_count++ > 0)
		text_char(file->problems, '\n');
	text_str(file->problems, file->name);
	text_char(file->problems, ':');
	if (line > 0) {
		text_u64(file->problems, line);
		text_char(file->problems, ':');
	}
	text_char(file->problems, ' ');
	text_str(file->problems, sentence);
}

struct config_part *config_part(const struct config *config, const char *name, size_t len)
{
	for (size_t i = 0; i < config->part_count; i++) {
		const char *known = config->parts[i].section->name;

		if (strlen(known) == len && memcmp(known, name, len) == 0)
			return &config->parts[i];
	}
	return NULL;
}

const struct option *section_option(const struct section *section, const char *name, size_t len)
{
	for (const struct option *row = section->options; row->name; row++) {
		if (strlen(row->name) == len && memcmp(row->name, name, len) == 0)
			return row;
	}
	return NULL;
}

static size_t section_size(const struct section *section)
{
	size_t count = 0;

	while (section->options[count].name)
		count++;
	return count;
}

/* ---- libconfuse -------------------------------------------------------------------------------- */

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

static void parse_buffer(struct option_file *file, const char *buffer)
{
	unsigned before = file->problem_count;
	struct arena scratch;
	cfg_opt_t *rows;
	cfg_t *cfg;

	arena_init(&scratch, CONFIG_MEMORY_MAX);
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

static void read_buffer(struct option_file *file, char *buffer, size_t len)
{
	if (len > 0 && option_scan(file, buffer, len))
		parse_buffer(file, buffer);
}

/* ---- files ------------------------------------------------------------------------------------- */

/* Reads all of an open file; NULL with errno. NUL-terminated. */
static char *read_all(int fd, size_t *len)
{
	char *buffer = malloc(CONFIG_FILE_MAX + 2);

	for (*len = 0; buffer;) {
		ssize_t got = read(fd, buffer + *len, CONFIG_FILE_MAX + 1 - *len);

		if (got > 0) {
			*len += (size_t)got;
			if (*len <= CONFIG_FILE_MAX)
				continue;
			errno = EFBIG;
		} else if (got == 0) {
			buffer[*len] = '\0';
			return buffer;
		} else if (errno == EINTR) {
			continue;
		}
		int saved = errno;
		free(buffer);
		errno = saved;
		return NULL;
	}
	return NULL;
}

static void report_unreadable(struct option_file *file, int error)
{
	const char *remedy = "";

	if (error == EACCES)
		remedy = "; let the service's user read it: chmod o+r, or its group, and see the directories above";
	else if (error == ENOENT)
		remedy = "; create it, or name the right one (a symbolic link must lead to a file)";
	else if (error == EFBIG)
		remedy = "; a file of the configuration has at most 1 MiB";
	option_problem(file, 0, "cannot be read: %s%s", strerror(error), remedy);
}

static bool refuse_writable(struct option_file *file, const struct stat *st, const char *path)
{
	if (!(st->st_mode & S_IWOTH))
		return false;
	option_problem(file, 0, "anybody may write to it; take that away: chmod o-w %s", path);
	return true;
}

static void load_file(struct option_file *file, int directory_fd, const char *name)
{
	/* O_NONBLOCK: a FIFO of this name must not stop the start */
	int fd = openat(directory_fd, name, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct stat st;
	char *buffer;
	size_t len;

	if (fd < 0 || fstat(fd, &st) != 0) {
		/* a socket cannot be opened, and is no file of ours */
		if (errno != ENXIO)
			report_unreadable(file, errno);
	} else if (S_ISREG(st.st_mode) && !refuse_writable(file, &st, file->name)) {
		buffer = read_all(fd, &len);
		if (buffer)
			read_buffer(file, buffer, len);
		else
			report_unreadable(file, errno);
		free(buffer);
	}
	if (fd >= 0)
		close(fd);
}

/* Editors leave a.conf~, .a.conf.swp, #a.conf#; packagers a.conf.dpkg-old: none of them ends so or begins plain. */
static int is_config_name(const struct dirent *entry)
{
	size_t len = strlen(entry->d_name);

	return entry->d_name[0] != '.' && len > 5 && strcmp(entry->d_name + len - 5, ".conf") == 0;
}

/* By bytes: alphasort() would follow the locale. */
static int by_name(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static const char *path_join(struct arena *arena, const char *directory, const char *name)
{
	size_t directory_len = strlen(directory), name_len = strlen(name);
	char *path;

	while (directory_len > 1 && directory[directory_len - 1] == '/')
		directory_len--;
	path = arena_alloc(arena, directory_len + name_len + 2);
	if (path) {
		memcpy(path, directory, directory_len);
		path[directory_len] = '/';
		memcpy(path + directory_len + 1, name, name_len);
		path[directory_len + 1 + name_len] = '\0';
	}
	return path;
}

static void load_directory(struct config *config, const char *directory, struct option_file *file)
{
	int fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct dirent **entries = NULL;
	struct stat st;
	int count = -1;

	file->name = directory;
	if (fd >= 0 && fstat(fd, &st) == 0 && refuse_writable(file, &st, directory)) {
		close(fd);
		return;
	}
	if (fd >= 0)
		count = scandirat(fd, ".", &entries, is_config_name, by_name);
	if (count < 0)
		report_unreadable(file, errno);
	for (int i = 0; i < count; i++) {
		file->name = path_join(&config->arena, directory, entries[i]->d_name);
		if (file->name) {
			load_file(file, fd, entries[i]->d_name);
		} else {
			file->name = directory;
			option_problem(file, 0, "out of memory");
		}
		free(entries[i]);
	}
	free(entries);
	if (fd >= 0)
		close(fd);
}

/* ---- the configuration ------------------------------------------------------------------------- */

static bool part_init(struct config *config, struct config_part *part, const struct section *section)
{
	size_t count = section_size(section);

	part->section = section;
	part->place = 0;
	part->values = arena_alloc(&config->arena, section->size ? section->size : 1);
	part->origins = arena_alloc(&config->arena, (count + 1) * sizeof(*part->origins));
	if (!part->values || !part->origins)
		return false;
	memset(part->values, 0, section->size);
	memset(part->origins, 0, (count + 1) * sizeof(*part->origins));
	return true;
}

static struct config *config_new(const struct section *const *sections)
{
	struct config *config = calloc(1, sizeof(*config));
	size_t count = 0;

	if (!config)
		return NULL;
	arena_init(&config->arena, CONFIG_MEMORY_MAX);
	while (sections[count])
		count++;
	config->parts = arena_alloc(&config->arena, (count + 1) * sizeof(*config->parts));
	for (size_t i = 0; config->parts && i < count; i++) {
		if (!part_init(config, &config->parts[i], sections[i]))
			break;
		config->part_count++;
	}
	if (config->part_count < count)
		config_free(&config);
	return config;
}

/* The presets as a file that an admin could have written, so that they pass every check that his would. */
static char *presets_text(const struct config *config, size_t *len)
{
	char *buffer = NULL;
	FILE *out = open_memstream(&buffer, len);

	if (!out)
		return NULL;
	for (size_t i = 0; i < config->part_count; i++) {
		const struct section *section = config->parts[i].section;

		fprintf(out, "%s {\n", section->name);
		for (const struct option *row = section->options; row->name; row++)
			fprintf(out, "%s = %s\n", row->name, row->preset ? row->preset : "");
		fputs("}\n", out);
	}
	if (fclose(out) != 0) {
		free(buffer);
		return NULL;
	}
	return buffer;
}

static void load_presets(struct config *config, struct option_file *file)
{
	size_t len = 0;
	char *buffer = presets_text(config, &len);

	file->name = "(built-in defaults)";
	if (!buffer) {
		option_problem(file, 0, "out of memory");
		return;
	}
	read_buffer(file, buffer, len);
	free(buffer);
	for (size_t i = 0; i < config->part_count; i++) {
		struct config_part *part = &config->parts[i];

		part->place = 0;
		for (size_t j = 0; part->section->options[j].name; j++)
			part->origins[j] = (struct option_origin){ NULL, 0, 0 };
	}
	config->places = 0;
}

struct config *config_load(const char *directory, const struct section *const *sections, char *error, size_t size)
{
	char none[1];
	struct text problems;
	struct config *config = config_new(sections);
	struct option_file file = { .config = config, .name = directory, .problems = &problems };

	text_init(&problems, size > 0 ? error : none, size > 0 ? size : sizeof(none));
	if (!config) {
		option_problem(&file, 0, "out of memory");
		return NULL;
	}
	load_presets(config, &file);
	if (file.problem_count == 0)
		load_directory(config, directory, &file);
	if (file.problem_count > 0)
		config_free(&config);
	return config;
}

void config_free(struct config **config)
{
	if (!*config)
		return;
	arena_free(&(*config)->arena);
	free(*config);
	*config = NULL;
}

const void *config_section(const struct config *config, const char *name)
{
	const struct config_part *part = config_part(config, name, strlen(name));

	return part ? part->values : NULL;
}

unsigned config_place(const struct config *config, const char *name)
{
	const struct config_part *part = config_part(config, name, strlen(name));

	return part ? part->place : 0;
}
