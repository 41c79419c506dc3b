/*
 * One message over the net (notice/transfer.h). The only file that knows libcurl: works with 7.61 and later.
 */
#include "notice/transfer.h"

#if LEUMUND_WITH_CURL

#include <curl/curl.h>
#include <poll.h>
#include <string.h>

#include "system/clock.h"

#define CONNECT_MS 5000
#define ANSWER_MAX 200 /* bytes of an answer that are kept */
#define HEADER_MAX 4200

void transfer_start(void)
{
	(void)curl_global_init(CURL_GLOBAL_DEFAULT);
}

struct exchange {
	const struct transfer *transfer;
	size_t sent;
	char answer[ANSWER_MAX], error[CURL_ERROR_SIZE];
	size_t answer_len;
};

static size_t take(char *from, size_t size, size_t count, void *arg)
{
	struct exchange *exchange = arg;
	size_t room = sizeof(exchange->answer) - exchange->answer_len, len = size * count;

	room = len < room ? len : room;
	memcpy(exchange->answer + exchange->answer_len, from, room);
	exchange->answer_len += room;
	return len;
}

static size_t give(char *to, size_t size, size_t count, void *arg)
{
	struct exchange *exchange = arg;
	size_t left = exchange->transfer->len - exchange->sent, room = size * count;

	room = left < room ? left : room;
	memcpy(to, exchange->transfer->body + exchange->sent, room);
	exchange->sent += room;
	return room;
}

static void set_common(CURL *easy, struct exchange *exchange)
{
	curl_easy_setopt(easy, CURLOPT_URL, exchange->transfer->url);
	curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)CONNECT_MS);
	curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)TRY_MS);
	curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
	curl_easy_setopt(easy, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
	curl_easy_setopt(easy, CURLOPT_USERAGENT, "leumund/" LEUMUND_VERSION);
	curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, take);
	curl_easy_setopt(easy, CURLOPT_WRITEDATA, exchange);
	curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, exchange->error);
#if LIBCURL_VERSION_NUM >= 0x075500
	curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, exchange->transfer->recipient ? "smtp" : "http,https");
#else
	curl_easy_setopt(easy, CURLOPT_PROTOCOLS,
			 exchange->transfer->recipient ? (long)CURLPROTO_SMTP
						       : (long)(CURLPROTO_HTTP | CURLPROTO_HTTPS));
#endif
#if LIBCURL_VERSION_NUM >= 0x075700
	/* a name server that does not answer must not hold up the end of the process */
	curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L);
#endif
}

static struct curl_slist *list_add(struct curl_slist *list, const char *line)
{
	struct curl_slist *longer = curl_slist_append(list, line);

	return longer ? longer : list;
}

static struct curl_slist *set_http(CURL *easy, const struct transfer *transfer)
{
	char authorization[HEADER_MAX];
	struct curl_slist *headers = list_add(NULL, "Content-Type: application/json");
	struct text line;

	headers = list_add(headers, "Expect:");
	if (transfer->token) {
		text_init(&line, authorization, sizeof(authorization));
		text_str(&line, "Authorization: Bearer ");
		text_str(&line, transfer->token);
		headers = list_add(headers, authorization);
		explicit_bzero(authorization, sizeof(authorization));
	}
	curl_easy_setopt(easy, CURLOPT_HTTPHEADER, headers);
	curl_easy_setopt(easy, CURLOPT_POSTFIELDS, transfer->body);
	curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE, (long)transfer->len);
	return headers;
}

/* MAIL_FROM stays unset: that is the null sender. */
static struct curl_slist *set_smtp(CURL *easy, struct exchange *exchange)
{
	struct curl_slist *recipients = list_add(NULL, exchange->transfer->recipient);

