/* Between http.c and http_text.c only. */
#ifndef CORE_HTTP_TEXT_H
#define CORE_HTTP_TEXT_H

#include <curl/curl.h>

#include "core/http.h"

/* The header lines of req; http_headers_free() wipes them, for one holds the
 * key. */
enum err http_headers_new(
    const struct http_request *req, struct curl_slist **out) MUST_CHECK;
void http_headers_free(struct curl_slist *headers);

/* Fill in res from the whole answer that easy has just received. */
void http_read_answer(CURL *easy, struct http_response *res);

#endif
