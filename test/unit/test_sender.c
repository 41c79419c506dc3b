/*
 * The milter `sender` as the stack runs it: from the facts of a session to verdict and reply, without any MTA.
 */
#include "test.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "judge.h"
#include "log.h"
#include "milters/table.h"

static char place[] = "/tmp/leumund-test-XXXXXX";
static struct directory *domains;

static void write_file(const char *name, const char *text)
{
	char path[128];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", place, name);
	file = fopen(path, "w");
	assert_non_null(file);
	fputs(text, file);
	fclose(file);
}

static struct house *house_with(const char *sender_options)
{
	char text[2048], error[1024];
	struct house *house;

	snprintf(text, sizeof(text),
		 "leumund { domains = {\"domains\"} }\nsender { enable = true\n"
		 "default_domains = {\"cp1server.example.com\", \"cp[0-9]+@*\"}\n%s\n}\n",
		 sender_options);
	write_file("10.conf", text);
	house = house_load(place, "outbound", milters, error, sizeof(error));
	if (!house)
		fail_msg("%s", error);
	return house;
}

struct mail {
	const char *auth_user, *mail_from, *rcpt_to, *header_from, *header_sender;
	const char *client; /* NULL: 192.0.2.1 */
};

/* Runs one message through; the reply that decides, with its text in a static buffer. */
static struct reply send_mail(const char *sender_options, const struct mail *mail)
{
	static char text[512];
	struct house *house = house_with(sender_options);
	struct bench bench = { house, domains, NULL, NULL };
	struct session session;
	struct judgement judgement;
	struct sockaddr_in in = { .sin_family = AF_INET, .sin_port = htons(40000) };
	struct recipient *recipient;
	struct reply reply;

	session_init(&session);
	inet_pton(AF_INET, mail->client ? mail->client : "192.0.2.1", &in.sin_addr);
	memcpy(&session.connection.client, &in, sizeof(in));
	session.message.auth_user = mail->auth_user ? mail->auth_user : "";
	session.message.auth_type = mail->auth_user ? "PLAIN" : "";
	assert_int_equal(message_mail_from(&session, mail->mail_from), 0);
	judge_mail(&judgement, &bench, &session);
	recipient = message_rcpt_to(&session, mail->rcpt_to ? mail->rcpt_to : "<rcpt@remote.example>");
	assert_non_null(recipient);
	reply = judge_rcpt(&judgement, &bench, &session, recipient);
	if (reply.kind == REPLY_ACCEPT) {
		if (mail->header_from)
			message_header(&session, "From", mail->header_from, true);
		if (mail->header_sender)
			message_header(&session, "Sender", mail->header_sender, true);
		reply = judge_end(&judgement, &bench, &session);
	}
	snprintf(text, sizeof(text), "%s", reply.text);
	reply.text = text;
	session_free(&session);
	house_unref(&house);
	return reply;
}

static void assert_refused(struct reply reply, const char *code, const char *rule_code)
{
	assert_int_equal(reply.kind, REPLY_REFUSE);
	assert_string_equal(reply.code, code);
	assert_non_null(strstr(reply.text, rule_code));
}

static void own_domain_passes(void **state)
{
	struct mail mail = { "shop1", "<info@shop.example>", NULL, "Shop <info@shop.example>", NULL, NULL };

	(void)state;
	assert_int_equal(send_mail("", &mail).kind, REPLY_ACCEPT);
	mail.mail_from = "<x@News.SHOP.example>";
	assert_int_equal(send_mail("", &mail).kind, REPLY_ACCEPT);
	assert_refused(send_mail("own_subdomains = false", &mail), "550", "[SND20]");
}

static void default_domain_is_refused(void **state)
{
	struct mail mail = { "shop1", "<cp1001@CP1server.example.com>", NULL, "info@shop.example", NULL, NULL };

	(void)state;
	assert_refused(send_mail("", &mail), "550", "[SND10]");
	mail.mail_from = "<x@sub.cp1server.example.com>";
	assert_refused(send_mail("", &mail), "550", "[SND10]");
	mail.mail_from = "<info@shop.example>";
	mail.header_from = "info@shop.example, x@cp1server.example.com";
	assert_refused(send_mail("", &mail), "550", "[SND10]");
	mail.header_from = "info@shop.example";
	mail.header_sender = "cp17@elsewhere.example";
	assert_refused(send_mail("", &mail), "550", "[SND10]");
}

