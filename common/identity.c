/*
 * Whose mail is it (identity.h): each way of submission, and what may be believed on it.
 * Measured on Postfix 3.7/3.10, sendmail 8.17/8.18 and Exim 4.96/4.98.
 */
#include <pwd.h>
#include <stddef.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "directory/directory.h"
#include "session.h"
#include "system/peer.h"

#define SCRIPT_NAME_MAX 200
#define LOGIN_MAX 256
#define CUSTOMER_UID_MIN 1000 /* those below are the system's own, login.defs(5) */

const char *const path_names[] = { "unknown", "auth", "loopback", "command", "remote", "internal" };
const char *const known_by_names[] = { "nothing", "auth", "socket", "mta", "script" };

/* clang-format off */
static const struct option rows[] = {
	{ OPTION_LIST, "web_server_users", "{\"www-data\", \"apache\", \"nobody\", \"httpd\", \"nginx\"}", 0, 0, NULL, NULL,
	  offsetof(struct identity_options, web_server_users),
	  "Users of web servers that run scripts of many customers: for their mail the first X-PHP-Originating-Script "
	  "header (PHP's mail.add_x_header) tells the account." },
	{ OPTION_LIST, "submit_users", "{\"smmsp\"}", 0, 0, NULL, NULL,
	  offsetof(struct identity_options, submit_users),
	  "Users as which sendmail's client queue runner submits mail of others: for their mail the first Received header "
	  "tells the account." },
	{ OPTION_LIST, "exim_users", "{\"Debian-exim\", \"exim\", \"mailnull\"}", 0, 0, NULL, NULL,
	  offsetof(struct identity_options, exim_users),
	  "Users as which Exim itself runs: their mail with a null sender is a bounce and is never judged." },
	{ OPTION_STRING, "local_daemon_name", "\"LOCAL\"", 0, 0, NULL, NULL,
	  offsetof(struct identity_options, local_daemon_name),
	  "The milter_macro_daemon_name of Postfix' cleanup service for mail from sendmail(1), whose X-Local-Uid header is "
	  "believed." },
	{ .name = NULL }
};
/* clang-format on */

const struct section identity_section = {
	.name = "identity",
	.summary = "How the account of a message is told.",
	.options = rows,
	.size = sizeof(struct identity_options),
};

/* A user that does not exist here has no uid: nothing matches. */
static bool user_is_listed(const struct string_list *users, const char *name)
{
	for (size_t i = 0; i < users->count; i++)
		if (name[0] != '\0' && !strcmp(users->at[i], name))
			return true;
	return false;
}

static const char *copy_lower(struct arena *memory, const char *from, size_t len)
{
	char *copy = arena_copy(memory, from, len);

	for (char *at = copy; at && *at; at++)
		*at = ascii_lower(*at);
	return copy ? copy : "";
}

/*
 * The account behind a login that the MTA has verified. A domain shared by several accounts
 * is that of the first; a line `login: account` in the directory says otherwise.
 */
static const char *login_account(struct session *session, const struct directory *directory, const char *login)
{
	struct arena *memory = &session->message.memory;
	const char *at = strrchr(login, '@'), *account, *owner;

	if ((account = directory_login(directory, login)))
		return account;
	if (!at) {
		account = directory_account(directory, login);
		return account ? account : copy_lower(memory, login, strlen(login));
	}

	domain_name domain;

	if (domain_canonical(at + 1, strlen(at + 1), domain) == 0 &&
	    directory_owners(directory, domain, true, &owner, 1) > 0)
		return owner;
	/* the realm that SASL appends to a bare account name */
	account = directory_account(directory, copy_lower(memory, login, (size_t)(at - login)));
	return account ? account : "";
}

static void known_by_uid(struct session *session, const struct identity_options *options, uint32_t uid,
			 enum known_by known_by)
{
	struct identity *who = &session->who;
	const char *name = user_name(uid);

	who->has_uid = true;
	who->uid = uid;
	who->known_by = known_by;
	who->account = name;
	/* a web server's mail is that of the script's owner, which only the headers tell */
	who->settled = !user_is_listed(&options->web_server_users, name);
	if (!who->settled)
		who->account = "";
}

static void identify_loopback(struct session *session, const struct identity_options *options)
{
	struct connection *connection = &session->connection;
	struct identity *who = &session->who;

	who->path = PATH_LOOPBACK;
	if (!connection->has_client_uid)
		connection->has_client_uid =
			peer_owner((const struct sockaddr *)&connection->client, &connection->client_uid);
	if (!connection->has_client_uid) {
		/* a client that does not wait for the answer is nobody's: its socket is closed when it is looked for */
		who->settled = who->hidden = true;
		return;
	}
	known_by_uid(session, options, connection->client_uid, KNOWN_BY_SOCKET);
	if (user_is_listed(&options->submit_users, who->account)) {
		who->account = "";
		who->settled = false;
	}
}

