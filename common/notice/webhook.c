/*
 * A POST of JSON to an URL (notice/sink.h).
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "notice/sink.h"
#include "notice/transfer.h"

#define URL_MAX 2000
#define TOKEN_MAX 4096

const char *webhook_check(const char *value)
{
	const char *host = strncmp(value, "https://", 8) == 0  ? value + 8
			   : strncmp(value, "http://", 7) == 0 ? value + 7
							       : NULL;
	size_t host_len = host ? strcspn(host, "/?#") : 0;

	if (value[0] == '\0')
		return NULL;
	if (!LEUMUND_WITH_CURL)
		return "this leumund was built without libcurl; build it again with libcurl4-openssl-dev (EL: "
		       "libcurl-devel), or let notice.hook call a program that posts";
	if (!host || host_len == 0)
		return "write https://host/path, or http:// where nobody can listen";
	if (memchr(host, '@', host_len))
		return "no name and password in an URL; see webhook_token_file";
	for (const char *at = value; *at; at++)
		if (*at <= ' ' || *at > '~')
			return "an URL has no blanks and only ASCII; write %20 and the like";
	return strlen(value) <= URL_MAX ? NULL : "an URL has at most 2000 bytes here";
}

bool webhook_is_private(const char *url)
{
	static const char *const here[] = { "http://127.0.0.1", "http://localhost", "http://[::1]" };

	for (size_t i = 0; i < sizeof(here) / sizeof(*here); i++)
		if (!strncmp(url, here[i], strlen(here[i])) && strchr(":/", url[strlen(here[i])]))
			return true;
	return !strncmp(url, "https://", 8);
}

/* Why its mode is wrong, or NULL. */
static const char *token_mode(const struct stat *file)
{
	if (!S_ISREG(file->st_mode))
		return "that is no file; name the one whose first line is the token";
	return file->st_mode & S_IRWXO ? "is open to all users of this server; take that away: chmod o=" : NULL;
}

const char *webhook_token_check(const char *value)
{
	struct stat file;

	if (value[0] == '\0')
		return NULL;
	if (value[0] != '/')
		return "write the absolute path of a file whose first line is the token";
	if (stat(value, &file) < 0)
		return errno == EACCES ? "its folder may not be looked into" : "is not there; create it with chmod 640";
	return token_mode(&file);
}

/* Read anew each time: tokens change. NULL, or a sentence. */
static const char *token_read(const char *path, char *token, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	const char *why = "cannot be read by the service's user; let its group read it";
	struct stat file;
	ssize_t len;

	if (fd < 0)
		return why;
	if (fstat(fd, &file) == 0 && !(why = token_mode(&file))) {
		len = read(fd, token, size - 1);
		token[len > 0 ? len : 0] = '\0';
		token[strcspn(token, "\r\n")] = '\0';
		for (const char *at = token; *at; at++)
			if (*at <= ' ' || *at > '~')
				why = "its first line is no token: no blanks, only ASCII";
		if (token[0] == '\0')
			why = "its first line is empty; write the token there";
	}
	close(fd);
	return why;
}

static bool webhook_wanted(const struct notice_options *options)
{
	return options->webhook[0] != '\0';
}

static enum outcome webhook_send(const struct attempt *attempt)
{
	const char *path = attempt->options->webhook_token_file;
	struct transfer transfer = { .url = attempt->options->webhook };
	char token[TOKEN_MAX] = "", *json;
	const char *why = path[0] != '\0' ? token_read(path, token, sizeof(token)) : NULL;
	enum outcome outcome = FAILED;

	if (why) {
		text_str(attempt->said, "notice.webhook_token_file: ");
		text_escaped(attempt->said, path, strlen(path), 200);
		text_char(attempt->said, ' ');
		text_str(attempt->said, why);
		return HOPELESS;
	}
	json = item_json(attempt->item, &transfer.len);
	transfer.body = json;
	transfer.token = token[0] != '\0' ? token : NULL;
	if (json)
		outcome = transfer_run(&transfer, attempt->stop_fd, attempt->said);
	else
		text_str(attempt->said, "no memory");
	explicit_bzero(token, sizeof(token));
	free(json);
	return outcome;
}

const struct sink sink_webhook = {
	.name = "webhook",
	.remedy = "see the server behind notice.webhook; `leumund notice test` tries it again",
	.wanted = webhook_wanted,
	.send = webhook_send,
};
