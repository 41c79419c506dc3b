/*
 * Fuzzes a file of the directory. Whatever its bytes: no crash, every listed domain is owned by whom
 * it is listed for, and a second look changes nothing.
 */
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "directory/directory.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char path[] = "/tmp/fuzz_directory.XXXXXX";
static const char *const paths[] = { path };
static const struct string_list files = { paths, 1 };

static void clean_up(void)
{
	unlink(path);
}

struct listing {
	const struct directory *directory;
	const char *account;
};

static void check_domain(void *arg, const char *domain)
{
	const struct listing *listing = arg;
	const char *owners[4];

	if (!directory_owns(listing->directory, listing->account, domain, false) ||
	    directory_owners(listing->directory, domain, true, owners, 4) == 0 ||
	    !directory_account(listing->directory, owners[0]))
		abort();
}

static void check_sentence(void *arg, bool is_warning, const char *sentence)
{
	(void)arg;
	(void)is_warning;
	for (; *sentence; sentence++)
		if (*sentence < ' ' || *sentence > '~')
			abort();
}

/* Each word behind a colon may have become an account. */
static void check_accounts(const struct directory *directory, char *input)
{
	char *rest = input, *line;

	while ((line = strsep(&rest, "\n"))) {
		char *colon = strchr(line, ':');
		struct listing listing = { directory, NULL };

		if (!colon)
			continue;
		*colon++ = '\0';
		colon += strspn(colon, " \t\r");
		colon[strcspn(colon, " \t\r#")] = '\0';
		listing.account = colon;
		directory_domains(directory, colon, check_domain, &listing);
		directory_login(directory, line);
		directory_owns(directory, colon, line, true);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct timespec old[2] = { { .tv_sec = 1000 }, { .tv_sec = 1000 } };
	static int fd = -1;
	struct directory *directory;
	char *input;

	if (fd < 0) {
		fd = mkstemp(path);
		atexit(clean_up);
	}
	if (ftruncate(fd, 0) != 0 || pwrite(fd, data, size, 0) != (ssize_t)size || futimens(fd, old) != 0)
		abort();
	directory = directory_reload(NULL, &files, check_sentence, NULL);
	input = malloc(size + 1);
	if (!directory || !input || directory_reload(directory, &files, check_sentence, NULL))
		abort();
	memcpy(input, data, size);
	input[size] = '\0';
	check_accounts(directory, input);
	free(input);
	directory_unref(&directory);
	return 0;
}
