/*
 * identity.h: who sent it, on each way of submission; and what a forger writes changes nothing.
 * The same on the real MTAs: test/mta.
 */
#include "test.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "directory/directory.h"
#include "system/peer.h"
#include "session.h"

#define CUSTOMER_UID 54321 /* no such user on any test machine */

static const char *const web_users[] = { "www-data" }, *const submit_users[] = { "mail" },
			 *const exim_users[] = { "exim" };
static const struct identity_options options = {
	.web_server_users = { web_users, 1 },
	.submit_users = { submit_users, 1 },
	.exim_users = { exim_users, 1 },
	.local_daemon_name = "LOCAL",
};

static struct session session;

static int session_begin(void **state)
{
	(void)state;
	session_init(&session);
	return 0;
}

static int session_end(void **state)
{
	(void)state;
	session_free(&session);
	return 0;
}

static void client_is(const char *address, uint16_t port)
{
	struct sockaddr_in in = { .sin_family = AF_INET, .sin_port = htons(port) };

	inet_pton(AF_INET, address, &in.sin_addr);
	memcpy(&session.connection.client, &in, sizeof(in));
}

static void header_is(const char *name, const char *value)
{
	message_header(&session, name, value, identity_wants_header(&session, name));
}

static const struct identity *identify(const char *mail_from)
{
	message_mail_from(&session, mail_from);
	identity_at_mail(&session, &options, NULL);
	identity_at_headers(&session, &options);
	return &session.who;
}

static const char *name_of(uint32_t uid)
{
	const char *name = user_name(uid);

	if (name[0] == '\0')
		skip();
	return name;
}

static void auth_is_believed_first(void **state)
{
	const struct identity *who;

	(void)state;
	client_is("127.0.0.1", 1);
	session.message.auth_type = "PLAIN";
	session.message.auth_user = "CP1001";
	who = identify("<a@b.example>");
	assert_int_equal(who->path, PATH_AUTH);
	assert_int_equal(who->known_by, KNOWN_BY_AUTH);
	assert_string_equal(who->account, "cp1001");
}

static void a_login_without_a_type_is_no_auth(void **state)
{
	(void)state;
	client_is("198.51.100.1", 1);
	session.message.auth_user = "cp1001";
	assert_int_equal(identify("<a@b.example>")->path, PATH_REMOTE);
}

static void remote_mail_is_remote(void **state)
{
	(void)state;
	client_is("198.51.100.1", 1);
	header_is("X-Local-Uid", "0");
	header_is("X-PHP-Originating-Script", "0:root.php");
	assert_int_equal(identify("<a@b.example>")->path, PATH_REMOTE);
	assert_string_equal(session.who.account, "");
	assert_int_equal(session.who.known_by, KNOWN_NOT);
}

static void owner_of_a_loopback_socket_is_found(void **state)
{
	struct sockaddr_in in = { .sin_family = AF_INET };
	socklen_t len = sizeof(in);
	int server = socket(AF_INET, SOCK_STREAM, 0), client = socket(AF_INET, SOCK_STREAM, 0);
	uint32_t uid = 0;

	(void)state;
	in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_int_equal(bind(server, (struct sockaddr *)&in, sizeof(in)), 0);
	assert_int_equal(listen(server, 1), 0);
	assert_int_equal(getsockname(server, (struct sockaddr *)&in, &len), 0);
	assert_int_equal(connect(client, (struct sockaddr *)&in, sizeof(in)), 0);
	assert_int_equal(getsockname(client, (struct sockaddr *)&in, &len), 0);
	assert_true(peer_is_local((struct sockaddr *)&in));
	assert_true(peer_owner((struct sockaddr *)&in, &uid));
	assert_int_equal(uid, getuid());
	/* whoever closes before he is looked for is not root, as newer kernels say and older do not */
	uid = 0;
	close(client);
	assert_true(!peer_owner((struct sockaddr *)&in, &uid) || uid == getuid());
	close(server);
	in.sin_port = htons(1);
	assert_false(peer_owner((struct sockaddr *)&in, &uid));
}