static void identify_command(struct session *session, const struct identity_options *options)
{
	struct message *message = &session->message;
	struct identity *who = &session->who;

	who->path = PATH_COMMAND;
	/* Postfix says it in a header; Exim in variables that a caller cannot set */
	if (message->has_originator_uid)
		known_by_uid(session, options, message->originator_uid, KNOWN_BY_MTA);
	if (message->sender.null && user_is_listed(&options->exim_users, message->sender_ident))
		who->path = PATH_INTERNAL;
}

/*
 * `exim -bs` takes a connected socket as standard input from anybody, and its other end for the client: a customer can
 * make that one look like any host. Exim knows the caller; a true client's session is Exim's own, or root's.
 */
static bool is_called_by_customer(const struct session *session, const struct identity_options *options)
{
	const struct message *message = &session->message;

	return message->has_originator_uid && message->originator_uid >= CUSTOMER_UID_MIN &&
	       !user_is_listed(&options->exim_users, user_name(message->originator_uid));
}

/*
 * What the house itself has to say, a notice by mail, concerns no rule: it would count what it tells of. Root, as whom
 * only trials run, says other things too; and a web server's user is anybody.
 */
static void identify_own(struct session *session)
{
	struct identity *who = &session->who;
	const bool is_sure = who->known_by == KNOWN_BY_SOCKET || who->known_by == KNOWN_BY_MTA;

	if (session->message.sender.null && who->has_uid && is_sure && who->account[0] != '\0' && who->uid != 0 &&
	    who->uid == geteuid())
		who->path = PATH_INTERNAL;
}

static const char script_header[] = "X-PHP-Originating-Script";

bool identity_wants_header(const struct session *session, const char *name)
{
	if (session->who.path == PATH_AUTH || session->who.path == PATH_REMOTE)
		return false;
	return session->message.header_count == 0 || header_name_is(name, script_header);
}

void identity_each_header(void (*fn)(void *arg, const char *name), void *arg)
{
	fn(arg, script_header);
}

void identity_at_mail(struct session *session, const struct identity_options *options,
		      const struct directory *directory)
{
	const struct connection *connection = &session->connection;
	struct message *message = &session->message;
	struct identity *who = &session->who;
	const struct sockaddr *client = (const struct sockaddr *)&connection->client;

	if (message->auth_user[0] != '\0' && message->auth_type[0] != '\0') {
		who->path = PATH_AUTH;
		who->mailbox = copy_lower(&message->memory, message->auth_user, strlen(message->auth_user));
		who->account = login_account(session, directory, who->mailbox);
		who->known_by = KNOWN_BY_AUTH;
		who->settled = true;
	} else if (connection->local_command || is_called_by_customer(session, options)) {
		identify_command(session, options);
	} else if (client->sa_family == AF_UNSPEC) {
		/* Exim's -bs: SMTP on standard input, by a caller whose uid Exim knows */
		who->settled = true;
		if (message->has_originator_uid && connection->client_addr[0] == '\0')
			identify_command(session, options);
	} else if (peer_is_local(client)) {
		identify_loopback(session, options);
	} else {
		who->path = PATH_REMOTE;
		who->settled = true;
	}
	identify_own(session);
}

/* A decimal uid that ends at `end`. */
static bool read_uid(const char *from, char end, uint32_t *uid, const char **rest)
{
	unsigned long long number = 0;
	const char *at = from;

	while (*at >= '0' && *at <= '9' && at - from < 10)
		number = number * 10 + (unsigned long long)(*at++ - '0');
	if (at == from || *at != end || number >= UINT32_MAX)
		return false;
	*uid = (uint32_t)number;
	*rest = at;
	return true;
}

static const char *skip_blanks(const char *at)
{
	return at + strspn(at, " \t\r\n");
}

/*
 * Postfix' own cleanup service turns the uid in its Received line into X-Local-Uid and puts it first;
 * copies that a customer writes are dropped or come later (measured, 3.7 and 3.10).
 */
static void identify_by_local_uid(struct session *session, const struct identity_options *options)
{
	const struct header *first = session->message.first_header;
	const char *rest;
	uint32_t uid;

	if (strcmp(session->connection.daemon_name, options->local_daemon_name) != 0)
		return;
	if (first && !strcasecmp(first->name, "X-Local-Uid") && read_uid(skip_blanks(first->value), '\0', &uid, &rest))
		known_by_uid(session, options, uid, KNOWN_BY_MTA);
}

/* The uid of a login that the system knows. */
static bool user_uid(struct span login, uint32_t *uid)
{
	char name[LOGIN_MAX], buffer[4096];
	struct passwd entry, *found = NULL;

	if (login.len >= sizeof(name))
		return false;
	memcpy(name, login.at, login.len);
	name[login.len] = '\0';
	if (getpwnam_r(name, &entry, buffer, sizeof(buffer), &found) != 0 || !found)
		return false;
	*uid = found->pw_uid;
	return true;
}

