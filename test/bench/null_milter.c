/*
 * null_milter -s SOCKET [-a] [-p STEPS] [-m STAGE=MACROS]... [-e REDIS -h SHA]: the smallest libmilter filter, the
 * floor for benchmarks. It looks at nothing and accepts all; with -e it runs one script of that Redis for each message.
 * Default profile: MAIL without reply, RCPT, headers without reply, end of message.
 */
#include <libmilter/mfapi.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define PROFILE                                                                                                      \
	(SMFIP_NOCONNECT | SMFIP_NOHELO | SMFIP_NR_MAIL | SMFIP_NODATA | SMFIP_NR_HDR | SMFIP_NOEOH | SMFIP_NOBODY | \
	 SMFIP_NOUNKNOWN)

#define STAGES 7

static unsigned long steps = PROFILE;
static const char *redis, *sha;
static const char *macros[STAGES] = { "", "", "{auth_authen}", "", "", "", "" };

static sfsistat on_negotiate(SMFICTX *ctx, unsigned long f0, unsigned long f1, unsigned long f2, unsigned long f3,
			     unsigned long *out0, unsigned long *out1, unsigned long *out2, unsigned long *out3)
{
	(void)f0;
	(void)f2;
	(void)f3;
	for (int stage = 0; stage < STAGES; stage++) {
		char list[1024];

		snprintf(list, sizeof(list), "%s", macros[stage]);
		smfi_setsymlist(ctx, stage, list);
	}
	*out0 = 0;
	*out1 = steps & f1;
	*out2 = *out3 = 0;
	return SMFIS_CONTINUE;
}

/* libmilter writes a line to syslog, 3 system calls, for each reply to an event whose reply was negotiated away. */
static sfsistat answer(unsigned long no_reply)
{
	return steps & no_reply ? SMFIS_NOREPLY : SMFIS_CONTINUE;
}

static sfsistat on_connect(SMFICTX *ctx, char *name, _SOCK_ADDR *address)
{
	(void)ctx;
	(void)name;
	(void)address;
	return answer(SMFIP_NR_CONN);
}

static sfsistat on_text(SMFICTX *ctx, char *text)
{
	(void)ctx;
	(void)text;
	return answer(SMFIP_NR_HELO);
}

static sfsistat on_unknown(SMFICTX *ctx, const char *text)
{
	(void)ctx;
	(void)text;
	return answer(SMFIP_NR_UNKN);
}

static sfsistat on_mail(SMFICTX *ctx, char **words)
{
	(void)ctx;
	(void)words;
	return answer(SMFIP_NR_MAIL);
}

static sfsistat on_rcpt(SMFICTX *ctx, char **words)
{
	(void)ctx;
	(void)words;
	return answer(SMFIP_NR_RCPT);
}

static sfsistat on_header(SMFICTX *ctx, char *name, char *value)
{
	(void)ctx;
	(void)name;
	(void)value;
	return answer(SMFIP_NR_HDR);
}

static sfsistat on_body(SMFICTX *ctx, unsigned char *chunk, size_t len)
{
	(void)ctx;
	(void)chunk;
	(void)len;
	return answer(SMFIP_NR_BODY);
}

static sfsistat on_data(SMFICTX *ctx)
{
	(void)ctx;
	return answer(SMFIP_NR_DATA);
}

static sfsistat on_eoh(SMFICTX *ctx)
{
	(void)ctx;
	return answer(SMFIP_NR_EOH);
}

/* One connection for each of libmilter's threads; a unix socket delivers so short a reply in one piece. */
static int redis_connect(void)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	snprintf(at.sun_path, sizeof(at.sun_path), "%s", redis);
	if (fd < 0 || connect(fd, (struct sockaddr *)&at, sizeof(at)) != 0)
		exit(71);
	return fd;
}

static sfsistat on_end(SMFICTX *ctx)
{
	static _Thread_local int fd = -1;
	char words[256], reply[256];

	(void)ctx;
	if (!redis)
		return SMFIS_CONTINUE;
	if (fd < 0)
		fd = redis_connect();
	const int len = snprintf(words, sizeof(words),
				 "*4\r\n$7\r\nEVALSHA\r\n$40\r\n%.40s\r\n$1\r\n1\r\n$6\r\n{null}\r\n", sha);
	if (write(fd, words, (size_t)len) != len || read(fd, reply, sizeof(reply)) <= 0 || reply[0] != ':')
		exit(71);
	return SMFIS_CONTINUE;
}

static char filter_name[] = "null";

static struct smfiDesc filter = {
	.xxfi_name = filter_name,
	.xxfi_version = SMFI_VERSION,
	.xxfi_connect = on_connect,
	.xxfi_helo = on_text,
	.xxfi_envfrom = on_mail,
	.xxfi_envrcpt = on_rcpt,
	.xxfi_header = on_header,
	.xxfi_eoh = on_eoh,
	.xxfi_body = on_body,
	.xxfi_eom = on_end,
	.xxfi_unknown = on_unknown,
	.xxfi_data = on_data,
	.xxfi_negotiate = on_negotiate,
};

int main(int argc, char **argv)
{
	char *path = NULL;
	int option;

	while ((option = getopt(argc, argv, "s:ap:m:e:h:")) != -1) {
		if (option == 's') {
			path = optarg;
		} else if (option == 'a') {
			steps = 0;
		} else if (option == 'p') {
			steps = strtoul(optarg, NULL, 16);
		} else if (option == 'e') {
			redis = optarg;
		} else if (option == 'h' && strlen(optarg) == 40) {
			sha = optarg;
		} else if (option == 'm' && optarg[0] >= '0' && optarg[0] < '0' + STAGES && optarg[1] == '=') {
			macros[optarg[0] - '0'] = optarg + 2;
		} else {
			fprintf(stderr, "usage: null_milter -s SOCKET [-a] [-p STEPS] [-m STAGE=MACROS]... [-e REDIS "
					"-h SHA]\n");
			return 64;
		}
	}
	if (path == NULL || !redis != !sha || smfi_setconn(path) != MI_SUCCESS || smfi_register(filter) != MI_SUCCESS ||
	    smfi_opensocket(1) != MI_SUCCESS) {
		fprintf(stderr, "null_milter: cannot listen on %s\n", path ? path : "(no -s)");
		return 71;
	}
	return smfi_main() == MI_SUCCESS ? 0 : 71;
}