static void postfix_command(const char *daemon_name)
{
	session.connection.mta = MTA_POSTFIX;
	session.connection.local_command = true;
	session.connection.daemon_name = daemon_name;
	client_is("127.0.0.1", 0);
}

static void postfix_uid_line_counts_only_first_and_only_from_the_local_cleanup(void **state)
{
	(void)state;
	postfix_command("LOCAL");
	header_is("X-Local-Uid", "0");
	header_is("X-Local-Uid", "54321");
	assert_string_equal(identify("<a@b.example>")->account, name_of(0));
	assert_int_equal(session.who.known_by, KNOWN_BY_MTA);
	assert_int_equal(session.who.path, PATH_COMMAND);
}

static void postfix_uid_line_elsewhere_is_a_forgery(void **state)
{
	(void)state;
	postfix_command("cp1server.example.com");
	header_is("X-Local-Uid", "0");
	assert_string_equal(identify("<a@b.example>")->account, "");
	message_reset(&session);
	postfix_command("LOCAL");
	header_is("Subject", "x");
	header_is("X-Local-Uid", "0");
	assert_string_equal(identify("<a@b.example>")->account, "");
}

static void postfix_null_sender_without_a_uid_is_a_bounce(void **state)
{
	(void)state;
	postfix_command("LOCAL");
	assert_int_equal(identify("")->path, PATH_INTERNAL);
}

static void sendmail_client(uint32_t uid, const char *received)
{
	session.connection.mta = MTA_SENDMAIL;
	client_is("127.0.0.1", 40000);
	session.connection.has_client_uid = true;
	session.connection.client_uid = uid;
	header_is("Received", received);
}

static void sendmail_submit_line_counts_from_its_queue_runner(void **state)
{
	(void)state;
	name_of(8);
	sendmail_client(8, "(from cp1001@localhost)\n\tby cp1server.example.com (8.17.1/8.17.1/Submit) id 6ALJ");
	assert_string_equal(identify("<a@b.example>")->account, "cp1001");
	assert_int_equal(session.who.path, PATH_COMMAND);
	assert_int_equal(session.who.known_by, KNOWN_BY_MTA);
}

static void sendmail_submit_line_from_a_customer_is_a_forgery(void **state)
{
	(void)state;
	sendmail_client(CUSTOMER_UID, "(from cp1001@localhost) by h (8.17.1/8.17.1/Submit) id 6ALJ");
	assert_string_equal(identify("<a@b.example>")->account, "");
	assert_int_equal(session.who.uid, CUSTOMER_UID);
	assert_int_equal(session.who.path, PATH_LOOPBACK);
}

#define SUBMIT "\n\tby cp1server.example.com (8.17.1/8.17.1/Submit) id 6ALJ"

