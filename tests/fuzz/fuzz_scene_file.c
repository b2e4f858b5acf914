/* SPDX-License-Identifier: BSD-3-Clause */
/* Input: a scene file. What is read can be loaded or is refused in words, and what it leaves can be
 * written and read again. */
#include <string.h>

#include "control/surface.h"
#include "room.h"
#include "scene/scene_file.h"
#include "scene/json.h"

static void count(void *data, const struct surface_answer *answer)
{
    ++*(unsigned *)data;
    MUST(answer->ok || (answer->code[0] && answer->message[0]));
}

static void written(void *data, const struct surface_answer *answer)
{
    ++*(unsigned *)data;
    MUST(answer->ok);
    struct error err = {""};
    const cJSON *scene = cJSON_GetObjectItemCaseSensitive(answer->value, "scene");
    struct scene_file *file = scene_file_parse(scene ? scene : answer->value, "/x.json", &err);
    if (!file)
        fprintf(stderr, "%s\n", err.text);
    MUST(file);
    scene_file_destroy(file);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    struct error err = {""};
    cJSON *json = json_parse((const char *)data, bytes, &err);
    if (!json)
        return 0;
    struct scene_file *file = scene_file_parse(json, "/nowhere/scene.json", &err);
    MUST(file || err.text[0]);
    scene_file_destroy(file);

    struct room *room = room_open();
    struct surface_actor actor = {.id = "fuzz", .role = ROLE_EDITOR};
    cJSON *kwargs = cJSON_CreateObject();
    json_put(kwargs, "scene", json);
    unsigned answers = 0;
    surface_call(room_control(room), &actor, "napari.scene.load", kwargs, 0, count, &answers);
    room_rest(room);
    MUST(answers == 1);
    surface_call(room_control(room), &actor, "napari.scene.get", NULL, 0, written, &answers);
    room_rest(room);
    MUST(answers == 2);
    room_close(room);
    return 0;
}
