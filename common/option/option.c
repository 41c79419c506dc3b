/*
 * Reads conf.d into the structs of the sections (option/option.h): which files there are, and their bytes.
 * option_scan() and option_parse() do the rest.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "option/inner.h"

static void read_buffer(struct option_file *file, char *buffer, size_t len)
{
	if (len > 0 && option_scan(file, buffer, len))
		option_parse(file, buffer);
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
	else if (error == ENOTDIR)
		remedy = "; name the directory that holds the files, not one of them";
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

/* When each value is good for itself. */
static void check_sections(struct config *config, struct option_file *file)
{
	char error[512];

	for (size_t i = 0; i < config->part_count; i++) {
		const struct config_part *part = &config->parts[i];
		const struct section *section = part->section;
		const struct option_origin *origin;
		const char *option = "";

		if (!section->check || section->check(part->values, &option, error, sizeof(error)))
			continue;
		origin = &part->origins[section_option(section, option, strlen(option)) - section->options];
		file->name = origin->file ? origin->file : "(built-in defaults)";
		option_problem(file, origin->line, "option '%s' in section '%s': %s", option, section->name, error);
	}
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
	if (file.problem_count == 0)
		check_sections(config, &file);
	if (file.problem_count > 0)
		config_free(&config);
	return config;
}
