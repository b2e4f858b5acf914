/* SPDX-License-Identifier: BSD-3-Clause */
#include "mcp/room.h"

void text_unquote(char *text)
{
    for (; *text; text++) {
        if (*text == '"')
            *text = '\'';
    }
}
