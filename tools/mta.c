/*
 * `leumund mta`: the lines that Postfix, sendmail and Exim need, for each way that mail is handed in.
 * The tests on real MTAs (test/mta) use what is printed here, unchanged.
 */
#include <stdbool.h>
#include <string.h>

#include "exim/exim.h"
#include "mta.h"

/* Debian's Postfix; sockets below it are named relative, so that they are found from inside a chroot too. */
#define POSTFIX_QUEUE "/var/spool/postfix/"

struct fill {
	const char *name; /* "@NAME@" in the template */
	const char *value;
};

/* Writes a template with its names filled in; a name that is not listed stays as it is. */
static void template_print(FILE *out, const char *template, const struct fill *fills, size_t count)
{
	while (*template != '\0') {
		size_t i;

		for (i = 0; i < count; i++) {
			if (strncmp(template, fills[i].name, strlen(fills[i].name)) == 0)
				break;
		}
		if (i < count) {
			fputs(fills[i].value, out);
			template += strlen(fills[i].name);
		} else {
			fputc(*template ++, out);
		}
	}
}

/* Where a service listens when conf.d says `listen = {"SERVICE=inet:PORT@HOST"}`: "inet:PORT@HOST", else NULL. */
static const char *service_listen(const struct setup *setup, const char *service)
{
	const struct string_list *listen = &setup->leumund->listen;
	size_t len = strlen(service);

	for (size_t i = 0; i < listen->count; i++) {
		if (strncmp(listen->at[i], service, len) == 0 && listen->at[i][len] == '=')
			return listen->at[i] + len + 1;
	}
	return NULL;
}

/* A service's name where an MTA takes letters, digits and underscores only. */
static void service_word(FILE *out, const char *service)
{
	for (; *service != '\0'; service++)
		fputc(*service == '-' ? '_' : *service, out);
}

/*
 * The sockets' group is the MTA's: with another one the MTA cannot connect, and says no more than that.
 * `panels` is what it is where a panel has installed the MTA, or NULL.
 */
static void group_print(FILE *out, const char *comment, const struct setup *setup, const char *group,
			const char *panels, const char *why)
{
	const char *now = setup->leumund->socket_group;

	fprintf(out, "%s Group of the sockets (leumund { socket_group = \"%s\" }): %s.\n", comment, group, why);
	if (strcmp(now, group) != 0 && (!panels || strcmp(now, panels) != 0))
		fprintf(out, "%s NOTE: conf.d now says socket_group = \"%s\".\n", comment, now);
}

/* ---- Postfix ---------------------------------------------------------------------------------- */

static bool run_is_jailed(const char *run)
{
	return strncmp(run, POSTFIX_QUEUE, strlen(POSTFIX_QUEUE)) == 0;
}

/* "inet:PORT@HOST" in Postfix' words; an IPv6 address stands in brackets. */
static void postfix_tcp(FILE *out, const char *listen)
{
	const char *port = strchr(listen, ':') + 1, *at = strchr(port, '@');
	bool six = strncmp(listen, "inet6:", 6) == 0;

	fprintf(out, "inet:%s%s%s:%.*s", six ? "[" : "", at == NULL ? "localhost" : at + 1, six ? "]" : "",
		at == NULL ? (int)strlen(port) : (int)(at - port), port);
}

/* One value of smtpd_milters or non_smtpd_milters. */
static void postfix_milters(FILE *out, const struct setup *setup, const char *run, const char *name, const char *action)
{
	const char *directory = run_is_jailed(run) ? run + strlen(POSTFIX_QUEUE) : run;

	fprintf(out, "%s =", name);
	for (size_t i = 0; i < setup->service_count; i++) {
		const char *listen = service_listen(setup, setup->services[i]);

		fputs(i == 0 ? "\n    { " : ",\n    { ", out);
		if (listen != NULL)
			postfix_tcp(out, listen);
		else
			fprintf(out, "unix:%s/%s.sock", directory, setup->services[i]);
		fprintf(out, ", connect_timeout=10s, command_timeout=30s, content_timeout=60s, default_action=%s }",
			action);
	}
	fputc('\n', out);
}

