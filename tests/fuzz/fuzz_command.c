/* SPDX-License-Identifier: BSD-3-Clause */
/* Input: lines, each the payload of a call.command; the desktop client says those after a '!', an
 * Oriel client the others. Each call is answered once, to who made it. */
#include <string.h>

#include "room.h"
#include "scene/json.h"
#include "util/check.h"

static unsigned answers(const struct room *room, uint64_t conn)
{
    return room_got(room, conn, "reply.command") + room_got(room, conn, "error.command");
}

static void say(struct room *room, uint64_t conn, const char *payload, size_t bytes)
{
    char *text =
        xasprintf("{\"type\":\"call.command\",\"version\":2,\"session\":\"s\",\"frame_id\":\"f\","
                  "\"timestamp\":1,\"payload\":%.*s}",
                  (int)bytes, payload);
    cJSON *frame = json_parse(text, strlen(text), NULL);
    const cJSON *seen = cJSON_GetObjectItemCaseSensitive(frame, "payload");
    const char *name = json_string(cJSON_GetObjectItemCaseSensitive(seen, "command"));
    if (!name || strcmp(name, "oriel.modules") != 0) { /* a room for tests has no registry */
        unsigned before = answers(room, conn);
        room_say(room, conn, ORIEL_MESSAGE_TEXT, text, strlen(text));
        MUST(answers(room, conn) - before == (frame != NULL));
    }
    cJSON_Delete(frame);
    free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    room_talk(data, bytes, say);
    return 0;
}
