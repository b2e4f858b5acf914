/* SPDX-License-Identifier: BSD-3-Clause */
/* Input: lines, each a message. One that begins with '?' is binary. They are said on a connection
 * that has not said hello, and by a client of either kind: nobody else is disturbed. */
#include "room.h"

static void say_all(struct room *room, uint64_t conn, const uint8_t *data, size_t bytes)
{
    struct lines lines = {.at = data, .end = data + bytes};
    const char *line;
    size_t length;
    while (lines_next(&lines, &line, &length) && !room_closed(room, conn)) {
        bool binary = length && *line == '?';
        room_say(room, conn, binary ? ORIEL_MESSAGE_BINARY : ORIEL_MESSAGE_TEXT, line + binary,
                 length - binary);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    struct room *room = room_open();
    uint64_t witness = room_hello(room, true);
    say_all(room, room_connect(room), data, bytes);
    say_all(room, room_hello(room, true), data, bytes);
    say_all(room, room_hello(room, false), data, bytes);
    static const char ask[] = "{\"type\":\"state.update\",\"version\":2,\"session\":\"s\",\"frame_"
                              "id\":\"w\",\"intent_id\":"
                              "\"w\",\"payload\":{\"scope\":\"view\",\"target\":\"main\",\"key\":"
                              "\"ndisplay\",\"value\":2}}";
    room_say(room, witness, ORIEL_MESSAGE_TEXT, ask, sizeof ask - 1);
    MUST(room_got(room, witness, "ack.state") == 1);
    room_close(room);
    return 0;
}