/* clang-format off */
static const char postfix_head[] =
	"# Postfix (3.0 or later). After the change: `postfix check && postfix reload`, then `leumund check`.\n";

static const char postfix_jailed[] =
	"# The sockets lie below queue_directory and are named relative to it: this works in a chroot and\n"
	"# without.\n";

static const char postfix_free[] =
	"# The sockets lie outside of queue_directory: this works only where smtpd and cleanup run without\n"
	"# chroot. Debian's master.cf runs both in one (5th column: y). Either write n there, or leumund { run =\n"
	"# \"/var/spool/postfix/leumund\" }.\n";

static const char postfix_smtp[] =
	"# SMTP, with and without AUTH. The default action is written down because its default changes from\n"
	"# tempfail to shutdown in Postfix 3.11. If master.cf sets another smtpd_milters for submission or smtps,\n"
	"# add these there too; with other milters: these come before one that signs (DKIM).\n";

static const char postfix_local[] =
	"# sendmail(1) and PHP's mail(). Never tempfail here: such mail stays in maildrop, and is tried again\n"
	"# once a minute and with each other mail that comes in. internal_mail_filter_classes must stay empty:\n"
	"# bounces are not judged.\n";

static const char postfix_rest[] =
	"# Keeps X-Local-Uid (see master.cf) from leaving with mail that was requeued. lmtp and pipe transports\n"
	"# have no such filter. An smtp_header_checks of your own goes behind it, apart by a comma.\n"
	"smtp_header_checks = regexp:/etc/postfix/leumund_smtp_header_checks\n"
	"\n"
	"# ==== /etc/postfix/master.cf: replaces the line pickup ====\n"
	"# Which user called sendmail(1) is told to no milter. pickup writes it into its Received line, and a\n"
	"# cleanup of its own turns that into a header that only Postfix can have put first. Header checks of\n"
	"# your own: add them behind ours.\n"
	"pickup    unix  n       -       @CHROOT@       60      1       pickup\n"
	"  -o cleanup_service_name=cleanup-local\n"
	"cleanup-local unix n    -       @CHROOT@       -       0       cleanup\n"
	"  -o syslog_name=postfix/local\n"
	"  -o milter_macro_daemon_name=@DAEMON@\n"
	"  -o header_checks=regexp:/etc/postfix/leumund_header_checks\n"
	"\n"
	"# ==== /etc/postfix/leumund_header_checks: new file ====\n"
	"# A copy that the sender wrote is dropped before Postfix' own is made.\n"
	"/^X-Local-Uid[[:space:]]*:/ IGNORE\n"
	"/^Received: by [^[:space:]]+ \\(Postfix, from userid ([0-9]+)\\)/ PREPEND X-Local-Uid: $1\n"
	"\n"
	"# ==== /etc/postfix/leumund_smtp_header_checks: new file ====\n"
	"/^X-Local-Uid[[:space:]]*:/ IGNORE\n";
/* clang-format on */

static void postfix_print(const struct setup *setup, const char *run, FILE *out)
{
	const struct fill fills[] = {
		{ "@CHROOT@", run_is_jailed(run) ? "y" : "n" },
		{ "@DAEMON@", setup->identity->local_daemon_name },
	};

	fputs(postfix_head, out);
	group_print(out, "#", setup, "postfix", NULL, "smtpd and cleanup give up all other groups");
	fputs(run_is_jailed(run) ? postfix_jailed : postfix_free, out);
	fputs("\n# ==== /etc/postfix/main.cf: add ====\n", out);
	fputs(postfix_smtp, out);
	postfix_milters(out, setup, run, "smtpd_milters", "tempfail");
	fputs(postfix_local, out);
	postfix_milters(out, setup, run, "non_smtpd_milters", "accept");
	template_print(out, postfix_rest, fills, sizeof(fills) / sizeof(fills[0]));
}

/* ---- sendmail --------------------------------------------------------------------------------- */