static void sendmail_queue_runner_is_told_by_whatever_line_its_msp_writes(void **state)
{
	static const struct {
		const char *received, *mail_from;
		enum submission_path path;
		bool is_root, hidden;
	} lines[] = {
		{ "(from root@localhost)" SUBMIT, "<a@b.example>", PATH_COMMAND, true, false },
		{ "(from root@localhost)" SUBMIT, "<>", PATH_COMMAND, true, false },
		/* -bs, -p */
		{ "from x (root@localhost)" SUBMIT, "<a@b.example>", PATH_COMMAND, true, false },
		/* the command's standard input was a socket */
		{ "from localhost (localhost [[UNIX: localhost]])" SUBMIT, "<a@b.example>", PATH_LOOPBACK, false,
		  true },
		{ "from x (root@localhost [127.0.0.1])" SUBMIT, "<>", PATH_LOOPBACK, false, true },
		{ "(from root@localhost [127.0.0.1])" SUBMIT, "<a@b.example>", PATH_LOOPBACK, false, true },
		/* its own bounces */
		{ "from localhost (localhost)" SUBMIT, "<>", PATH_INTERNAL, false, false },
		{ "from localhost (localhost)" SUBMIT, "<a@b.example>", PATH_LOOPBACK, false, true },
		{ "(root@localhost)", "<a@b.example>", PATH_LOOPBACK, false, true },
		{ "(@localhost)" SUBMIT, "<>", PATH_LOOPBACK, false, true },
		{ "", "<>", PATH_LOOPBACK, false, true },
	};

	(void)state;
	name_of(8);
	for (size_t i = 0; i < sizeof(lines) / sizeof(*lines); i++) {
		sendmail_client(8, lines[i].received);
		(void)identify(lines[i].mail_from);
		if (session.who.path != lines[i].path || session.who.hidden != lines[i].hidden ||
		    strcmp(session.who.account, lines[i].is_root ? name_of(0) : "") != 0)
			fail_msg("%s: path %s, account '%s', hidden %d", lines[i].received,
				 path_names[session.who.path], session.who.account, session.who.hidden);
		message_reset(&session);
	}
}

static void nobody_has_the_uid_of_sendmails_queue_runner(void **state)
{
	(void)state;
	name_of(8);
	sendmail_client(8, "(from root@localhost)" SUBMIT);
	(void)identify("<a@b.example>");
	assert_true(session.who.has_uid);
	assert_int_equal(session.who.uid, 0);
	message_reset(&session);
	sendmail_client(8, "(from nosuchuser1@localhost)" SUBMIT);
	assert_string_equal(identify("<>")->account, "nosuchuser1");
	assert_int_equal(session.who.path, PATH_COMMAND);
	assert_false(session.who.has_uid);
}

static void a_local_client_that_has_gone_hides_its_account(void **state)
{
	(void)state;
	client_is("127.0.0.1", 1);
	assert_true(identify("<a@b.example>")->hidden);
	assert_int_equal(session.who.path, PATH_LOOPBACK);
	message_reset(&session);
	client_is("198.51.100.1", 1);
	assert_false(identify("<a@b.example>")->hidden);
}

static void exim_command(uint32_t uid, const char *ident)
{
	session.connection.mta = MTA_EXIM;
	session.connection.local_command = true;
	session.message.has_originator_uid = true;
	session.message.originator_uid = uid;
	session.message.sender_ident = ident;
}

static void exim_knows_the_uid(void **state)
{
	(void)state;
	exim_command(0, "root");
	header_is("X-Local-Uid", "54321");
	assert_string_equal(identify("a@b.example")->account, name_of(0));
	assert_int_equal(session.who.known_by, KNOWN_BY_MTA);
}

static void exim_fed_through_a_socket_is_its_callers(void **state)
{
	(void)state;
	session.connection.mta = MTA_EXIM;
	client_is("198.51.100.1", 25);
	session.message.has_originator_uid = true;
	session.message.originator_uid = CUSTOMER_UID;
	assert_int_equal(identify("a@b.example")->path, PATH_COMMAND);
	assert_int_equal(session.who.uid, CUSTOMER_UID);
	message_reset(&session);
	session.message.has_originator_uid = true;
	session.message.originator_uid = 8; /* a daemon's own session */
	assert_int_equal(identify("a@b.example")->path, PATH_REMOTE);
	assert_false(session.who.has_uid);
}

static void exim_bounces_are_internal(void **state)
{
	(void)state;
	exim_command(CUSTOMER_UID, "exim");
	assert_int_equal(identify("")->path, PATH_INTERNAL);
	message_reset(&session);
	exim_command(CUSTOMER_UID, "exim");
	assert_int_equal(identify("a@b.example")->path, PATH_COMMAND);
	message_reset(&session);
	exim_command(CUSTOMER_UID, "cp1001");
	assert_int_equal(identify("")->path, PATH_COMMAND);
}

