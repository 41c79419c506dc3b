/*
 * The facts of a connection and of the message in it, as far as the MTA told them.
 * Every fact may be absent: strings are then "" and counts 0, never NULL.
 *
 * A front fills it; milters read it. One thread at a time works on a session.
 */
#ifndef LEUMUND_SESSION_H
#define LEUMUND_SESSION_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#include "address/address.h"
#include "arena.h"
#include "identity.h"
#include "text.h"

enum mta { MTA_UNKNOWN, MTA_POSTFIX, MTA_SENDMAIL, MTA_EXIM, MTAS };

extern const char *const mta_names[];

/* One header field that a milter or the identification asked for. */
struct header {
	const char *name;
	const char *value; /* NUL-terminated; the bytes as the MTA gave them */
	size_t len;
	struct header *next; /* in the order of the message */
};

struct recipient {
	const char *rcpt_to; /* as given, without its angle brackets: for logs and replies */
	struct mail_path path;
	bool refused; /* by us */
	struct recipient *next;
};

/* Something of a milter's own that lives as long as the message. */
struct memo {
	const void *owner;
	void *data;
	void (*end)(void *data);
	struct memo *next;
};

struct connection {
	struct arena memory; /* lives as long as the connection */
	enum mta mta;
	struct sockaddr_storage client; /* ss_family AF_UNSPEC: none was told */
	const char *client_addr;	/* as text, without a port */
	const char *client_name;	/* as the MTA resolved it */
	const char *helo;
	const char *daemon_name;
	bool local_command; /* no SMTP client behind it: Postfix' sendmail(1) path, Exim's acl_not_smtp */
	bool can_wait;	    /* a local command's mail that "later" is said to waits in the queue, and is judged again */
	bool has_client_uid;
	uint32_t client_uid; /* owner of the loopback client's socket */
};

struct message {
	struct arena memory; /* lives until the end of the message */
	const char *queue_id;
	const char *mail_from; /* as given, without its angle brackets: for logs and replies */
	struct mail_path sender;
	bool sender_broken; /* mail_from is no path at all */
	const char *auth_type;
	const char *auth_user;
	const char *sender_ident; /* Exim: $sender_ident */
	bool has_originator_uid;  /* Exim: $originator_uid, the caller's or, behind a network client, Exim's own */
	uint32_t originator_uid;
	struct recipient *recipients, **recipients_end;
	unsigned recipient_count, refused_count;
	struct header *headers, **headers_end;
	const struct header *first_header;   /* the very first field, if it was kept */
	unsigned header_count, headers_kept; /* all that passed by; those remembered */
	const char *body;		     /* its first bytes as the MTA gave them, MESSAGE_BODY_KEPT at most */
	size_t body_len;
	bool headers_cut;   /* the MTA showed a beginning of the headers only */
	bool tried_before;  /* it was put off, and may have been judged many times since */
	bool author_hidden; /* a From or Sender stands behind a line break inside another field */
	char id[16];	    /* of the decision: see decision_id() */
	struct memo *memos;
};

struct session {
	struct connection connection;
	struct message message;
	struct identity who;
};

void session_init(struct session *session);
void session_free(struct session *session);

/* Forgets the message, keeps the connection. */
void message_reset(struct session *session);

/* Each 0, or -1 when memory or the bounds of a message are exhausted: the message must then be deferred. */
int message_mail_from(struct session *session, const char *mail_from);
struct recipient *message_rcpt_to(struct session *session, const char *rcpt_to); /* NULL = -1 */
int message_header(struct session *session, const char *name, const char *value, bool keep);

/* The next bytes of the body; what is more than is kept is left out, also when memory is short. */
#define MESSAGE_BODY_KEPT 2048
void message_body(struct session *session, const char *from, size_t len);

/* `end` is called when the message is forgotten; at once, and -1, when memory is short. */
int message_memo_add(struct message *message, const void *owner, void *data, void (*end)(void *data));
void *message_memo(const struct message *message, const void *owner); /* NULL: none */

/* Is this the field name wanted (case-blind; blanks, RFC 5322 4.5, and controls before the colon do not count)? */
bool header_name_is(const char *name, const char *wanted);

/* The next field of that name (case-blind, blanks before the colon do not count) after `from` (NULL: the first). */
const struct header *message_find(const struct message *message, const char *name, const struct header *from);

/* mail_from, or "<>" for the null sender. */
const char *message_sender_text(const struct message *message);

#endif
