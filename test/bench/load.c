/*
 * load: many MTAs at once over a milter's unix socket; counts lost messages and wrong verdicts, times each wait.
 * Speaks version 6 as Postfix does: macros even for events that were negotiated away, unanswered events in the next
 * write.
 */
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

enum verdict { ACCEPT, REJECT, TEMPFAIL, HOLD, DISCARD, LOST, VERDICTS };

static const char *const verdict_names[] = { "accept", "reject", "tempfail", "hold", "discard", "lost" };

/* One kind of message: -m WEIGHT,EXPECT,AUTH_USER,MAIL_FROM,HEADER_FROM; # in MAIL_FROM: the message's number */
struct class
{
	unsigned weight;
	enum verdict expect;
	const char *auth_user, *mail_from, *header_from;
};

#define CLASSES 32

static struct options {
	const char *path;
	unsigned connections, messages, first, recipients, headers, body, gap_us, reconnect, timeout_ms, slow_ms;
	struct class classes[CLASSES];
	unsigned class_count, weights;
	bool info, strangers;
} options = { NULL, 1, 1000, 0, 1, 13, 2048, 0, 10, 30000, 100, { { 0 } }, 0, 0, false, false };

#define BUFFER (256 * 1024)
#define SYMLIST_STAGES 7

/* One session with the milter; `bad` says what went wrong first. */
struct session {
	int fd;
	uint32_t steps;
	bool asked[SYMLIST_STAGES]; /* macro lists that the milter set */
	char lists[SYMLIST_STAGES][1024];
	size_t out_len, in_len, in_at;
	uint64_t waited; /* ns, of this message */
	unsigned awaited;
	char out[BUFFER], in[BUFFER];
};

#define BUCKETS 20000 /* of 25 us: up to 500 ms, the last takes the rest */

struct worker {
	pthread_t thread;
	unsigned number;
	uint64_t awaited, waits, slow, longest;
	uint64_t by_verdict[VERDICTS], wrong, done;
	uint32_t wait_buckets[BUCKETS];
	char trouble[160];
};

static const uint32_t no_step[256] = { ['C'] = 0x1,  ['H'] = 0x2,  ['M'] = 0x4,	  ['R'] = 0x8,	['B'] = 0x10,
				       ['L'] = 0x20, ['N'] = 0x40, ['U'] = 0x100, ['T'] = 0x200 };
static const uint32_t no_reply[256] = {
	['L'] = 0x80,	 ['C'] = 0x1000,  ['H'] = 0x2000,  ['M'] = 0x4000, ['R'] = 0x8000,
	['T'] = 0x10000, ['U'] = 0x20000, ['N'] = 0x40000, ['B'] = 0x80000
};

static volatile sig_atomic_t enough; /* set by SIGTERM: begin no further message */

static void stop(int signal)
{
	(void)signal;
	enough = 1;
}

static uint64_t ticks(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000U + (uint64_t)t.tv_nsec;
}

static void put32(char *at, uint32_t value)
{
	at[0] = (char)(value >> 24);
	at[1] = (char)(value >> 16);
	at[2] = (char)(value >> 8);
	at[3] = (char)value;
}

static uint32_t get32(const char *at)
{
	const unsigned char *u = (const unsigned char *)at;

	return (uint32_t)u[0] << 24 | (uint32_t)u[1] << 16 | (uint32_t)u[2] << 8 | u[3];
}

static int flush(struct session *s)
{
	for (size_t at = 0; at < s->out_len;) {
		ssize_t n = send(s->fd, s->out + at, s->out_len - at, MSG_NOSIGNAL);

		if (n <= 0)
			return -1;
		at += (size_t)n;
	}
	s->out_len = 0;
	return 0;
}

static int put(struct session *s, char command, const char *data, size_t len)
{
	if (s->out_len + len + 5 > BUFFER && flush(s) != 0)
		return -1;
	if (len + 5 > BUFFER)
		return -1;
	put32(s->out + s->out_len, (uint32_t)len + 1);
	s->out[s->out_len + 4] = command;
	memcpy(s->out + s->out_len + 5, data, len);
	s->out_len += len + 5;
	return 0;
}