static void foreign_envelope_and_author_are_refused(void **state)
{
	struct mail mail = { "shop1", "<ceo@bank.example>", NULL, "info@shop.example", NULL, NULL };

	(void)state;
	assert_refused(send_mail("", &mail), "550", "[SND20]");
	mail.mail_from = "<>";
	assert_int_equal(send_mail("", &mail).kind, REPLY_ACCEPT);
	mail.header_from = "ceo@bank.example";
	assert_refused(send_mail("", &mail), "550", "[SND21]");
	mail.header_from = NULL;
	assert_refused(send_mail("", &mail), "550", "[SND21]");
}

static void each_action_does_as_it_says(void **state)
{
	struct mail mail = { "shop1", "<ceo@bank.example>", NULL, "info@shop.example", NULL, NULL };

	(void)state;
	assert_int_equal(send_mail("envelope_owner = off", &mail).kind, REPLY_ACCEPT);
	assert_int_equal(send_mail("envelope_owner = observe", &mail).kind, REPLY_ACCEPT);
	assert_int_equal(send_mail("envelope_owner = hold", &mail).kind, REPLY_HOLD);
	assert_refused(send_mail("envelope_owner = defer", &mail), "451", "[SND20]");
	assert_refused(send_mail("envelope_owner = reject", &mail), "550", "[SND20]");
}

static void incoming_mail_is_not_judged(void **state)
{
	struct mail mail = { NULL, "<ceo@bank.example>", NULL, "x@cp1server.example.com", NULL, "198.51.100.9" };

	(void)state;
	assert_int_equal(send_mail("", &mail).kind, REPLY_ACCEPT);
	mail.rcpt_to = "<cp1001@cp1server.example.com>";
	assert_int_equal(send_mail("", &mail).kind, REPLY_ACCEPT);
	assert_refused(send_mail("default_domain_recipient = reject", &mail), "550", "[SND11]");
}

static void exemptions_hold_until_their_day(void **state)
{
	struct mail mail = { "shop1", "<ceo@bank.example>", NULL, "ceo@bank.example", NULL, NULL };

	(void)state;
	assert_int_equal(send_mail("exempt_accounts = {\"shop1: tests\"}", &mail).kind, REPLY_ACCEPT);
	assert_int_equal(send_mail("exempt_accounts = {\"shop1 until 2999-12-31: tests\"}", &mail).kind, REPLY_ACCEPT);
	assert_refused(send_mail("exempt_accounts = {\"shop1 until 2020-12-31: tests\"}", &mail), "550", "[SND20]");
	assert_int_equal(send_mail("exempt_networks = {\"192.0.2.0/24: tests\"}", &mail).kind, REPLY_ACCEPT);
}

static void platform_domains_are_for_everyone(void **state)
{
	struct mail mail = { "shop1", "<news-bounces@lists.host.example>", NULL, "info@shop.example", NULL, NULL };

	(void)state;
	assert_refused(send_mail("", &mail), "550", "[SND20]");
	assert_int_equal(send_mail("platform_domains = {\"lists.host.example\"}", &mail).kind, REPLY_ACCEPT);
}

static void logins_are_mapped_to_accounts(void **state)
{
	struct mail mail = { "Info@Shop.example", "<info@shop.example>", NULL, "info@shop.example", NULL, NULL };

	(void)state;
	assert_int_equal(send_mail("", &mail).kind, REPLY_ACCEPT);
	mail.auth_user = "shop1@cp1server.example.com"; /* the realm that SASL appends */
	assert_int_equal(send_mail("", &mail).kind, REPLY_ACCEPT);
	mail.auth_user = "buero@gemeinsam.example"; /* its own line names shop2 */
	assert_refused(send_mail("", &mail), "550", "[SND20]");
}