/* clang-format off */
static const char sendmail_head[] =
	"dnl sendmail (8.14 or later). After the change: make -C /etc/mail, restart sendmail, then `leumund\n"
	"dnl check`.\n";

static const char sendmail_add[] =
	"dnl No directory above the sockets may be writable by all (as /tmp is), or sendmail does not start.\n"
	"dnl\n"
	"dnl ==== /etc/mail/sendmail.mc: add above the MAILER lines ====\n"
	"dnl This covers SMTP and sendmail(1): the latter hands its mail to 127.0.0.1:25 or stores it in the\n"
	"dnl client queue, where it stays while leumund is away (F=T: 451). No macros need to be named, leumund\n"
	"dnl asks for what it uses. A DAEMON_OPTIONS with InputMailFilters= of its own must name them there. With\n"
	"dnl other milters: these come first.\n";
/* clang-format on */

static void sendmail_print(const struct setup *setup, const char *run, FILE *out)
{
	fputs(sendmail_head, out);
	group_print(out, "dnl", setup, "smmsp", NULL,
		    "sendmail connects as root or, with confRUN_AS_USER, as that user's group");
	fputs(sendmail_add, out);
	for (size_t i = 0; i < setup->service_count; i++) {
		const char *service = setup->services[i];
		const char *listen = service_listen(setup, service);

		fputs("INPUT_MAIL_FILTER(`leumund_", out);
		service_word(out, service);
		fputs("', `S=", out);
		if (listen != NULL)
			fputs(listen, out);
		else
			fprintf(out, "local:%s/%s.sock", run, service);
		fputs(", F=T, T=C:10s;S:10s;R:30s;E:60s')dnl\n", out);
	}
}

/* ---- Exim ------------------------------------------------------------------------------------- */

/* clang-format off */
static const char exim_head[] =
	"# Exim (4.90 or later; any build: only ${readsocket} is used). After the change: exim -bV, restart Exim,\n"
	"# then `leumund check`. On Debian \"exim.conf\" is /etc/exim4/exim4.conf.template or the files of\n"
	"# /etc/exim4/conf.d. On cPanel never edit /etc/exim.conf: use the boxes of WHM > Exim Configuration\n"
	"# Manager > Advanced Editor that are named below; they survive updates.\n";

static const char exim_main[] =
	"\n"
	"# ==== exim.conf, main: add ====\n"
	"# cPanel: box CONFIG. acl_smtp_rcpt, acl_smtp_data and acl_not_smtp must name ACLs; `exim -bP` shows\n"
	"# whether they do.\n";

static const char exim_body[] =
	"# The begin of the body, as it is, for milters that tell texts apart. Where one of these stands already,\n"
	"# change it there: Exim takes each once. Filters of your own that look at $message_body see as much.\n"
	"message_body_visible = @BODY@\n"
	"message_body_newlines = true\n";

static const char exim_acl_open[] =
	"\n"
	"# ==== exim.conf, begin acl: add ====\n"
	"# cPanel: box BEGINACL. leumund away: SMTP clients are told to come again; local mail is accepted,\n"
	"# because acl_not_smtp knows no \"later\". The client's name is not told: to know it may cost a DNS\n"
	"# query.\n"
	"leumund:\n"
	"  # Exim's own bounces come in by this way too.\n"
	"  accept\n"
	"    condition   = ${if and{{eq{$acl_arg1}{local}}{eq{$sender_address}{}}{inlist{$sender_ident}{";

