/* SPDX-License-Identifier: BSD-3-Clause */
#include "mcp/room.h"
#include "scene/json.h"

/* Bytes of the character that begins here; 0: none does. */
static size_t character(const char *at)
{
    for (size_t n = 1; n <= 4 && at[n - 1]; n++) {
        if (json_is_utf8((const uint8_t *)at, n))
            return n;
    }
    return 0;
}

void text_mend(char *text)
{
    while (*text) {
        size_t n = character(text);
        if (!n)
            *text = '?';
        text += n ? n : 1;
    }
}

void text_unquote(char *text)
{
    for (; *text; text++) {
        if (*text == '"')
            *text = '\'';
    }
}
