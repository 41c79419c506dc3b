/*
 * The same stack for Exim, which has no milter client: one line in, one line out, over a unix
 * socket that Exim's ${readsocket} opens for each question. No state is kept between questions.
 *
 * Request: VERB, then KEY=VALUE pairs apart by blanks, then newline. Values are bare words or in double quotes as
 * Exim's ${quote:} writes them. At most EXIM_LINE_MAX bytes before the newline.
 *   rcpt   at acl_smtp_rcpt: one recipient       answers for this recipient
 *   data   at acl_smtp_data: the whole message   answers for the message
 *   local  at acl_not_smtp: the whole message
 *   route  in a redirect router: one recipient, after aliases and forwards, of local mail that was put off
 *   status anyone who may open the socket: one JSON object, for `leumund status`
 * Keys: queue_id client_addr client_port client_name helo auth_user auth_type ident uid mail_from rcpt_to
 *   recipients (base64 of $recipients) headers (base64 of $message_headers_raw) body (base64 of $message_body: as much
 *   as message_body_visible says, with blanks for line ends unless message_body_newlines is set) parent header_changes
 *   later
 * Answer, one line: `accept`, `hold TEXT`, `550 5.7.1 TEXT`, `451 4.7.1 TEXT`; route: empty, `:fail: TEXT`,
 *   `:defer: TEXT`. What is no request gets `error WHY`.
 * A question with header_changes=1 may also be answered by `accept header NAMES LINES` or `hold header NAMES LINES
 *   TEXT`: the message passes, its header shall change. NAMES are apart by colons, or "-"; all their fields are to be
 *   removed, then LINES (base64 of what add_header takes) to be added.
 * acl_not_smtp cannot say "later". With later=1 in `local` the message passes instead, with a field X-Leumund-Later
 *   that has the decision's id, and the router asks for each recipient of such a message, at each try, whether it may
 * go now. With a parent (of an alias, a .forward) it may.
 */
#ifndef LEUMUND_EXIM_H
#define LEUMUND_EXIM_H

/* $message_headers_raw ends here, without a word (measured, 4.96): what stands behind is not seen. */
#define EXIM_HEADERS_SHOWN (64UL * 1024)

/* Exim's header_maxsize is 1 MiB, in base64 4/3 of it. */
#define EXIM_LINE_MAX (1536UL * 1024)

#endif