	curl_easy_setopt(easy, CURLOPT_MAIL_RCPT, recipients);
	curl_easy_setopt(easy, CURLOPT_UPLOAD, 1L);
	curl_easy_setopt(easy, CURLOPT_READFUNCTION, give);
	curl_easy_setopt(easy, CURLOPT_READDATA, exchange);
	curl_easy_setopt(easy, CURLOPT_PROXY, ""); /* mail for this host */
	return recipients;
}

/* False: stopped. */
static bool perform(CURLM *multi, int stop_fd, CURLcode *result)
{
	int64_t deadline_ms = clock_ticks_ms() + TRY_MS + 1000;
	int running = 1, left;
	CURLMsg *message;

	*result = CURLE_OPERATION_TIMEDOUT;
	while (curl_multi_perform(multi, &running) == CURLM_OK && running > 0 && clock_ticks_ms() < deadline_ms) {
		struct curl_waitfd stop = { .fd = stop_fd, .events = CURL_WAIT_POLLIN };
		struct pollfd now = { .fd = stop_fd, .events = POLLIN };

		if (curl_multi_wait(multi, &stop, stop_fd >= 0, 100, NULL) != CURLM_OK)
			return false;
		if (poll(&now, 1, 0) > 0)
			return false;
	}
	while ((message = curl_multi_info_read(multi, &left)))
		if (message->msg == CURLMSG_DONE)
			*result = message->data.result;
	return true;
}

/* 408 and 429 ask for patience; the other 4xx say that the request is wrong, RFC 9110 15.5. */
static enum outcome judge_http(const struct exchange *exchange, long status, struct text *said)
{
	text_str(said, "the server answers ");
	text_u64(said, (uint64_t)status);
	if (status / 100 == 2)
		return DELIVERED;
	if (status / 100 == 3)
		text_str(said, ", which leads elsewhere and is not followed: name the right URL");
	if (exchange->answer_len > 0) {
		text_str(said, ": ");
		text_escaped(said, exchange->answer, exchange->answer_len, ANSWER_MAX);
	}
	return status / 100 == 5 || status == 408 || status == 429 ? FAILED : HOPELESS;
}

static enum outcome judge(CURL *easy, const struct exchange *exchange, CURLcode result, struct text *said)
{
	const char *words = exchange->error[0] ? exchange->error : curl_easy_strerror(result);
	long status = 0;

	(void)curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
	if (result != CURLE_OK) {
		text_escaped(said, words, strlen(words), ANSWER_MAX);
		if (exchange->transfer->recipient && exchange->answer_len > 0) {
			text_str(said, ": ");
			text_escaped(said, exchange->answer, exchange->answer_len, ANSWER_MAX);
		}
		return FAILED;
	}
	if (!exchange->transfer->recipient)
		return judge_http(exchange, status, said);
	text_str(said, "the mail server has taken it");
	return DELIVERED;
}

enum outcome transfer_run(const struct transfer *transfer, int stop_fd, struct text *said)
{
	struct exchange exchange = { .transfer = transfer };
	CURL *easy = curl_easy_init();
	CURLM *multi = curl_multi_init();
	struct curl_slist *list = NULL;
	enum outcome outcome = FAILED;
	CURLcode result;

	if (easy && multi) {
		set_common(easy, &exchange);
		list = transfer->recipient ? set_smtp(easy, &exchange) : set_http(easy, transfer);
		curl_multi_add_handle(multi, easy);
		if (perform(multi, stop_fd, &result))
			outcome = judge(easy, &exchange, result, said);
		else
			text_str(said, "was broken off, this service ended");
		curl_multi_remove_handle(multi, easy);
	} else {
		text_str(said, "no memory");
	}
	curl_slist_free_all(list);
	curl_multi_cleanup(multi);
	curl_easy_cleanup(easy);
	return outcome;
}

#else

void transfer_start(void)
{
}

enum outcome transfer_run(const struct transfer *transfer, int stop_fd, struct text *said)
{
	(void)transfer;
	(void)stop_fd;
	text_str(said, "this leumund was built without libcurl");
	return HOPELESS;
}

#endif