/* One packet; the data stay valid until the next call. -1 when the milter is gone or silent. */
static int get(struct session *s, char *command, const char **data, size_t *len)
{
	for (;;) {
		size_t have = s->in_len - s->in_at;

		if (have >= 5 && have >= 4 + (size_t)get32(s->in + s->in_at)) {
			*len = (size_t)get32(s->in + s->in_at) - 1;
			*command = s->in[s->in_at + 4];
			*data = s->in + s->in_at + 5;
			s->in_at += *len + 5;
			return 0;
		}
		memmove(s->in, s->in + s->in_at, have);
		s->in_at = 0;
		s->in_len = have;

		struct pollfd ready = { s->fd, POLLIN, 0 };

		if (have == BUFFER || poll(&ready, 1, (int)options.timeout_ms) != 1)
			return -1;

		ssize_t n = recv(s->fd, s->in + have, BUFFER - have, 0);

		if (n <= 0)
			return -1;
		s->in_len += (size_t)n;
	}
}

static void count_wait(struct worker *w, uint64_t ns)
{
	w->awaited++;
	if (ns > w->longest)
		w->longest = ns;
	if (ns > (uint64_t)options.slow_ms * 1000000U)
		w->slow++;
}

/* Waits for the reply that is due; *hold when a quarantine came before it. 0 when the milter is gone. */
static char await(struct worker *w, struct session *s, bool *hold)
{
	uint64_t start = ticks();
	char command;
	const char *data;
	size_t len;

	if (flush(s) != 0)
		return 0;
	do {
		if (get(s, &command, &data, &len) != 0)
			return 0;
		if (command == 'q' && hold)
			*hold = true;
	} while (strchr("p+-2bhimeq", command));
	if (command == 'y')
		command = len && data[0] == '4' ? 't' : 'r';

	uint64_t ns = ticks() - start;

	s->waited += ns;
	s->awaited++;
	count_wait(w, ns);
	return command;
}

static void pause_client(struct session *s)
{
	if (options.gap_us == 0)
		return;
	flush(s);
	usleep(options.gap_us);
}

/* Sends an event unless it was negotiated away; 'c' when no reply is due. */
static char event(struct worker *w, struct session *s, char command, const char *data, size_t len)
{
	if (s->steps & no_step[(unsigned char)command])
		return 'c';
	if (put(s, command, data, len) != 0)
		return 0;
	if (s->steps & no_reply[(unsigned char)command])
		return 'c';
	return await(w, s, NULL);
}

static bool list_has(const char *list, const char *name)
{
	size_t len = strlen(name);

	for (; (list = strstr(list, name)) != NULL; list += len) {
		/* "i" also stands inside "{client_addr}" */
		if (list[len] == '\0' || list[len] == ' ')
			return true;
	}
	return false;
}

static int put_macros(struct session *s, char command, int stage, const char *const *pairs)
{
	char data[2048];
	size_t len = 0;

	data[len++] = command;
	for (; *pairs; pairs += 2) {
		size_t name = strlen(pairs[0]) + 1, value = strlen(pairs[1]) + 1;

		if (s->asked[stage] && !list_has(s->lists[stage], pairs[0]))
			continue;
		if (len + name + value > sizeof(data))
			continue;
		memcpy(data + len, pairs[0], name);
		memcpy(data + len + name, pairs[1], value);
		len += name + value;
	}
	return len > 1 ? put(s, 'D', data, len) : 0;
}

static int negotiate(struct session *s)
{
	char offer[12], command;
	const char *data;
	size_t len;

	put32(offer, 6);
	put32(offer + 4, 0x1ff);
	put32(offer + 8, 0x1fffff);
	if (put(s, 'O', offer, sizeof(offer)) != 0 || flush(s) != 0 || get(s, &command, &data, &len) != 0 ||
	    command != 'O' || len < 12)
		return -1;
	s->steps = get32(data + 8);
	for (size_t at = 12; at + 4 < len;) {
		uint32_t stage = get32(data + at);
		size_t size = strnlen(data + at + 4, len - at - 4);

		if (stage < SYMLIST_STAGES) {
			s->asked[stage] = true;
			snprintf(s->lists[stage], sizeof(s->lists[stage]), "%.*s", (int)size, data + at + 4);
		}
		at += 5 + size;
	}
	return 0;
}

static int session_open(struct worker *w, struct session *s)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	char where[64], client[32];
	size_t len = 0;

	memset(s, 0, offsetof(struct session, out));
	snprintf(address.sun_path, sizeof(address.sun_path), "%s", options.path);
	s->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (s->fd < 0 || connect(s->fd, (struct sockaddr *)&address, sizeof(address)) != 0 || negotiate(s) != 0)
		return -1;
	snprintf(client, sizeof(client), "192.0.2.%u", 1 + w->number % 250);

	const char *at_connect[] = {
		"j",	"mx.example.net", "{daemon_name}",	"smtpd", "v", "Postfix 3.7.11", "{client_addr}",
		client, "{client_name}",  "client.example.org", NULL
	};

	memcpy(where, "client.example.org\0004\x61\xa8", 22);
	len = 22;
	memcpy(where + len, client, strlen(client) + 1);
	len += strlen(client) + 1;
	if (put_macros(s, 'C', 0, at_connect) != 0 || event(w, s, 'C', where, len) != 'c')
		return -1;
	return event(w, s, 'H', "client.example.org", sizeof("client.example.org")) == 'c' ? 0 : -1;
}

