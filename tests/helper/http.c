#include <curl/curl.h>
#include <stdio.h>
#include <string.h>

#include "helper.h"

#define TIMEOUT_S 90L

static size_t
add(char *bytes, size_t size, size_t n, void *arg)
{
	buf_add(arg, bytes, size * n);
	return size * n;
}

/* Called a few times a second at least. */
static int
on_progress(void *arg, curl_off_t a, curl_off_t b, curl_off_t c, curl_off_t d)
{
	(void)a, (void)b, (void)c, (void)d;
	return question_is_moot(arg);
}

void
http_answer(const struct question *q, struct answer *a)
{
	char **argv = q->argv, why[CURL_ERROR_SIZE] = "";
	struct curl_slist *headers = NULL;
	CURL *curl = curl_easy_init();
	CURLcode code;

	for (int i = 3; i < q->argc; i++)
		headers = curl_slist_append(headers, argv[i]);
	curl_easy_setopt(curl, CURLOPT_URL, argv[0]);
	curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, argv[1]);
	if (argv[2][0]) {
		curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE,
		    (curl_off_t)strlen(argv[2]));
		curl_easy_setopt(curl, CURLOPT_POSTFIELDS, argv[2]);
	}
	curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
	curl_easy_setopt(curl, CURLOPT_PROXY, "");
	curl_easy_setopt(curl, CURLOPT_TIMEOUT, TIMEOUT_S);
	curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, why);
	curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, add);
	curl_easy_setopt(curl, CURLOPT_HEADERDATA, &a->out);
	curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, add);
	curl_easy_setopt(curl, CURLOPT_WRITEDATA, &a->err);
	curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
	curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, on_progress);
	curl_easy_setopt(curl, CURLOPT_XFERINFODATA, q);
	code = curl_easy_perform(curl);
	if (code != CURLE_OK) {
		char line[CURL_ERROR_SIZE + 40];

		snprintf(line, sizeof(line), "curl: (%d) %s\n", (int)code,
		    why[0] ? why : curl_easy_strerror(code));
		buf_puts(&a->err, line);
	}
	a->status = (int)code;
	curl_slist_free_all(headers);
	curl_easy_cleanup(curl);
}
