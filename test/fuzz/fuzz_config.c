/*
 * Fuzzes a configuration file: bytes become 10-fuzz.conf of a private directory. Whatever they
 * are, config_load() must give a configuration or an explanation, and both ways leak nothing.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "option/option.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct values {
	bool enable;
	int action;
	int64_t window, count;
	struct string_list names;
	const char *text;
};

static const char *const actions[] = { "off", "observe", "hold", "defer", "reject", NULL };

static const char *check_length(const char *value)
{
	return strlen(value) > 64 ? "at most 64 bytes" : NULL;
}

/* clang-format off */
static const struct option options[] = {
	{ OPTION_BOOL, "enable", "true", 0, 0, NULL, NULL, offsetof(struct values, enable), "x" },
	{ OPTION_CHOICE, "action", "reject", 0, 0, actions, NULL, offsetof(struct values, action), "x" },
	{ OPTION_TIME, "window", "1h", 60, 604800, NULL, NULL, offsetof(struct values, window), "x" },
	{ OPTION_NUMBER, "count", "-5", INT64_MIN, INT64_MAX, NULL, NULL, offsetof(struct values, count), "x" },
	{ OPTION_LIST, "names", "{}", 0, 0, NULL, check_length, offsetof(struct values, names), "x" },
	{ OPTION_STRING, "text", "\"\"", 0, 0, NULL, NULL, offsetof(struct values, text), "x" },
	{ 0 },
};
/* clang-format on */
static const struct section sender = { "sender", "x", options, sizeof(struct values), NULL };
static const struct section signup = { "signup", "x", options, sizeof(struct values), NULL };
static const struct section *const sections[] = { &sender, &signup, NULL };

static char directory[] = "/tmp/fuzz_config.XXXXXX";
static char path[sizeof(directory) + 16];

static void clean_up(void)
{
	unlink(path);
	rmdir(directory);
}

static void print_all(const struct config *config, FILE *out)
{
	config_print(config, NULL, false, out);
	config_print(config, NULL, true, out);
}

/* Every line names the file; and libconfuse itself has nothing left to complain about, option_scan() has said it all.
 */
static void judge_explanation(const char *error)
{
	static const char *const theirs[] = { "unexpected", "premature",	   "no such", "missing", "bad escape",
					      "invalid",    "cannot be understood" };

	for (const char *line = error; line && *line; line = strchr(line, '\n') ? strchr(line, '\n') + 1 : NULL) {
		const char *sentence = line + strlen(path);

		if (strlen(line) < strlen(path) + 8)
			return; /* cut */
		if (strncmp(line, path, strlen(path)) != 0)
			abort();
		sentence += strspn(sentence, ":0123456789 ");
		for (size_t i = 0; i < sizeof(theirs) / sizeof(theirs[0]); i++)
			if (strncmp(sentence, theirs[i], strlen(theirs[i])) == 0)
				abort();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static FILE *null_device;
	char error[4096];
	struct config *config;
	int fd;

	if (!null_device) {
		null_device = fopen("/dev/null", "w");
		if (!null_device || !mkdtemp(directory))
			abort();
		snprintf(path, sizeof(path), "%s/10-fuzz.conf", directory);
		atexit(clean_up);
	}
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	if (fd < 0 || write(fd, data, size) != (ssize_t)size)
		abort();
	close(fd);
	config = config_load(directory, sections, error, sizeof(error));
	if (!config && error[0] == '\0')
		abort();
	if (!config)
		judge_explanation(error);
	if (config) {
		print_all(config, null_device);
		config_free(&config);
	}
	return 0;
}