static void session_close(struct session *s)
{
	if (s->fd < 0)
		return;
	put(s, 'Q', "", 0);
	flush(s);
	close(s->fd);
	s->fd = -1;
}

static int pair(char *out, size_t size, const char *name, const char *value)
{
	size_t a = strlen(name) + 1, b = strlen(value) + 1;

	if (a + b > size)
		return -1;
	memcpy(out, name, a);
	memcpy(out + a, value, b);
	return (int)(a + b);
}

/* Headers and the rest; the last reply. */
static char content(struct worker *w, struct session *s, const struct class *class, const char *queue_id, bool *hold)
{
	static const char *const names[] = { "Subject", "Date", "Message-ID", "To", "MIME-Version", "Content-Type" };
	const char *at_end[] = { "i", queue_id, NULL };
	static char body[65535];
	char data[4096], reply = 'c';

	for (unsigned i = 0; i < options.headers && reply == 'c'; i++) {
		char value[256];
		int len;

		if (i == 0)
			snprintf(value, sizeof(value), "%s%s", s->steps & 0x100000 ? " " : "", class->header_from);
		else
			snprintf(value, sizeof(value), " some value of an ordinary length, number %u", i);
		len = pair(data, sizeof(data), i == 0 ? "From" : i <= 6 ? names[i - 1] : "X-Other", value);
		reply = event(w, s, 'L', data, (size_t)len);
	}
	put_macros(s, 'N', 6, at_end);
	if (reply == 'c')
		reply = event(w, s, 'N', "", 0);
	if (reply == 'c' && options.body)
		reply = event(w, s, 'B', body, options.body);
	if (reply == 's')
		reply = 'c';
	if (reply != 'c')
		return reply;
	put_macros(s, 'E', 5, at_end);
	return put(s, 'E', "", 0) == 0 ? await(w, s, hold) : 0;
}

/* "<...>" */
static void path_write(char *path, size_t size, const char *address, unsigned number)
{
	const char *rest = strchr(address, '#');

	if (rest)
		snprintf(path, size, "<%.*s%u%s>", (int)(rest - address), address, number, rest + 1);
	else
		snprintf(path, size, "<%s>", address);
}

/* One transaction; the last reply, or 0 when it is lost. */
static char transaction(struct worker *w, struct session *s, const struct class *class, unsigned number,
			const char *queue_id, bool *hold)
{
	char path[512], reply;
	const char *at_mail[] = { "i", queue_id, "{auth_type}", "PLAIN", "{auth_authen}", class->auth_user, NULL };
	const char *no_auth[] = { "i", queue_id, NULL };
	bool one = false;

	pause_client(s);
	put_macros(s, 'M', 2, class->auth_user[0] ? at_mail : no_auth);
	path_write(path, sizeof(path), class->mail_from, options.first + number * options.connections + w->number);
	reply = event(w, s, 'M', path, strlen(path) + 1);
	if (reply != 'c')
		return reply;
	for (unsigned i = 0; i < options.recipients; i++) {
		const char *at_rcpt[] = { "i", queue_id, "{rcpt_addr}", path, "{rcpt_mailer}", "smtp", NULL };

		pause_client(s);
		if (options.strangers)
			snprintf(path, sizeof(path), "<rcpt%u.%u@remote.example>", i,
				 options.first + number * options.connections + w->number);
		else
			snprintf(path, sizeof(path), "<rcpt%u@remote.example>", i);
		put_macros(s, 'R', 3, at_rcpt);
		reply = event(w, s, 'R', path, strlen(path) + 1);
		if (reply == 'c')
			one = true;
		else if (reply != 'r' && reply != 't')
			return reply;
	}
	if (!one)
		return reply;
	pause_client(s);
	put_macros(s, 'T', 4, no_auth);
	reply = event(w, s, 'T', "", 0);
	return reply == 'c' ? content(w, s, class, queue_id, hold) : reply;
}

static enum verdict verdict_of(char reply, bool hold)
{
	switch (reply) {
	case 'c':
	case 'a':
		return hold ? HOLD : ACCEPT;
	case 'r':
		return REJECT;
	case 't':
		return TEMPFAIL;
	case 'd':
		return DISCARD;
	default:
		return LOST;
	}
}

