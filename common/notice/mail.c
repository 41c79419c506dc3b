/*
 * Mail to the admin (notice/sink.h), with the null sender: what cannot be delivered comes back to nobody, and it is how
 * our own rules know it (identity.c).
 *
 * By SMTP where that is built in: below systemd's NoNewPrivileges, which leumund.service sets, no MTA's sendmail(1)
 * can do its work, being or calling a program that changes its group or user.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>

#include "notice/program.h"
#include "notice/transfer.h"

#define LOOPBACK "smtp://127.0.0.1"
#define SENDMAIL "/usr/sbin/sendmail"
#define ADDRESS_MAX 254 /* RFC 5321 4.5.3.1.3, without the brackets */
#define BY_MAX 1000
#define LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"

const char *mail_check(const char *value)
{
	const char *at = strchr(value, '@');
	size_t local = at ? (size_t)(at - value) : 0;

	if (value[0] == '\0')
		return NULL;
	/* a first '-' would be an option of sendmail(1) */
	if (local == 0 || value[0] == '-' || strspn(value, LETTERS ".-_+=") != local || !strchr(LETTERS, at[1]) ||
	    at[1] == '\0' || at[1 + strspn(at + 1, LETTERS ".-")] != '\0')
		return "write one address, such as \"admin@example.com\"";
	return strlen(value) <= ADDRESS_MAX ? NULL : "an address has at most 254 bytes";
}

static bool is_smtp(const char *by)
{
	return strncmp(by, "smtp://", 7) == 0;
}

const char *mail_by_check(const char *value)
{
	if (value[0] == '\0')
		return NULL;
	if (!is_smtp(value))
		return value[0] == '/' ? program_check(value) : "write \"smtp://127.0.0.1\" or \"/usr/sbin/sendmail\"";
	if (!LEUMUND_WITH_CURL)
		return "this leumund was built without libcurl; build it again with libcurl4-openssl-dev (EL: "
		       "libcurl-devel), or name a sendmail(1) program";
	if (value[7] == '\0' || value[7 + strspn(value + 7, LETTERS ".-:[]")] != '\0')
		return "write smtp://host or smtp://host:port";
	return strlen(value) < BY_MAX ? NULL : "that is too long";
}

static bool mail_wanted(const struct notice_options *options)
{
	return options->mail[0] != '\0';
}

static enum outcome send_by_smtp(const struct attempt *attempt, const char *url)
{
	struct transfer transfer = { .url = url, .recipient = attempt->options->mail };
	char *mail = item_mail(attempt->item, attempt->options->mail, "\r\n", &transfer.len);
	enum outcome outcome = FAILED;

	transfer.body = mail;
	if (mail)
		outcome = transfer_run(&transfer, attempt->stop_fd, attempt->said);
	else
		text_str(attempt->said, "no memory");
	free(mail);
	return outcome;
}

static enum outcome send_by_program(const struct attempt *attempt, const char *path)
{
	/* the recipient is a word and not a header's (-t); -i: a lone dot ends nothing */
	char *argv[] = { (char *)(uintptr_t)path,
			 (char *)(uintptr_t) "-i",
			 (char *)(uintptr_t) "-f",
			 (char *)(uintptr_t) "<>",
			 (char *)(uintptr_t)attempt->options->mail,
			 NULL };
	struct program program = { .argv = argv };
	char *mail = item_mail(attempt->item, attempt->options->mail, "\n", &program.input_len);
	char **environment = item_environment(attempt->item);
	enum outcome outcome = FAILED;

	program.input = mail;
	program.environment = environment;
	if (mail && environment)
		outcome = program_run(&program, attempt->stop_fd, attempt->said);
	else
		text_str(attempt->said, "no memory");
	free(environment);
	free(mail);
	if (outcome != DELIVERED && prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1)
		text_str(attempt->said, "; with NoNewPrivileges, as in leumund.service, sendmail(1) cannot work: set "
					"notice.mail_by to \"" LOOPBACK "\"");
	return outcome;
}

static enum outcome mail_send(const struct attempt *attempt)
{
	const char *by = attempt->options->mail_by;

	if (by[0] == '\0')
		by = LEUMUND_WITH_CURL ? LOOPBACK : SENDMAIL;
	return is_smtp(by) ? send_by_smtp(attempt, by) : send_by_program(attempt, by);
}

const struct sink sink_mail = {
	.name = "mail",
	.remedy = "see notice.mail_by and the mail server's log; `leumund notice test` tries it again",
	.wanted = mail_wanted,
	.send = mail_send,
};