static const char exim_acl_ask[] =
	"  warn\n"
	"    set acl_m_leumund = hold: too long to be checked\n"
	"  warn\n"
	"    condition   = ${if <{${strlen:$acl_arg2}}{@MAX@}}\n"
	"    set acl_m_leumund = ${sg{${readsocket{@SOCK@}{$acl_arg1 header_changes=1 queue_id=$message_exim_id \\\n"
	"      ${if def:sender_host_address{client_addr=$sender_host_address client_port=$sender_host_port}\\\n"
	"        {ident=${quote:$sender_ident}}} uid=$originator_uid \\\n"
	"      ${if def:sender_host_authenticated{auth_type=${quote:$sender_host_authenticated} \\\n"
	"        auth_user=${quote:$authenticated_id}}} \\\n"
	"      helo=${quote:$sender_helo_name} mail_from=${quote:$sender_address} $acl_arg2\\n}{10s}{}\\\n"
	"      {${if eq{$acl_arg1}{local}{away}{451 4.3.0 Sender check not available, please try again later}}}}}\\\n"
	"      {\\N\\s+$\\N}{}}\n"
	"  # What leumund changes in the header comes in base64, so that Exim expands none of it: names of fields\n"
	"  # to be removed, and lines to be added.\n"
	"  warn\n"
	"    condition     = ${if match{$acl_m_leumund}{\\N^(accept|hold) header \\N}}\n"
	"    remove_header = ${sg{${extract{3}{ }{$acl_m_leumund}}}{^-}{}}\n"
	"    add_header    = ${base64d:${extract{4}{ }{$acl_m_leumund}}}\n"
	"    set acl_m_leumund = ${sg{$acl_m_leumund}{\\N^(\\w+) header \\S+ \\S+\\N}{\\$1}}\n"
	"  # No answer must not be a way round leumund; nor must a second author behind the 64 KiB of header\n"
	"  # lines that Exim shows here: such mail of this server's own users waits for the admin.\n"
	"  warn\n"
	"    condition   = ${if !match{$acl_m_leumund}{^(accept|hold|away|4|5)}}\n"
	"    set acl_m_leumund = ${if eq{$acl_arg1}{local}{hold: no answer}\\\n"
	"      {451 4.3.0 Sender check failed, please try again later}}\n"
	"  warn\n"
	"    condition   = ${if and{{eq{$acl_m_leumund}{accept}}{!eq{$acl_arg1}{rcpt}}\\\n"
	"      {>={${strlen:$message_headers_raw}}{65536}}\\\n"
	"      {or{{def:sender_host_authenticated}{!def:sender_host_address}\\\n"
	"        {match_ip{$sender_host_address}{<; 127.0.0.0/8 ; ::1 ; @[]}}}}}}\n"
	"    set acl_m_leumund = hold: more than 64 KiB of header lines\n"
	"  warn\n"
	"    condition   = ${if eq{$acl_m_leumund}{away}}\n"
	"    log_message = leumund is away: local mail accepted unjudged\n"
	"  deny\n"
	"    condition   = ${if match{$acl_m_leumund}{^5}}\n"
	"    message     = $acl_m_leumund\n"
	"  defer\n"
	"    condition   = ${if match{$acl_m_leumund}{^4}}\n"
	"    message     = $acl_m_leumund\n"
	"  warn\n"
	"    condition   = ${if and{{match{$acl_m_leumund}{^hold}}{!eq{$acl_arg1}{rcpt}}}}\n"
	"    control     = freeze/no_tell\n"
	"    log_message = $acl_m_leumund\n";

static const char exim_rest[] =
	"  accept\n"
	"\n"
	"# ==== exim.conf, acl_smtp_rcpt: first line ====\n"
	"# Before any `accept`, also those for authenticated clients. cPanel: box custom_begin_pre_recipient.\n"
	"  require acl = leumund rcpt \"rcpt_to=${quote:$local_part@$domain}\"\n"
	"\n"
	"# ==== exim.conf, acl_smtp_data: first line ====\n"
	"# cPanel: box custom_begin_check_message_pre.\n"
	"  require acl = leumund data \"recipients=${base64:$recipients} \\\n"
	"    headers=${base64:$message_headers_raw} body=${base64:$message_body}\"\n"
	"\n"
	"# ==== exim.conf, acl_not_smtp: first line ====\n"
	"# sendmail(1) and PHP's mail(). cPanel: box custom_begin_not_smtp.\n"
	"  require acl = leumund local \"later=1 recipients=${base64:$recipients} \\\n"
	"    headers=${base64:$message_headers_raw} body=${base64:$message_body}\"\n"
	"\n"
	"# ==== exim.conf, begin routers: first router ====\n"
	"# acl_not_smtp knows no \"later\": local mail that is put off carries X-Leumund-Later, and this router\n"
	"# asks at each try, for each recipient, whether it may go now. cPanel: box PREROUTERS.\n";