static const struct class *class_of(unsigned number)
{
	unsigned at = number % options.weights;
	const struct class *class = options.classes;

	for (; at >= class->weight; class ++)
		at -= class->weight;
	return class;
}

static void one_message(struct worker *w, struct session *s, unsigned number)
{
	const struct class *class = class_of(number + w->number);
	char queue_id[32];
	bool hold = false;
	char reply = 0;

	snprintf(queue_id, sizeof(queue_id), "L%04uM%06u", w->number, number);
	if (s->fd < 0 && session_open(w, s) != 0) {
		snprintf(w->trouble, sizeof(w->trouble), "cannot open a session: %s", strerror(errno));
	} else {
		s->waited = 0;
		s->awaited = 0;
		reply = transaction(w, s, class, number, queue_id, &hold);
		if (reply == 'r' || reply == 't')
			put(s, 'A', "", 0);
	}

	enum verdict verdict = verdict_of(reply, hold);
	uint64_t bucket = s->waited / 25000;

	w->by_verdict[verdict]++;
	w->done++;
	if (verdict == LOST) {
		if (w->trouble[0] == '\0')
			snprintf(w->trouble, sizeof(w->trouble), "no verdict for %s (reply %d)", queue_id, reply);
		if (s->fd >= 0)
			close(s->fd);
		s->fd = -1;
		return;
	}
	w->waits += s->awaited;
	w->wait_buckets[bucket < BUCKETS ? bucket : BUCKETS - 1]++;
	if (verdict != class->expect && w->wrong++ == 0)
		snprintf(w->trouble, sizeof(w->trouble), "%s: %s instead of %s for %s", queue_id,
			 verdict_names[verdict], verdict_names[class->expect], class->mail_from);
}

static void *work(void *arg)
{
	struct worker *w = arg;
	struct session *s = calloc(1, sizeof(*s));

	if (s == NULL)
		abort();
	s->fd = -1;
	for (unsigned i = 0; i < options.messages && !enough; i++) {
		one_message(w, s, i);
		if (options.reconnect && i % options.reconnect == options.reconnect - 1)
			session_close(s);
	}
	session_close(s);
	free(s);
	return NULL;
}

static void report(const struct worker *workers, uint64_t ns)
{
	struct worker sum = { 0 };
	uint64_t seen = 0, p50 = 0, p99 = 0;
	unsigned troubles = 0;

	for (unsigned i = 0; i < options.connections; i++) {
		const struct worker *w = &workers[i];

		for (int v = 0; v < VERDICTS; v++)
			sum.by_verdict[v] += w->by_verdict[v];
		for (int b = 0; b < BUCKETS; b++)
			sum.wait_buckets[b] += w->wait_buckets[b];
		sum.waits += w->waits;
		sum.slow += w->slow;
		sum.wrong += w->wrong;
		sum.done += w->done;
		if (w->longest > sum.longest)
			sum.longest = w->longest;
		if (w->trouble[0] && troubles++ < 5)
			fprintf(stderr, "load: %s\n", w->trouble);
	}

	uint64_t timed = sum.done - sum.by_verdict[LOST];

	for (unsigned b = 0; b < BUCKETS; b++) {
		seen += sum.wait_buckets[b];
		if (!p50 && seen * 2 >= timed)
			p50 = (b + 1) * 25;
		if (!p99 && seen * 100 >= timed * 99)
			p99 = (b + 1) * 25;
	}
	printf("messages=%" PRIu64 " seconds=%.3f per_second=%.0f p50_us=%" PRIu64 " p99_us=%" PRIu64
	       " max_wait_ms=%.1f slow=%" PRIu64 " replies=%.3f lost=%" PRIu64 " wrong=%" PRIu64,
	       sum.done, (double)ns / 1e9, (double)sum.done / ((double)ns / 1e9), p50, p99, (double)sum.longest / 1e6,
	       sum.slow, timed ? (double)sum.waits / (double)timed : 0.0, sum.by_verdict[LOST], sum.wrong);
	for (int v = 0; v < LOST; v++)
		printf(" %s=%" PRIu64, verdict_names[v], sum.by_verdict[v]);
	printf("\n");
}