/*
 * The login in the line that sendmail's MSP puts first, which is
 *	(from cp1001@localhost)\n\tby host (8.17.1/8.17.1/Submit) ...		or, with -bs or -p,
 *	from HELO (cp1001@localhost)\n\tby host (8.17.1/8.17.1/Submit) ...
 * What the caller may say, HELO, has no brackets and no line end, and stands before the login.
 */
static struct span submit_login(const char *line)
{
	static const char tail[] = "@localhost)", from[] = "from ";
	struct span none = { "", 0 }, login = { line, strcspn(line, "\r\n") };
	const char *open;

	if (login.len < strlen(tail) || !strstr(line + login.len, "/Submit)"))
		return none;
	login.len -= strlen(tail);
	open = memrchr(line, '(', login.len);
	if (!open || strncmp(line + login.len, tail, strlen(tail)) != 0)
		return none;
	login.len -= (size_t)(open + 1 - line);
	login.at = open + 1;
	if (login.len > strlen(from) && !strncmp(login.at, from, strlen(from))) {
		login.at += strlen(from);
		login.len -= strlen(from);
	}
	return memchr(login.at, ' ', login.len) || memchr(login.at, '@', login.len) ? none : login;
}

/*
 * What sendmail's queue runner submits as smmsp is somebody else's, which that line alone tells. It tells nothing where
 * the caller fed his command through a socket, "from x (localhost [[UNIX: localhost]])"; "(localhost)" is
 * the runner's own bounce.
 */
static void identify_queued(struct session *session, const struct identity_options *options, const char *line)
{
	static const char bounce[] = "from localhost (localhost)";
	struct identity *who = &session->who;
	struct span login = submit_login(line);
	uint32_t uid;

	/* the runner's uid is not the submitter's: it would exempt him */
	who->has_uid = false;
	if (login.len > 0) {
		who->path = PATH_COMMAND;
		who->known_by = KNOWN_BY_MTA;
		if (user_uid(login, &uid))
			known_by_uid(session, options, uid, KNOWN_BY_MTA);
		else
			who->account = copy_lower(&session->message.memory, login.at, login.len);
	} else if (session->message.sender.null && !strncmp(line, bounce, strlen(bounce)) &&
		   line[strlen(bounce)] == '\n') {
		who->path = PATH_INTERNAL;
	} else {
		who->hidden = true;
	}
}

/* From a customer's own socket the line may be forged, and the socket's owner stands. */
static void identify_by_submit_line(struct session *session, const struct identity_options *options)
{
	const struct header *first = session->message.first_header;
	struct identity *who = &session->who;
	const char *line = first && !strcasecmp(first->name, "Received") ? skip_blanks(first->value) : "";
	const char *owner = who->has_uid ? user_name(who->uid) : "";

	if (owner[0] == '\0')
		return;
	if (user_is_listed(&options->submit_users, owner))
		identify_queued(session, options, line);
	else if (line[0] == '(' && span_is(submit_login(line), owner))
		who->path = PATH_COMMAND;
}

/* PHP puts "10001:reg.php", the uid of the script's owner, before the script's own header lines. */
static void identify_by_script(struct session *session, const struct identity_options *options)
{
	const struct header *header = message_find(&session->message, script_header, NULL);
	struct identity *who = &session->who;
	const char *rest;
	uint32_t uid;
	bool of_web_server = who->has_uid && user_is_listed(&options->web_server_users, user_name(who->uid));

	if (!header || !read_uid(skip_blanks(header->value), ':', &uid, &rest))
		return;
	if (of_web_server && who->path != PATH_COMMAND)
		return; /* PHP writes it for sendmail(1) alone: in a script's own SMTP it is the script's */
	if (of_web_server) {
		who->account = user_name(uid);
		who->known_by = KNOWN_BY_SCRIPT;
	} else if (!who->has_uid || uid != who->uid) {
		return;
	}
	who->script = arena_copy(&session->message.memory, rest + 1, strnlen(rest + 1, SCRIPT_NAME_MAX));
	if (!who->script)
		who->script = "";
}

void identity_at_headers(struct session *session, const struct identity_options *options)
{
	struct identity *who = &session->who;

	if (who->path == PATH_COMMAND && !who->has_uid)
		identify_by_local_uid(session, options);
	if (who->path == PATH_LOOPBACK)
		identify_by_submit_line(session, options);
	if (who->path == PATH_COMMAND || who->path == PATH_LOOPBACK)
		identify_by_script(session, options);
	if (who->account[0] == '\0' && who->path != PATH_AUTH)
		who->known_by = KNOWN_NOT;
	/* bounces that the MTA makes itself have no submitter */
	if (who->path == PATH_COMMAND && !who->has_uid && who->account[0] == '\0' && session->message.sender.null)
		who->path = PATH_INTERNAL;
	identify_own(session);
	who->settled = true;
}