static void an_unknown_account_is_observed(void **state)
{
	struct mail mail = { "who@nowhere.example", "<x@bank.example>", NULL, "x@bank.example", NULL, NULL };

	(void)state;
	assert_int_equal(send_mail("", &mail).kind, REPLY_ACCEPT);
	assert_refused(send_mail("unknown_account = reject", &mail), "550", "[SND30]");
	mail.mail_from = "<cp9999@cp1server.example.com>";
	assert_refused(send_mail("", &mail), "550", "[SND10]");
}

static void an_empty_directory_refuses_nobody(void **state)
{
	struct directory *kept = domains;
	struct mail mail = { "shop1", "<ceo@bank.example>", NULL, "ceo@bank.example", NULL, NULL };

	(void)state;
	domains = NULL;
	assert_int_equal(send_mail("", &mail).kind, REPLY_ACCEPT);
	mail.mail_from = "<x@cp1server.example.com>";
	assert_refused(send_mail("", &mail), "550", "[SND10]");
	domains = kept;
}

static void a_shown_foreign_address_is_noticed(void **state)
{
	struct mail mail = { "shop1", "<info@shop.example>", NULL, "\"ceo@bank.example\" <info@shop.example>", NULL,
			     NULL };

	(void)state;
	assert_int_equal(send_mail("", &mail).kind, REPLY_ACCEPT);
	assert_refused(send_mail("display_spoof = reject", &mail), "550", "[SND22]");
	mail.header_from = "\"info@shop.example\" <info@shop.example>";
	assert_int_equal(send_mail("display_spoof = reject", &mail).kind, REPLY_ACCEPT);
}

static void a_torn_header_hides_nothing(void **state)
{
	struct mail mail = { "shop1", "<info@shop.example>", NULL, "info@shop.example\nFrom: ceo@bank.example", NULL,
			     NULL };

	(void)state;
	assert_refused(send_mail("", &mail), "550", "[SND21]");
}

static void a_reply_is_one_clean_line(void **state)
{
	struct mail mail = { "shop1", "<\"%s%n\r\n\x1b\xff\"@bank.example>", NULL, "x", NULL, NULL };
	struct reply reply = send_mail("", &mail);

	(void)state;
	assert_refused(reply, "550", "[SND20]");
	assert_non_null(strstr(reply.text, "%s%n\\x0d\\x0a\\x1b\\xff"));
	assert_non_null(strstr(reply.text, "(id "));
	for (const char *at = reply.text; *at; at++)
		assert_true(*at >= 0x20 && *at <= 0x7e);
}

static int place_make(void **state)
{
	char path[128];
	const char *at[] = { path };
	struct string_list list = { at, 1 };

	(void)state;
	log_open("test", LOG_TO_STDERR, LEVEL_ERROR);
	if (!mkdtemp(place))
		return -1;
	write_file("domains", "shop.example: shop1\nzweite.example: shop1\nanders.example: shop2\n"
			      "gemeinsam.example: shop1\ngemeinsam.example: shop2\nbuero@gemeinsam.example: shop2\n");
	snprintf(path, sizeof(path), "%s/domains", place);
	domains = directory_reload(NULL, &list, NULL, NULL);
	return domains ? 0 : -1;
}

static int place_remove(void **state)
{
	char path[128];

	(void)state;
	directory_unref(&domains);
	snprintf(path, sizeof(path), "%s/10.conf", place);
	unlink(path);
	snprintf(path, sizeof(path), "%s/domains", place);
	unlink(path);
	return rmdir(place);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(own_domain_passes),
		cmocka_unit_test(default_domain_is_refused),
		cmocka_unit_test(foreign_envelope_and_author_are_refused),
		cmocka_unit_test(each_action_does_as_it_says),
		cmocka_unit_test(incoming_mail_is_not_judged),
		cmocka_unit_test(exemptions_hold_until_their_day),
		cmocka_unit_test(platform_domains_are_for_everyone),
		cmocka_unit_test(logins_are_mapped_to_accounts),
		cmocka_unit_test(an_unknown_account_is_observed),
		cmocka_unit_test(an_empty_directory_refuses_nobody),
		cmocka_unit_test(a_shown_foreign_address_is_noticed),
		cmocka_unit_test(a_torn_header_hides_nothing),
		cmocka_unit_test(a_reply_is_one_clean_line),
	};

	return cmocka_run_group_tests(tests, place_make, place_remove);
}
