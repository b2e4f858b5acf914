/* SPDX-License-Identifier: BSD-3-Clause */
/* Input: lines, each the payload of a state.update; the desktop client says those after a '!', an
 * Oriel client the others. Each is acknowledged once, to who said it, and the scene that they leave
 * can be saved and read again. */
#include <string.h>

#include "room.h"
#include "scene/json.h"
#include "util/check.h"

/* Poses that are accepted are not acknowledged. */
static bool is_pose(const cJSON *frame)
{
    const cJSON *payload = cJSON_GetObjectItemCaseSensitive(frame, "payload");
    const cJSON *key = cJSON_GetObjectItemCaseSensitive(payload, "key");
    return cJSON_IsString(key) && strcasestr(key->valuestring, "pose");
}

static void say(struct room *room, uint64_t conn, const char *payload, size_t bytes)
{
    char *text =
        xasprintf("{\"type\":\"state.update\",\"version\":2,\"session\":\"s\",\"frame_id\":\"f\","
                  "\"intent_id\":\"i\",\"timestamp\":1,\"payload\":%.*s}",
                  (int)bytes, payload);
    unsigned before = room_got(room, conn, "ack.state");
    room_say(room, conn, ORIEL_MESSAGE_TEXT, text, strlen(text));
    unsigned acks = room_got(room, conn, "ack.state") - before;
    cJSON *frame = json_parse(text, strlen(text), NULL);
    free(text);
    if (!frame)
        MUST(acks == 0);
    else if (is_pose(frame))
        MUST(acks <= 1);
    else
        MUST(acks == 1);
    cJSON_Delete(frame);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    room_talk(data, bytes, say);
    return 0;
}
