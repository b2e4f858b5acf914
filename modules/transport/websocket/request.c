/* SPDX-License-Identifier: BSD-3-Clause */
/* A request as the host sees it: method, path without prefix, query, headers. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server.h"

static const struct {
    enum lws_token_indexes token;
    const char *method;
} methods[] = {
    {WSI_TOKEN_GET_URI, "GET"},         {WSI_TOKEN_HEAD_URI, "HEAD"},
    {WSI_TOKEN_POST_URI, "POST"},       {WSI_TOKEN_PUT_URI, "PUT"},
    {WSI_TOKEN_PATCH_URI, "PATCH"},     {WSI_TOKEN_DELETE_URI, "DELETE"},
    {WSI_TOKEN_OPTIONS_URI, "OPTIONS"}, {WSI_TOKEN_CONNECT, "CONNECT"},
};

/* The value of a header that lws knows by number. */
static char *token_value(struct lws *wsi, enum lws_token_indexes token)
{
    int length = lws_hdr_total_length(wsi, token);
    if (length <= 0)
        return NULL;
    char *text = malloc((size_t)length + 1);
    if (text && lws_hdr_copy(wsi, text, length + 1, token) < 0) {
        free(text);
        return NULL;
    }
    return text;
}

/* lws has cut the query at its ampersands and decoded the pieces; it is put together as it came,
 * but for which characters were encoded without need. */
static char *query_text(struct lws *wsi)
{
    char *text = NULL;
    size_t room = 0;
    FILE *out = open_memstream(&text, &room);
    if (!out)
        return NULL;
    for (int n = 0, more = 1; more; n++) {
        int length = lws_hdr_fragment_length(wsi, WSI_TOKEN_HTTP_URI_ARGS, n);
        char *part = malloc((size_t)length + 1);
        if (!part)
            break;
        length = lws_hdr_copy_fragment(wsi, part, length + 1, WSI_TOKEN_HTTP_URI_ARGS, n);
        more = length >= 0; /* an empty piece is one too */
        if (n && more)
            fputc('&', out);
        for (int i = 0; i < length; i++) {
            unsigned char c = (unsigned char)part[i];
            bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                         (c >= '0' && c <= '9') || (c && strchr("-._~=,:/@!$*()'", c));
            fprintf(out, plain ? "%c" : "%%%02X", c);
        }
        free(part);
    }
    return fclose(out) == 0 ? text : NULL;
}

static const char *request_header(const struct oriel_request *seen, const char *name)
{
    struct request *request = seen->data;
    size_t length = strlen(name);
    if (request->value_count == sizeof request->values / sizeof request->values[0] || length > 120)
        return NULL;
    char *value = NULL;
    for (int token = 0; token < WSI_TOKEN_COUNT && !value; token++) {
        const char *text = (const char *)lws_token_to_string((enum lws_token_indexes)token);
        if (text && strncmp(text, name, length) == 0 && strcmp(text + length, ":") == 0)
            value = token_value(request->wsi, (enum lws_token_indexes)token);
    }
    if (!value) {
        char line[128];
        snprintf(line, sizeof line, "%s:", name);
        int bytes = lws_hdr_custom_length(request->wsi, line, (int)length + 1);
        value = bytes >= 0 ? malloc((size_t)bytes + 1) : NULL;
        if (value &&
            lws_hdr_custom_copy(request->wsi, value, bytes + 1, line, (int)length + 1) < 0) {
            free(value);
            value = NULL;
        }
    }
    if (value)
        request->values[request->value_count++] = value;
    return value;
}

uint32_t request_init(struct request *request, struct session *session, const char **method)
{
    const struct server *server = session->server;
    memset(request, 0, sizeof *request);
    request->wsi = session->wsi;
    request->seen.size = sizeof request->seen;
    request->seen.listener = session->listener->kind;
    request->seen.peer = session->peer;
    request->seen.header = request_header;
    request->seen.data = request;
    *method = "";
    for (size_t i = 0; i < sizeof methods / sizeof methods[0] && !request->path; i++) {
        request->path = token_value(session->wsi, methods[i].token);
        if (request->path)
            *method = methods[i].method;
    }
    request->seen.method = *method;
    request->query = query_text(session->wsi);
    if (!request->query)
        return 503;
    request->seen.query = request->query;
    if (!request->path || request->path[0] != '/')
        return 400;

    size_t length = strlen(server->prefix);
    if (strncmp(request->path, server->prefix, length) != 0)
        return 404;
    request->seen.path = request->path + length;
    if (!*request->seen.path)
        request->seen.path = "/";
    return *request->seen.path == '/' ? 0 : 404;
}

void request_finish(struct request *request)
{
    for (unsigned i = 0; i < request->value_count; i++)
        free(request->values[i]);
    free(request->query);
    free(request->path);
}