static const char exim_router[] =
	"  driver = redirect\n"
	"  condition = ${if and{{def:h_X-Leumund-Later:}{!def:sender_host_address}}}\n"
	"  allow_fail\n"
	"  allow_defer\n"
	"  forbid_file\n"
	"  forbid_pipe\n"
	"  forbid_include\n"
	"  data = ${readsocket{@SOCK@}{route later=1 queue_id=$message_exim_id \\\n"
	"    ident=${quote:$sender_ident} uid=$originator_uid mail_from=${quote:$sender_address} \\\n"
	"    rcpt_to=${quote:$local_part@$domain} \\\n"
	"    parent=${if def:parent_domain{${quote:$parent_local_part@$parent_domain}}{\"\"}} \\\n"
	"    headers=${base64:$message_headers_raw} body=${base64:$message_body}\\n}{10s}{}{:defer: leumund does not answer}}\n";
/* clang-format on */

/* Exim replaces macros wherever their name occurs: no name may begin with another's. */
static void exim_macro(char *out, size_t size, size_t index)
{
	if (index == 0)
		snprintf(out, size, "LEUMUND_SOCK");
	else
		snprintf(out, size, "LEUMUND%zu_SOCK", index + 1);
}

static void exim_print(const struct setup *setup, const char *run, FILE *out)
{
	const struct string_list *users = &setup->identity->exim_users;
	char macro[40], longest[24], shown[24];

	/* the fixed part of a question is far below 64 KiB */
	snprintf(longest, sizeof(longest), "%zu", (size_t)EXIM_LINE_MAX - 65536);
	snprintf(shown, sizeof(shown), "%d", MESSAGE_BODY_KEPT);
	fputs(exim_head, out);
	group_print(out, "#", setup, "Debian-exim", "mail", "Exim's own; on cPanel and DirectAdmin \"mail\"");
	fputs(exim_main, out);
	for (size_t i = 0; i < setup->service_count; i++) {
		exim_macro(macro, sizeof(macro), i);
		fprintf(out, "%s = %s/%s.exim.sock\n", macro, run, setup->services[i]);
	}
	template_print(out, exim_body, &(struct fill){ "@BODY@", shown }, 1);
	fputs(exim_acl_open, out);
	for (size_t i = 0; i < users->count; i++)
		fprintf(out, "%s%s", i == 0 ? "" : ":", users->at[i]);
	fputs("}}}}\n", out);
	for (size_t i = 0; i < setup->service_count; i++) {
		exim_macro(macro, sizeof(macro), i);
		const struct fill fills[] = { { "@SOCK@", macro }, { "@MAX@", longest } };

		template_print(out, exim_acl_ask, fills, 2);
	}
	fputs(exim_rest, out);
	for (size_t i = 0; i < setup->service_count; i++) {
		exim_macro(macro, sizeof(macro), i);
		fputs("leumund_", out);
		service_word(out, setup->services[i]);
		fputs(":\n", out);
		template_print(out, exim_router, &(struct fill){ "@SOCK@", macro }, 1);
	}
}

/* ------------------------------------------------------------------------------------------------ */

static const struct {
	const char *name;
	void (*print)(const struct setup *setup, const char *run, FILE *out);
} mtas[] = {
	{ "postfix", postfix_print },
	{ "sendmail", sendmail_print },
	{ "exim", exim_print },
};

int mta_print(const char *which, const struct setup *setup, const char *run, FILE *out)
{
	if (setup->service_count == 0)
		return -1;
	for (size_t i = 0; i < sizeof(mtas) / sizeof(mtas[0]); i++) {
		if (strcmp(which, mtas[i].name) == 0) {
			mtas[i].print(setup, run != NULL ? run : setup->leumund->run, out);
			return 0;
		}
	}
	return -1;
}
