/*
 * TLS to the server: with an authority and certificates made here, against a server that listens on loopback.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "log.h"
#include "store/tls.h"
#include "test/unit/store_fixture.h"

static char folder[] = "/tmp/leumund-tls-XXXXXX";
static bool ready; /* there are certificates in it, and both sides can speak TLS */
static const char *lacking = "no server";

static const char *in_folder(const char *name)
{
	static char paths[16][64];
	static unsigned next;
	char *path = paths[next++ % 16];

	snprintf(path, sizeof(paths[0]), "%s/%s", folder, name);
	return path;
}

static int run(const char *const *argv)
{
	int status = -1;
	const pid_t pid = fork();

	if (pid == 0) {
		const int fd = open(in_folder("openssl.log"), O_WRONLY | O_CREAT | O_APPEND, 0600);
		dup2(fd, 1);
		dup2(fd, 2);
		execvp(argv[0], (char **)(uintptr_t)argv);
		_exit(127);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		return -1;
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static int make_authority(const char *cert, const char *key, const char *subject)
{
	const char *const words[] = {
		"openssl", "req",     "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
		"-nodes",  "-keyout", key,     "-out",	  cert, "-subj",    subject,
		"-days",   "2",	      NULL
	};

	return run(words);
}

/* Signed by ca.pem; `names` as in subjectAltName. */
static int make_certificate(const char *cert, const char *names)
{
	const char *key = in_folder("server.key"), *request = in_folder("request"), *more = in_folder("more");
	const char *const ask_words[] = {
		"openssl", "req",     "-new", "-newkey", "ec",	  "-pkeyopt", "ec_paramgen_curve:prime256v1",
		"-nodes",  "-keyout", key,    "-out",	 request, "-subj",    "/CN=redis",
		NULL
	};
	const char *const reuse_words[] = { "openssl", "req",	"-new",	 "-key",      key,
					    "-out",    request, "-subj", "/CN=redis", NULL };
	const char *const sign_words[] = { "openssl",
					   "x509",
					   "-req",
					   "-in",
					   request,
					   "-CA",
					   in_folder("ca.pem"),
					   "-CAkey",
					   in_folder("ca.key"),
					   "-CAcreateserial",
					   "-days",
					   "2",
					   "-extfile",
					   more,
					   "-out",
					   cert,
					   NULL };
	FILE *file = fopen(more, "w");

	assert_non_null(file);
	fprintf(file, "subjectAltName=%s\n", names);
	fclose(file);
	return run(access(key, R_OK) == 0 ? reuse_words : ask_words) || run(sign_words);
}

/* Settings of a server that speaks TLS on `port`, with the certificate of that name. */
struct tls_settings {
	char port[8];
	const char *words[20];
};

static void settings(struct tls_settings *tls, const char *cert, const char *clients)
{
	free_port(tls->port);
	const char *const words[] = { "--bind",
				      "127.0.0.1",
				      "--tls-port",
				      tls->port,
				      "--tls-cert-file",
				      in_folder(cert),
				      "--tls-key-file",
				      in_folder("server.key"),
				      "--tls-ca-cert-file",
				      in_folder("ca.pem"),
				      "--tls-auth-clients",
				      clients,
				      NULL };
	memcpy(tls->words, words, sizeof(words));
}

static int make_certificates(void **state)
{
	struct server server;
	struct tls_settings tls;

	(void)state;
	if (!STORE_TLS) {
		lacking = "this build's hiredis has no TLS";
		return 0;
	}
	if (!mkdtemp(folder))
		return -1;
	const int failed = make_authority(in_folder("ca.pem"), in_folder("ca.key"), "/CN=The right one");
	if (failed == 127) {
		lacking = "no openssl command";
		return 0;
	}
	if (failed || make_authority(in_folder("other.pem"), in_folder("other.key"), "/CN=Another one") ||
	    make_certificate(in_folder("server.pem"), "DNS:localhost,IP:127.0.0.1") ||
	    make_certificate(in_folder("named.pem"), "DNS:redis.example.net"))
		return -1;
	settings(&tls, "server.pem", "no");
	if (server_make(&server, NULL)) {
		server_kill(&server, SIGKILL);
		ready = server_start(&server, tls.words);
		lacking = "this redis-server has no TLS";
	}
	server_end(&server);
	return 0;
}

static int remove_certificates(void **state)
{
	(void)state;
	if (strchr(folder, 'X'))
		return 0;
	return run((const char *const[]){ "rm", "-rf", folder, NULL });
}

#define NEEDS_TLS(f)                                    \
	do {                                            \
		NEEDS_SERVER(f);                        \
		if (!ready) {                           \
			print_message("%s\n", lacking); \
			skip();                         \
		}                                       \
	} while (0)

/* Starts the server again, with TLS, and points the options at it. */
static void start_tls(struct fixture *f, struct tls_settings *tls, const char *cert, const char *host)
{
	settings(tls, cert, "no");
	server_kill(&f->server, SIGKILL);
	assert_true(server_start(&f->server, tls->words));
	snprintf(f->address, sizeof(f->address), "%s:%s", host, tls->port);
	f->options.address = f->address;
	f->options.tls = true;
	f->options.tls_ca = in_folder("ca.pem");
}

static void a_server_of_the_right_authority_and_name_is_used(void **state)
{
	static const char *const hosts[] = { "localhost", "127.0.0.1" };
	struct fixture *f = *state;
	struct tls_settings tls;
	struct seen seen = { 0 };

	NEEDS_TLS(f);
	for (size_t i = 0; i < 2; i++) {
		store_close(&f->store, 0);
		start_tls(f, &tls, "server.pem", hosts[i]);
		open_store(f);
		assert_true(answers(f->store));
	}
	/* Far more than a record of TLS in both directions. */
	for (unsigned i = 0; i < 2000; i++)
		post(f, "a", i, "default_domain");
	assert_true(written(f->store, 2000, 20000));
	assert_int_equal(history(f, "a", &seen), STORE_OK);
	assert_int_equal(seen.count, 2000);
	assert_true(seen.ordered);
}

static void a_killed_server_is_found_again_over_tls(void **state)
{
	struct fixture *f = *state;
	struct tls_settings tls;

	NEEDS_TLS(f);
	start_tls(f, &tls, "server.pem", "localhost");
	open_store(f);
	assert_true(answers(f->store));
	kill(f->server.pid, SIGSTOP);
	assert_int_equal(ping(f->store), STORE_UNSURE);
	assert_true(down_at_once(f->store));
	assert_true(becomes(f->store, STORE_STATE_AWAY, 5000));
	assert_true(trouble_is(f->store, "no answer", 100));
	kill(f->server.pid, SIGCONT);
	assert_true(becomes(f->store, STORE_STATE_UP, 5000));
	for (unsigned i = 0; i < 100; i++)
		post(f, "a", i, NULL);
	assert_true(written(f->store, 100, 5000));
	server_kill(&f->server, SIGKILL);
	assert_true(becomes(f->store, STORE_STATE_AWAY, 5000));
	assert_true(trouble_is(f->store, "refused", 2000));
	assert_true(server_start(&f->server, tls.words));
	assert_true(becomes(f->store, STORE_STATE_UP, 5000));
	assert_true(answers(f->store));
}

static void a_certificate_that_proves_nothing_is_refused(void **state)
{
	struct fixture *f = *state;
	struct tls_settings tls;
	static const struct {
		const char *host, *cert, *ca, *trouble, *remedy;
	} rows[] = {
		{ "localhost", "server.pem", "other.pem", "certificate refused", "store.tls_ca" },
		{ "127.0.0.1", "server.pem", "other.pem", "certificate refused", "store.tls_ca" },
		{ "localhost", "server.pem", "", "certificate refused", "store.tls_ca" }, /* the system's */
		{ "localhost", "named.pem", "ca.pem",
		  "certificate refused: ", "store.address must be a name it holds" },
		{ "127.0.0.1", "named.pem", "ca.pem",
		  "certificate refused: ", "store.address must be a name it holds" },
	};

	NEEDS_TLS(f);
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		start_tls(f, &tls, rows[i].cert, rows[i].host);
		f->options.tls_ca = *rows[i].ca ? in_folder(rows[i].ca) : "";
		open_store(f);
		assert_true(becomes(f->store, STORE_STATE_AWAY, 5000));
		assert_true(trouble_is(f->store, rows[i].trouble, 2000));
		assert_true(trouble_is(f->store, rows[i].remedy, 2000));
		assert_true(down_at_once(f->store));
		post(f, "a", 1, NULL);
		assert_false(written(f->store, 1, 100)); /* nothing was told to it */
		store_close(&f->store, 0);
	}
}

static void a_port_without_tls_is_named(void **state)
{
	struct fixture *f = *state;
	struct tls_settings tls;
	char port[8];
	const char *const plain[] = { "--port", port, "--bind", "127.0.0.1", NULL };

	NEEDS_TLS(f);
	start_tls(f, &tls, "server.pem", "localhost");
	server_kill(&f->server, SIGKILL);
	free_port(port);
	assert_true(server_start(&f->server, plain));
	snprintf(f->address, sizeof(f->address), "localhost:%s", port);
	open_store(f);
	assert_true(becomes(f->store, STORE_STATE_AWAY, 5000));
	assert_true(trouble_is(f->store, "TLS", 2000));
}

static void a_server_that_wants_our_certificate_says_so(void **state)
{
	struct fixture *f = *state;
	struct tls_settings tls;

	NEEDS_TLS(f);
	start_tls(f, &tls, "server.pem", "localhost");
	server_kill(&f->server, SIGKILL);
	settings(&tls, "server.pem", "yes");
	assert_true(server_start(&f->server, tls.words));
	snprintf(f->address, sizeof(f->address), "localhost:%s", tls.port);
	open_store(f);
	assert_true(becomes(f->store, STORE_STATE_AWAY, 5000));
	assert_true(trouble_is(f->store, "certificate", 2000));
	assert_true(trouble_is(f->store, "tls-auth-clients", 2000));
}

static void an_acl_user_logs_in_over_tls(void **state)
{
	struct fixture *f = *state;
	struct tls_settings tls;
	char path[128];
	static const char *const user[] = {
		"ACL",	  "SETUSER",  "leumund",	 "on",	     ">secret",	     "-@all",
		"+ping",  "+info",    "+client|setname", "+evalsha", "+script|load", "+time",
		"+@hash", "+@stream", "+expire",	 "~leu:*"
	};
	static const char *const nobody[] = { "ACL", "SETUSER", "default", "off" };

	NEEDS_TLS(f);
	start_tls(f, &tls, "server.pem", "localhost");
	open_store(f);
	assert_int_equal(decide(f->store, sizeof(user) / sizeof(*user), user), STORE_OK);
	assert_int_equal(decide(f->store, 4, nobody), STORE_OK);
	store_close(&f->store, 0);
	log_open("test_store_tls", LOG_TO_STDERR, (enum log_level)0);

	write_password(f, path, "wrong", 0600);
	f->options.password_file = path;
	f->options.user = "leumund";
	open_store(f);
	assert_true(becomes(f->store, STORE_STATE_DENIED, 5000));
	assert_true(trouble_is(f->store, "WRONGPASS", 100));
	store_close(&f->store, 0);

	write_password(f, path, "secret", 0600);
	open_store(f);
	assert_true(answers(f->store));
	post(f, "a", 1, "default_domain");
	assert_true(written(f->store, 1, 5000));
	assert_int_equal(decide(f->store, 1, (const char *const[]){ "FLUSHALL" }), STORE_REFUSED);
}

static void an_authority_that_cannot_be_read_stops_the_start(void **state)
{
	struct fixture *f = *state;
	char error[256];

	NEEDS_TLS(f);
	f->options.address = "localhost:1";
	f->options.tls = true;
	f->options.tls_ca = "/nowhere/ca.pem";
	assert_null(store_open(&f->options, "", error, sizeof(error)));
	print_message("%s\n", error);
	assert_non_null(strstr(error, "store.tls_ca: "));
	assert_non_null(strstr(error, "/nowhere/ca.pem: No such file or directory"));
	f->options.tls_ca = in_folder("ca.key");
	assert_null(store_open(&f->options, "", error, sizeof(error)));
	print_message("%s\n", error);
	assert_non_null(strstr(error, "store.tls_ca: "));
	assert_non_null(strstr(error, "no certificate"));
}

static void a_build_without_tls_says_so(void **state)
{
	struct fixture *f = *state;
	char error[256];

	if (STORE_TLS) {
		print_message("this build has TLS\n");
		return;
	}
	f->options.address = "localhost:1";
	f->options.tls = true;
	assert_null(store_open(&f->options, "", error, sizeof(error)));
	assert_non_null(strstr(error, "has no TLS"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		STORE_TEST(a_server_of_the_right_authority_and_name_is_used),
		STORE_TEST(a_killed_server_is_found_again_over_tls),
		STORE_TEST(a_certificate_that_proves_nothing_is_refused),
		STORE_TEST(a_port_without_tls_is_named),
		STORE_TEST(a_server_that_wants_our_certificate_says_so),
		STORE_TEST(an_acl_user_logs_in_over_tls),
		STORE_TEST(an_authority_that_cannot_be_read_stops_the_start),
		STORE_TEST(a_build_without_tls_says_so),
	};

	return cmocka_run_group_tests(tests, make_certificates, remove_certificates);
}
