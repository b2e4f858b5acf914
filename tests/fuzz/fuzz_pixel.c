/* SPDX-License-Identifier: BSD-3-Clause */
/* Input: the query of a pixel connection, then lines of messages on it. */
#include <math.h>
#include <string.h>

#include "pixel/client.h"
#include "room.h"

static void query(const char *text, size_t bytes)
{
    char *copy = strndup(text, bytes);
    struct client_wish wish;
    client_wish_parse(&wish, copy);
    free(copy);
    MUST(wish.codec_count <= CODEC_COUNT);
    MUST(memchr(wish.names, '\0', sizeof wish.names));
    MUST(memchr(wish.session, '\0', sizeof wish.session));
    for (uint32_t i = 0; i < wish.codec_count; i++)
        MUST(client_wish_has(&wish, wish.codecs[i]));
}

static void message(struct client *client, const char *text, size_t bytes)
{
    struct client_told told;
    client_parse((const uint8_t *)text, bytes, &told);
    MUST(told.ask <= CLIENT_VISIBLE);
    MUST(isfinite(told.decode_ms) && isfinite(told.wait_ms));
    MUST(memchr(told.reason, '\0', sizeof told.reason));
    if (told.ask == CLIENT_SHOWN)
        client_take_shown(client, told.seq);
    /* It has shown none that it was not sent, and none before what it has shown. */
    MUST(client_underway(client) <= 1000);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    struct lines lines = {.at = data, .end = data + bytes};
    struct client client = {.seq = 1000, .shown = 990, .visible = true};
    const char *line;
    size_t length;
    if (lines_next(&lines, &line, &length))
        query(line, length);
    while (lines_next(&lines, &line, &length))
        message(&client, line, length);
    return 0;
}
