/*
 * The front for sendmail and Postfix: libmilter's callbacks become the steps of judge.h.
 * The only file that includes mfapi.h.
 *
 * Every callback stands without the earlier ones: an MTA, or whoever reaches the socket, may call them in
 * any order (measured: this kills most C milters). Nothing here waits.
 */
#include <libmilter/mfapi.h>
#include <netinet/in.h>
#include <arpa/inet.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "front.h"
#include "libmilter/guard.h"
#include "log.h"
#include "session.h"

/* What was agreed with the MTA, and what the message has come to. */
struct talk {
	struct session session;
	struct judgement judgement;
	struct house *house;	     /* of the whole connection */
	struct directory *directory; /* of the message */
	unsigned long agreed;	     /* SMFIP_* in force */
	bool in_message;
	bool failed;  /* facts of the message could not be kept */
	bool surplus; /* beyond max_connections */
};

static atomic_uint connections;
static _Atomic uint64_t messages;
static atomic_bool ended;
static unsigned connections_max;

/* Where no reply was agreed, libmilter wants to hear so; an MTA that cannot do that gets "continue". */
static sfsistat quiet(const struct talk *talk, unsigned long no_reply)
{
	return talk && (talk->agreed & no_reply) ? SMFIS_NOREPLY : SMFIS_CONTINUE;
}

static struct bench bench_of(const struct talk *talk)
{
	return (struct bench){ talk->house, talk->directory, service_store(), service_notices() };
}

/* Once a connection: kept out of talk_of(), which every event calls. */
static __attribute__((noinline)) struct talk *talk_new(SMFICTX *ctx)
{
	struct talk *talk = calloc(1, sizeof(*talk));

	if (!talk)
		return NULL;
	session_init(&talk->session);
	talk->house = service_house();
	talk->surplus = atomic_fetch_add(&connections, 1) >= connections_max;
	if (smfi_setpriv(ctx, talk) != MI_SUCCESS) {
		atomic_fetch_sub(&connections, 1);
		session_free(&talk->session);
		house_unref(&talk->house);
		free(talk);
		return NULL;
	}
	return talk;
}

static struct talk *talk_of(SMFICTX *ctx)
{
	struct talk *talk = smfi_getpriv(ctx);

	return talk ? talk : talk_new(ctx);
}

static void message_end(struct talk *talk)
{
	if (!talk->in_message)
		return;
	message_reset(&talk->session);
	directory_unref(&talk->directory);
	talk->in_message = false;
	talk->failed = false;
}

/* libmilter's prototypes lack const; it does not write */
static char *writable(const char *text)
{
	return (char *)(uintptr_t)text;
}

static const char *macro(SMFICTX *ctx, const char *name)
{
	const char *value = smfi_getsymval(ctx, writable(name));

	return value ? value : "";
}

/* Into the arena; "" when memory is short, which means no more than an absent fact. */
static const char *keep(struct arena *memory, const char *from)
{
	const char *copy = from[0] == '\0' ? "" : arena_copy(memory, from, strlen(from));

	return copy ? copy : "";
}

/* ---- what is asked of the MTA ------------------------------------------------------------------ */

/* Asked for only where a milter marks: what an MTA need not prepare for costs it nothing. */
#define MARKING (SMFIF_ADDHDRS | SMFIF_CHGHDRS)

/* Every one of these is read below; sendmail refuses more than 50 a stage. What is not asked for is not sent. */
static const struct {
	int stage;
	const char *macros;
} macro_lists[] = {
	{ SMFIM_CONNECT, "v {daemon_name}" },
	{ SMFIM_HELO, "" },
	{ SMFIM_ENVFROM, "i {auth_type} {auth_authen}" },
	{ SMFIM_ENVRCPT, "" },
	{ SMFIM_DATA, "" },
	{ SMFIM_EOH, "" },
	{ SMFIM_EOM, "i" },
};

static void macros_ask(SMFICTX *ctx)
{
	for (size_t i = 0; i < sizeof(macro_lists) / sizeof(*macro_lists); i++)
		if (smfi_setsymlist(ctx, macro_lists[i].stage, writable(macro_lists[i].macros)) != MI_SUCCESS)
			log_warning("the MTA could not be asked for its macros; facts may be missing");
}

static unsigned long actions_wanted(unsigned needs)
{
	return SMFIF_QUARANTINE | SMFIF_SETSYMLIST | (needs & NEED_MARK ? MARKING : 0);
}

/*
 * An event that nobody needs is not sent at all; one that needs no answer is sent without
 * waiting for it: an awaited reply costs 15 times the CPU of an unanswered event under real clients.
 */
