/*
 * A private name server for one test (dns_server.h).
 */
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "test/unit/dns_server.h"
#include "test/unit/test.h"

static void server_become(int from, int to)
{
	static const char *const argv[] = { "python3", "test/milter/dns_server.py", NULL };

	prctl(PR_SET_PDEATHSIG, SIGKILL); /* a test that is killed leaves no server behind */
	dup2(from, 0);
	dup2(to, 1);
	execvp(argv[0], (char **)(uintptr_t)argv);
	_exit(127);
}

bool dns_server_start(struct dns_server *server, const char *zone)
{
	int in[2], out[2];
	char port[8] = "";

	if (pipe2(in, O_CLOEXEC) < 0 || pipe2(out, O_CLOEXEC) < 0)
		return false;
	server->pid = fork();
	if (server->pid == 0)
		server_become(in[0], out[1]);
	close(in[0]);
	close(out[1]);
	server->zone = in[1];
	(void)!write(in[1], zone, strlen(zone));
	(void)!write(in[1], "\nEND\n", 5);
	/* unbuffered, Python writes number and newline one after the other */
	for (size_t len = 0; len < sizeof(port) - 1 && !strchr(port, '\n') && read(out[0], port + len, 1) == 1;)
		len++;
	close(out[0]);
	port[strcspn(port, "\n")] = '\0';
	snprintf(server->address, sizeof(server->address), "127.0.0.1:%s", port);
	if (port[0])
		return true;
	dns_server_end(server);
	return false;
}

void dns_server_end(struct dns_server *server)
{
	if (server->pid <= 0)
		return;
	close(server->zone);
	kill(server->pid, SIGKILL);
	waitpid(server->pid, NULL, 0);
	server->pid = 0;
}

struct dns *dns_server_open(const char *servers, unsigned timeout_ms, unsigned queries_max)
{
	const struct dns_options options = {
		.servers = servers,
		.timeout_ms = timeout_ms,
		.tries = 2,
		.cache_bytes = (size_t)1 << 20,
		.queries_max = queries_max,
	};
	char error[256] = "";
	struct dns *dns = dns_open(&options, error, sizeof(error));

	assert_string_equal(error, "");
	assert_non_null(dns);
	return dns;
}

struct wait {
	pthread_mutex_t lock;
	pthread_cond_t came;
	const struct dns_answer *answer;
};

static void wait_ends(void *arg, const struct dns_answer *answer)
{
	struct wait *wait = arg;

	pthread_mutex_lock(&wait->lock);
	wait->answer = dns_ref(answer);
	pthread_cond_signal(&wait->came);
	pthread_mutex_unlock(&wait->lock);
}

const struct dns_answer *dns_look_up(struct dns *dns, enum dns_type type, const char *name)
{
	struct wait wait = { PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, NULL };

	dns_ask(dns, type, name, wait_ends, &wait);
	pthread_mutex_lock(&wait.lock);
	while (!wait.answer)
		pthread_cond_wait(&wait.came, &wait.lock);
	pthread_mutex_unlock(&wait.lock);
	pthread_cond_destroy(&wait.came);
	pthread_mutex_destroy(&wait.lock);
	return wait.answer;
}

unsigned dns_server_queries(struct dns *dns, const char *name)
{
	char question[300], number[16];
	const struct dns_answer *answer;

	snprintf(question, sizeof(question), "queries.of.%s", name);
	answer = dns_look_up(dns, DNS_TXT, question);
	assert_int_equal(answer->status, DNS_FOUND);
	snprintf(number, sizeof(number), "%.*s", (int)answer->records[0].txt.len, answer->records[0].txt.at);
	dns_unref(&answer);
	return (unsigned)atoi(number);
}
