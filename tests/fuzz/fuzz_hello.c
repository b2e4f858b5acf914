/* SPDX-License-Identifier: BSD-3-Clause */
/* Input: a first message. It is welcomed or rejected, and only who is welcomed stays. */
#include "room.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    struct room *room = room_open();
    uint64_t conn = room_connect(room);
    room_say(room, conn, ORIEL_MESSAGE_TEXT, data, bytes);
    unsigned welcome = room_got(room, conn, "session.welcome");
    MUST(welcome + room_got(room, conn, "session.reject") == 1);
    MUST(room_closed(room, conn) == !welcome);
    MUST(room_got(room, conn, "notify.scene") == welcome);
    room_close(room);
    return 0;
}
