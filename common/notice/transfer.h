/*
 * One message over the net by libcurl: an HTTP POST, or mail by SMTP. Internal to common/notice/.
 */
#ifndef LEUMUND_NOTICE_TRANSFER_H
#define LEUMUND_NOTICE_TRANSFER_H

#include "notice/sink.h"

/* Set by the makefile where pkg-config knows libcurl. */
#ifndef LEUMUND_WITH_CURL
#define LEUMUND_WITH_CURL 0
#endif

struct transfer {
	const char *url, *body;
	size_t len;
	const char *token;     /* HTTP: of a bearer (RFC 6750), or NULL */
	const char *recipient; /* SMTP */
};

/* As long as TRY_MS or until `stop_fd` is readable. */
enum outcome transfer_run(const struct transfer *transfer, int stop_fd, struct text *said);

#endif