static unsigned long steps_wanted(unsigned needs, bool surplus, unsigned long offered)
{
	unsigned long steps = SMFIP_NOUNKNOWN | SMFIP_NODATA | SMFIP_NOEOH | SMFIP_NR_MAIL | SMFIP_NR_HDR;

	steps |= (needs & NEED_HELO) ? SMFIP_NR_HELO : SMFIP_NOHELO;
	/* its first bytes are enough: one answer spares the rest */
	if (needs & NEED_BODY)
		steps |= offered & SMFIP_SKIP ? SMFIP_SKIP : SMFIP_NR_BODY;
	else
		steps |= SMFIP_NOBODY;
	if (!(needs & (NEED_HEADERS | NEED_IDENTITY)))
		steps |= SMFIP_NOHDRS;
	if (!(needs & NEED_RCPT))
		steps |= SMFIP_NORCPT;
	if (!surplus)
		steps |= SMFIP_NR_CONN;
	return steps;
}

static sfsistat on_negotiate(SMFICTX *ctx, unsigned long actions, unsigned long steps, unsigned long unused2,
			     unsigned long unused3, unsigned long *actions_out, unsigned long *steps_out,
			     unsigned long *unused2_out, unsigned long *unused3_out)
{
	struct talk *talk = talk_of(ctx);
	unsigned needs;

	(void)unused2;
	(void)unused3;
	if (!talk)
		return SMFIS_REJECT;
	needs = stack_needs(house_stack(talk->house));
	talk->agreed = steps & steps_wanted(needs, talk->surplus, steps);
	*actions_out = actions & actions_wanted(needs);
	*steps_out = talk->agreed;
	*unused2_out = *unused3_out = 0;
	if (actions & SMFIF_SETSYMLIST)
		macros_ask(ctx);
	return SMFIS_CONTINUE;
}

/* ---- connection -------------------------------------------------------------------------------- */

static enum mta mta_by_version(const char *version)
{
	if (!strncasecmp(version, "Postfix", 7))
		return MTA_POSTFIX;
	/* sendmail's $v is a bare number: 8.17.1.9 */
	if (version[0] == '8' && version[1] == '.')
		return MTA_SENDMAIL;
	return MTA_UNKNOWN;
}

static void client_read(struct connection *connection, const struct sockaddr *address)
{
	char text[INET6_ADDRSTRLEN] = "";

	if (address && address->sa_family == AF_INET) {
		const struct sockaddr_in *in = (const struct sockaddr_in *)(const void *)address;

		memcpy(&connection->client, in, sizeof(*in));
		inet_ntop(AF_INET, &in->sin_addr, text, sizeof(text));
		/* Postfix shows mail from sendmail(1) as coming from port 0 of localhost */
		connection->local_command = in->sin_port == 0 && connection->mta != MTA_SENDMAIL;
	} else if (address && address->sa_family == AF_INET6) {
		const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)(const void *)address;

		memcpy(&connection->client, in6, sizeof(*in6));
		inet_ntop(AF_INET6, &in6->sin6_addr, text, sizeof(text));
		connection->local_command = in6->sin6_port == 0 && connection->mta != MTA_SENDMAIL;
	}
	connection->client_addr = keep(&connection->memory, text);
}

static sfsistat on_connect(SMFICTX *ctx, char *client_name, _SOCK_ADDR *address)
{
	struct talk *talk = talk_of(ctx);
	struct connection *connection;

	if (!talk)
		return SMFIS_TEMPFAIL;
	connection = &talk->session.connection;
	connection->mta = mta_by_version(macro(ctx, "v"));
	connection->daemon_name = keep(&connection->memory, macro(ctx, "{daemon_name}"));
	connection->client_name = keep(&connection->memory, client_name ? client_name : "");
	client_read(connection, (const struct sockaddr *)address);
	if (talk->surplus)
		return SMFIS_TEMPFAIL;
	return quiet(talk, SMFIP_NR_CONN);
}

static sfsistat on_helo(SMFICTX *ctx, char *helo)
{
	struct talk *talk = talk_of(ctx);

	if (talk && helo)
		talk->session.connection.helo = keep(&talk->session.connection.memory, helo);
	return quiet(talk, SMFIP_NR_HELO);
}

/* ---- message ----------------------------------------------------------------------------------- */

static void queue_id_read(SMFICTX *ctx, struct message *message)
{
	/* Postfix makes it with the first accepted recipient only */
	if (message->queue_id[0] == '\0')
		message->queue_id = keep(&message->memory, macro(ctx, "i"));
}

