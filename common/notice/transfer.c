/*
 * One message over the net (notice/transfer.h). The only file that knows libcurl: works with 7.61 and later.
 */
#include "notice/transfer.h"

#if LEUMUND_WITH_CURL

#include <curl/curl.h>
#include <dlfcn.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "system/clock.h"

#define CONNECT_MS 5000
#define ANSWER_MAX 200 /* bytes of an answer that are kept */
#define HEADER_MAX 4200

/* ---- libcurl ----------------------------------------------------------------------------------- */

/*
 * Loaded by the first transfer, not linked: with the two dozen libraries that come with it, it takes 6 MB of each
 * process, and most never send anything.
 */
#define FUNCTIONS(X)           \
	X(global_init)         \
	X(easy_init)           \
	X(easy_setopt)         \
	X(easy_getinfo)        \
	X(easy_strerror)       \
	X(easy_cleanup)        \
	X(multi_init)          \
	X(multi_add_handle)    \
	X(multi_remove_handle) \
	X(multi_perform)       \
	X(multi_wait)          \
	X(multi_info_read)     \
	X(multi_cleanup)       \
	X(slist_append)        \
	X(slist_free_all)
#define POINTER(name) __typeof__(curl_##name) *name;
#define PLACE(name) { "curl_" #name, (void **)(void *)&curl.name },

static struct {
	FUNCTIONS(POINTER)
} curl;

static const struct {
	const char *name;
	void **place;
} places[] = { FUNCTIONS(PLACE) };

static pthread_once_t once = PTHREAD_ONCE_INIT;
static char trouble[256]; /* "" = none */

static void *library_open(void)
{
	/* as it is called when built with OpenSSL, and Debian's with GnuTLS */
	static const char *const names[] = { "libcurl.so.4", "libcurl-gnutls.so.4" };
	void *library = NULL;

	for (size_t i = 0; !library && i < sizeof(names) / sizeof(*names); i++)
		library = dlopen(names[i], RTLD_NOW | RTLD_LOCAL);
	return library;
}

/* Other threads run by now; the TLS libraries that libcurl begins with make that safe (OpenSSL since 1.1). */
static void curl_load(void)
{
	void *library = library_open();

	for (size_t i = 0; library && i < sizeof(places) / sizeof(*places); i++) {
		*places[i].place = dlsym(library, places[i].name);
		if (!*places[i].place)
			library = NULL;
	}
	if (!library)
		snprintf(trouble, sizeof(trouble),
			 "libcurl.so.4 cannot be loaded; install it (Debian: libcurl4, EL: libcurl)");
	else if (curl.global_init(CURL_GLOBAL_DEFAULT) != 0)
		snprintf(trouble, sizeof(trouble), "libcurl does not start");
}

/* ---- one exchange ------------------------------------------------------------------------------ */

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
	curl.easy_setopt(easy, CURLOPT_URL, exchange->transfer->url);
	curl.easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
	curl.easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)CONNECT_MS);
	curl.easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)TRY_MS);
	curl.easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
	curl.easy_setopt(easy, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
	curl.easy_setopt(easy, CURLOPT_USERAGENT, "leumund/" LEUMUND_VERSION);
	curl.easy_setopt(easy, CURLOPT_WRITEFUNCTION, take);
	curl.easy_setopt(easy, CURLOPT_WRITEDATA, exchange);
	curl.easy_setopt(easy, CURLOPT_ERRORBUFFER, exchange->error);
#if LIBCURL_VERSION_NUM >= 0x075500
	curl.easy_setopt(easy, CURLOPT_PROTOCOLS_STR, exchange->transfer->recipient ? "smtp" : "http,https");
#else
	curl.easy_setopt(easy, CURLOPT_PROTOCOLS,
			 exchange->transfer->recipient ? (long)CURLPROTO_SMTP
						       : (long)(CURLPROTO_HTTP | CURLPROTO_HTTPS));
#endif
#if LIBCURL_VERSION_NUM >= 0x075700
	/* a name server that does not answer must not hold up the end of the process */
	curl.easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L);
#endif
}

static struct curl_slist *list_add(struct curl_slist *list, const char *line)
{
	struct curl_slist *longer = curl.slist_append(list, line);

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
	curl.easy_setopt(easy, CURLOPT_HTTPHEADER, headers);
	curl.easy_setopt(easy, CURLOPT_POSTFIELDS, transfer->body);
	curl.easy_setopt(easy, CURLOPT_POSTFIELDSIZE, (long)transfer->len);
	return headers;
}

/* MAIL_FROM stays unset: that is the null sender. */
static struct curl_slist *set_smtp(CURL *easy, struct exchange *exchange)
{
	struct curl_slist *recipients = list_add(NULL, exchange->transfer->recipient);

	curl.easy_setopt(easy, CURLOPT_MAIL_RCPT, recipients);
	curl.easy_setopt(easy, CURLOPT_UPLOAD, 1L);
	curl.easy_setopt(easy, CURLOPT_READFUNCTION, give);
	curl.easy_setopt(easy, CURLOPT_READDATA, exchange);
	curl.easy_setopt(easy, CURLOPT_PROXY, ""); /* mail for this host */
	return recipients;
}

/* False: stopped. */
static bool perform(CURLM *multi, int stop_fd, CURLcode *result)
{
	int64_t deadline_ms = clock_ticks_ms() + TRY_MS + 1000;
	int running = 1, left;
	CURLMsg *message;

	*result = CURLE_OPERATION_TIMEDOUT;
	while (curl.multi_perform(multi, &running) == CURLM_OK && running > 0 && clock_ticks_ms() < deadline_ms) {
		struct curl_waitfd stop = { .fd = stop_fd, .events = CURL_WAIT_POLLIN };
		struct pollfd now = { .fd = stop_fd, .events = POLLIN };

		if (curl.multi_wait(multi, &stop, stop_fd >= 0, 100, NULL) != CURLM_OK)
			return false;
		if (poll(&now, 1, 0) > 0)
			return false;
	}
	while ((message = curl.multi_info_read(multi, &left)))
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
	const char *words = exchange->error[0] ? exchange->error : curl.easy_strerror(result);
	long status = 0;

	(void)curl.easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
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
	struct curl_slist *list = NULL;
	enum outcome outcome = FAILED;
	CURLcode result;
	CURLM *multi;
	CURL *easy;

	pthread_once(&once, curl_load);
	if (trouble[0] != '\0') {
		text_escaped(said, trouble, strlen(trouble), sizeof(trouble));
		return HOPELESS;
	}
	easy = curl.easy_init();
	multi = curl.multi_init();
	if (easy && multi) {
		set_common(easy, &exchange);
		list = transfer->recipient ? set_smtp(easy, &exchange) : set_http(easy, transfer);
		curl.multi_add_handle(multi, easy);
		if (perform(multi, stop_fd, &result))
			outcome = judge(easy, &exchange, result, said);
		else
			text_str(said, "was broken off, this service ended");
		curl.multi_remove_handle(multi, easy);
	} else {
		text_str(said, "no memory");
	}
	curl.slist_free_all(list);
	curl.multi_cleanup(multi);
	curl.easy_cleanup(easy);
	return outcome;
}

#else

enum outcome transfer_run(const struct transfer *transfer, int stop_fd, struct text *said)
{
	(void)transfer;
	(void)stop_fd;
	text_str(said, "this leumund was built without libcurl");
	return HOPELESS;
}

#endif