/* A notice by mail; whoever else has no sender is judged. */
static void null_sender_of_the_service_itself_is_internal(void **state)
{
	const uid_t before = geteuid(), own = before ? before : 1;

	(void)state;
	name_of(own);
	assert_int_equal(seteuid(own), 0);
	exim_command(own, "leumund");
	assert_int_equal(identify("")->path, PATH_INTERNAL);
	message_reset(&session);
	exim_command(own, "leumund");
	assert_int_equal(identify("a@b.example")->path, PATH_COMMAND);
	message_reset(&session);
	exim_command(own + 1, "leumund");
	assert_int_equal(identify("")->path, PATH_COMMAND);
	message_reset(&session);
	assert_int_equal(seteuid(before), 0);
	exim_command(0, "root");
	assert_int_equal(identify("")->path, PATH_COMMAND);
}

static void script_line_counts_only_from_the_web_server(void **state)
{
	(void)state;
	name_of(33);
	exim_command(33, "www-data");
	header_is("X-PHP-Originating-Script", "0:reg.php");
	header_is("X-PHP-Originating-Script", "8:forged.php");
	assert_string_equal(identify("a@b.example")->account, name_of(0));
	assert_string_equal(session.who.script, "reg.php");
	assert_int_equal(session.who.known_by, KNOWN_BY_SCRIPT);
	message_reset(&session);
	exim_command(CUSTOMER_UID, "cp1001");
	header_is("X-PHP-Originating-Script", "0:reg.php");
	assert_string_equal(identify("a@b.example")->account, "");
	assert_string_equal(session.who.script, "");
}

static void script_line_in_a_scripts_own_smtp_is_the_scripts(void **state)
{
	(void)state;
	name_of(33);
	client_is("127.0.0.1", 40000);
	session.connection.has_client_uid = true;
	session.connection.client_uid = 33;
	header_is("X-PHP-Originating-Script", "0:forged.php");
	assert_string_equal(identify("<a@b.example>")->account, "");
	message_reset(&session);
	sendmail_client(33, "(from www-data@localhost)" SUBMIT);
	header_is("X-PHP-Originating-Script", "0:reg.php");
	assert_string_equal(identify("<a@b.example>")->account, name_of(0));
}

static void web_server_without_a_script_line_is_unknown(void **state)
{
	(void)state;
	name_of(33);
	exim_command(33, "www-data");
	header_is("X-PHP-Originating-Script", "reg.php");
	assert_string_equal(identify("a@b.example")->account, "");
	assert_int_equal(session.who.known_by, KNOWN_NOT);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, session_begin, session_end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(auth_is_believed_first),
		TEST(a_login_without_a_type_is_no_auth),
		TEST(remote_mail_is_remote),
		TEST(owner_of_a_loopback_socket_is_found),
		TEST(postfix_uid_line_counts_only_first_and_only_from_the_local_cleanup),
		TEST(postfix_uid_line_elsewhere_is_a_forgery),
		TEST(postfix_null_sender_without_a_uid_is_a_bounce),
		TEST(sendmail_submit_line_counts_from_its_queue_runner),
		TEST(sendmail_submit_line_from_a_customer_is_a_forgery),
		TEST(sendmail_queue_runner_is_told_by_whatever_line_its_msp_writes),
		TEST(nobody_has_the_uid_of_sendmails_queue_runner),
		TEST(a_local_client_that_has_gone_hides_its_account),
		TEST(exim_knows_the_uid),
		TEST(exim_fed_through_a_socket_is_its_callers),
		TEST(exim_bounces_are_internal),
		TEST(null_sender_of_the_service_itself_is_internal),
		TEST(script_line_counts_only_from_the_web_server),
		TEST(script_line_in_a_scripts_own_smtp_is_the_scripts),
		TEST(web_server_without_a_script_line_is_unknown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
