/*
 * null_milter -s SOCKET [-a] [-p STEPS] [-m STAGE=MACROS]...: the smallest libmilter filter, the floor for benchmarks.
 * It looks at nothing and accepts all. Default profile: MAIL without reply, RCPT, headers without reply, end of
 * message.
 */
#include <libmilter/mfapi.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PROFILE                                                                                                      \
	(SMFIP_NOCONNECT | SMFIP_NOHELO | SMFIP_NR_MAIL | SMFIP_NODATA | SMFIP_NR_HDR | SMFIP_NOEOH | SMFIP_NOBODY | \
	 SMFIP_NOUNKNOWN)

#define STAGES 7

static unsigned long steps = PROFILE;
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

static sfsistat on_end(SMFICTX *ctx)
{
	(void)ctx;
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

	while ((option = getopt(argc, argv, "s:ap:m:")) != -1) {
		if (option == 's') {
			path = optarg;
		} else if (option == 'a') {
			steps = 0;
		} else if (option == 'p') {
			steps = strtoul(optarg, NULL, 16);
		} else if (option == 'm' && optarg[0] >= '0' && optarg[0] < '0' + STAGES && optarg[1] == '=') {
			macros[optarg[0] - '0'] = optarg + 2;
		} else {
			fprintf(stderr, "usage: null_milter -s SOCKET [-a] [-p STEPS] [-m STAGE=MACROS]...\n");
			return 64;
		}
	}
	if (path == NULL || smfi_setconn(path) != MI_SUCCESS || smfi_register(filter) != MI_SUCCESS ||
	    smfi_opensocket(1) != MI_SUCCESS) {
		fprintf(stderr, "null_milter: cannot listen on %s\n", path ? path : "(no -s)");
		return 71;
	}
	return smfi_main() == MI_SUCCESS ? 0 : 71;
}