static void message_begin(SMFICTX *ctx, struct talk *talk, const char *mail_from)
{
	struct message *message = &talk->session.message;
	struct bench bench;

	message_end(talk);
	talk->in_message = true;
	talk->directory = service_directory();
	queue_id_read(ctx, message);
	message->auth_type = keep(&message->memory, macro(ctx, "{auth_type}"));
	message->auth_user = keep(&message->memory, macro(ctx, "{auth_authen}"));
	talk->failed = message_mail_from(&talk->session, mail_from) < 0;
	bench = bench_of(talk);
	judge_mail(&talk->judgement, &bench, &talk->session);
}

/* In libmilter's and the MTAs' reply texts a % must be doubled; anything else was made harmless before. */
static void percent_double(struct text *out, const char *from)
{
	for (; *from; from++) {
		if (*from == '%')
			text_char(out, '%');
		text_char(out, *from);
	}
}

static sfsistat refuse(SMFICTX *ctx, const struct reply *reply)
{
	char buffer[980], code[4], dsn[16]; /* smfi_setreply() refuses longer lines */
	struct text text;

	text_init(&text, buffer, sizeof(buffer));
	percent_double(&text, reply->text);
	snprintf(code, sizeof(code), "%s", reply->code);
	snprintf(dsn, sizeof(dsn), "%s", reply->dsn);
	if (smfi_setreply(ctx, code, dsn, buffer) != MI_SUCCESS)
		log_warning("the MTA was refused the text of a reply: %s", reply->text);
	return reply->code[0] == '5' ? SMFIS_REJECT : SMFIS_TEMPFAIL;
}

static sfsistat say(SMFICTX *ctx, const struct reply *reply)
{
	return reply->kind == REPLY_REFUSE ? refuse(ctx, reply) : SMFIS_CONTINUE;
}

static sfsistat on_mail(SMFICTX *ctx, char **argv)
{
	struct talk *talk = talk_of(ctx);

	if (!talk)
		return SMFIS_TEMPFAIL;
	message_begin(ctx, talk, argv && argv[0] ? argv[0] : "");
	return quiet(talk, SMFIP_NR_MAIL);
}

static sfsistat on_rcpt(SMFICTX *ctx, char **argv)
{
	struct talk *talk = talk_of(ctx);
	struct recipient *recipient;
	struct reply reply;
	struct bench bench;

	if (!talk)
		return SMFIS_TEMPFAIL;
	if (!talk->in_message)
		message_begin(ctx, talk, "");
	bench = bench_of(talk);
	recipient = message_rcpt_to(&talk->session, argv && argv[0] ? argv[0] : "");
	if (!recipient || talk->failed) {
		talk->failed = true;
		reply = judge_failed(&bench, &talk->session, STAGE_RCPT);
	} else {
		reply = judge_rcpt(&talk->judgement, &bench, &talk->session, recipient);
	}
	return say(ctx, &reply);
}

static sfsistat on_header(SMFICTX *ctx, char *name, char *value)
{
	struct talk *talk = talk_of(ctx);

	if (talk && talk->in_message && name && value &&
	    message_header(&talk->session, name, value, house_wants_header(talk->house, &talk->session, name)) < 0)
		talk->failed = true;
	return quiet(talk, SMFIP_NR_HDR);
}

static sfsistat on_body(SMFICTX *ctx, unsigned char *body, size_t len)
{
	struct talk *talk = talk_of(ctx);

	if (!talk)
		return SMFIS_TEMPFAIL;
	message_body(&talk->session, (const char *)body, len);
	return talk->agreed & SMFIP_SKIP ? SMFIS_SKIP : quiet(talk, SMFIP_NR_BODY);
}

static sfsistat hold(SMFICTX *ctx, const struct reply *reply)
{
	char reason[980];
	struct text text;

	text_init(&text, reason, sizeof(reason));
	text_str(&text, reply->text);
	if (smfi_quarantine(ctx, reason) == MI_SUCCESS)
		return SMFIS_CONTINUE;
	log_error("the MTA would not hold a message; it is told to try again later");
	return SMFIS_TEMPFAIL;
}

static void marks_say(SMFICTX *ctx, const struct marks *marks)
{
	for (const struct mark *mark = marks->first; mark; mark = mark->next) {
		int said = mark->value ? smfi_insheader(ctx, 0, writable(mark->name), writable(mark->value))
				       : smfi_chgheader(ctx, writable(mark->name), (int)mark->index, NULL);

		if (said != MI_SUCCESS)
			log_warning("the MTA lets no milter change header fields; a %s field is %s", mark->name,
				    mark->value ? "not added" : "not removed");
	}
}