/* What the milter negotiates: for a null milter of the same profile. */
static int print_profile(void)
{
	struct worker w = { .number = 0 };
	struct session *s = calloc(1, sizeof(*s));

	if (s == NULL || session_open(&w, s) != 0) {
		fprintf(stderr, "load: no session on %s\n", options.path);
		return 1;
	}
	printf("-p\n%x\n", s->steps);
	for (int stage = 0; stage < SYMLIST_STAGES; stage++)
		if (s->asked[stage])
			printf("-m\n%d=%s\n", stage, s->lists[stage]);
	session_close(s);
	free(s);
	return 0;
}

static int add_class(char *text)
{
	struct class *class = &options.classes[options.class_count];
	char *word[5] = { text };
	int verdict = 0;

	for (int i = 1; i < 5; i++) {
		word[i] = word[i - 1] ? strchr(word[i - 1], ',') : NULL;
		if (word[i] == NULL)
			return -1;
		*word[i]++ = '\0';
	}
	while (verdict < LOST && strcmp(verdict_names[verdict], word[1]) != 0)
		verdict++;
	class->weight = (unsigned)strtoul(word[0], NULL, 10);
	if (verdict == LOST || class->weight == 0 || ++options.class_count == CLASSES)
		return -1;
	class->expect = (enum verdict)verdict;
	class->auth_user = word[2];
	class->mail_from = word[3];
	class->header_from = word[4];
	options.weights += class->weight;
	return 0;
}

static int usage(void)
{
	fputs("usage: load -s SOCKET [-c CONNECTIONS] [-n MESSAGES] [-f FIRST] [-r RECIPIENTS] [-H HEADERS] [-b BODY]\n"
	      "            [-g GAP_US] [-k MESSAGES_A_CONNECTION] [-t TIMEOUT_MS] [-w SLOW_MS] [-i] [-u]\n"
	      "            [-m WEIGHT,accept|reject|tempfail|hold,AUTH_USER,MAIL_FROM,HEADER_FROM]...\n"
	      "MESSAGES is for each connection, SIGTERM ends them sooner; # in MAIL_FROM is a number that no other\n"
	      "message has, counted from FIRST, -u puts it into its recipients; -k 0 never reconnects; -i prints what "
	      "the milter negotiates, for\n"
	      "null_milter.\n",
	      stderr);
	return 64;
}

static int read_options(int argc, char **argv)
{
	static const struct {
		char letter;
		unsigned *value;
	} numbers[] = { { 'c', &options.connections }, { 'n', &options.messages },  { 'r', &options.recipients },
			{ 'f', &options.first },       { 'H', &options.headers },   { 'b', &options.body },
			{ 'g', &options.gap_us },      { 'k', &options.reconnect }, { 't', &options.timeout_ms },
			{ 'w', &options.slow_ms } };
	static char ordinary[] = "1,accept,cp1001,info@own.example,Info <info@own.example>";
	int option;

	while ((option = getopt(argc, argv, "s:c:n:f:r:H:b:g:k:t:w:m:iu")) != -1) {
		bool known = option == 's' || option == 'i' || option == 'm' || option == 'u';

		for (size_t i = 0; i < sizeof(numbers) / sizeof(*numbers); i++) {
			if (numbers[i].letter == option) {
				*numbers[i].value = (unsigned)strtoul(optarg, NULL, 10);
				known = true;
			}
		}
		if (option == 's')
			options.path = optarg;
		if (option == 'i')
			options.info = true;
		if (option == 'u')
			options.strangers = true;
		if (!known || (option == 'm' && add_class(optarg) != 0))
			return -1;
	}
	if (options.class_count == 0)
		add_class(ordinary);
	return options.path && options.connections && options.body <= 65535 ? 0 : -1;
}

int main(int argc, char **argv)
{
	struct worker *workers;
	pthread_attr_t small;
	uint64_t start;
	bool bad = false;

	if (read_options(argc, argv) != 0)
		return usage();
	if (options.info)
		return print_profile();
	workers = calloc(options.connections, sizeof(*workers));
	if (workers == NULL)
		return 71;
	pthread_attr_init(&small);
	pthread_attr_setstacksize(&small, 256 * 1024);
	sigaction(SIGTERM, &(struct sigaction){ .sa_handler = stop, .sa_flags = SA_RESTART }, NULL);
	start = ticks();
	for (unsigned i = 0; i < options.connections; i++) {
		workers[i].number = i;
		if (pthread_create(&workers[i].thread, &small, work, &workers[i]) != 0)
			return 71;
	}
	for (unsigned i = 0; i < options.connections; i++)
		pthread_join(workers[i].thread, NULL);
	report(workers, ticks() - start);
	for (unsigned i = 0; i < options.connections; i++)
		bad |= workers[i].wrong || workers[i].by_verdict[LOST];
	free(workers);
	return bad ? 1 : 0;
}