static sfsistat on_end(SMFICTX *ctx)
{
	struct talk *talk = talk_of(ctx);
	struct bench bench;
	struct reply reply;
	sfsistat answer;

	if (!talk)
		return SMFIS_TEMPFAIL;
	if (!talk->in_message)
		message_begin(ctx, talk, "");
	bench = bench_of(talk);
	queue_id_read(ctx, &talk->session.message);
	atomic_fetch_add(&messages, 1);
	if (talk->failed)
		reply = judge_failed(&bench, &talk->session, STAGE_END);
	else
		reply = judge_end(&talk->judgement, &bench, &talk->session);
	if (reply.kind != REPLY_REFUSE)
		marks_say(ctx, &talk->judgement.marks);
	answer = reply.kind == REPLY_HOLD ? hold(ctx, &reply) : say(ctx, &reply);
	message_end(talk);
	return answer;
}

static sfsistat on_abort(SMFICTX *ctx)
{
	struct talk *talk = smfi_getpriv(ctx);

	if (talk)
		message_end(talk);
	return SMFIS_CONTINUE;
}

static sfsistat on_close(SMFICTX *ctx)
{
	struct talk *talk = smfi_getpriv(ctx);

	if (!talk)
		return SMFIS_CONTINUE;
	smfi_setpriv(ctx, NULL);
	message_end(talk);
	session_free(&talk->session);
	house_unref(&talk->house);
	free(talk);
	atomic_fetch_sub(&connections, 1);
	return SMFIS_CONTINUE;
}

/* ---- the loop ---------------------------------------------------------------------------------- */

#define PACKET_LIMIT_MS 60000
/*
 * Postfix negotiates before its SMTP client has said a word, keeps what needs no answer (CONNECT, HELO, MAIL) back
 * until the first RCPT, and lets the client be silent for 5 minutes (smtpd_timeout): a minute would hurt honest mail.
 */
#define ENVELOPE_LIMIT_MS 360000
#define EVICT_MS 10000

static void *serve(void *unused)
{
	(void)unused;
	libmilter_guard_listener();
	if (smfi_main() != MI_SUCCESS)
		log_error("libmilter's loop ended with an error");
	atomic_store(&ended, true);
	return NULL;
}

int front_milter_start(const char *name, const struct leumund_options *options)
{
	static char tag[] = "leumund", socket_name[256];
	struct smfiDesc description = {
		.xxfi_name = tag,
		.xxfi_version = SMFI_VERSION,
		.xxfi_flags = SMFIF_QUARANTINE | SMFIF_SETSYMLIST | MARKING,
		.xxfi_connect = on_connect,
		.xxfi_helo = on_helo,
		.xxfi_envfrom = on_mail,
		.xxfi_envrcpt = on_rcpt,
		.xxfi_header = on_header,
		.xxfi_body = on_body,
		.xxfi_eom = on_end,
		.xxfi_abort = on_abort,
		.xxfi_close = on_close,
		.xxfi_negotiate = on_negotiate,
	};
	const int64_t idle_ms = options->idle_limit * 1000;
	const struct libmilter_limits limits = {
		.sessions = (unsigned)options->max_connections,
		.packet_ms = PACKET_LIMIT_MS,
		.envelope_ms = idle_ms < ENVELOPE_LIMIT_MS ? idle_ms : ENVELOPE_LIMIT_MS,
		.idle_ms = idle_ms,
		.evict_ms = EVICT_MS,
	};
	pthread_t thread;

	snprintf(socket_name, sizeof(socket_name), "%s", name);
	connections_max = (unsigned)options->max_connections;
	libmilter_guard_start(&limits);
	if (smfi_register(description) != MI_SUCCESS || smfi_setconn(socket_name) != MI_SUCCESS ||
	    smfi_settimeout((int)options->idle_limit) != MI_SUCCESS || smfi_setbacklog(1024) != MI_SUCCESS ||
	    smfi_opensocket(false) != MI_SUCCESS) {
		log_error("cannot listen on %s: %s", name,
			  strncmp(name, "unix:", 5) ? "is the port in use, and is the address one of this host's?"
						    : "check that its directory exists and may be written");
		return -1;
	}
	if (pthread_create(&thread, NULL, serve, NULL) != 0) {
		log_error("cannot start a thread for %s", name);
		return -1;
	}
	pthread_detach(thread);
	return 0;
}

bool front_milter_close(void)
{
	return libmilter_guard_close_door();
}

unsigned front_milter_connections(void)
{
	return atomic_load(&connections);
}

uint64_t front_milter_messages(void)
{
	return atomic_load(&messages);
}

bool front_milter_has_ended(void)
{
	return atomic_load(&ended);
}
