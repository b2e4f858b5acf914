/* SPDX-License-Identifier: BSD-3-Clause */
/* Who wins, as docs/protocol/README.md has it, told in single frames. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "ctl/mirror.h"

static void take(struct mirror *mirror, const char *type, const char *payload)
{
    cJSON *frame = cJSON_CreateObject();
    cJSON *json = cJSON_Parse(payload);
    assert_non_null(json);
    cJSON_AddItemToObject(frame, "payload", json);
    mirror_take(mirror, type, frame);
    cJSON_Delete(frame);
}

static void begin(struct mirror *mirror)
{
    memset(mirror, 0, sizeof *mirror);
    mirror_connected(mirror, "me");
    take(mirror, "notify.scene",
         "{\"viewer\":{},\"layers\":["
         "{\"layer_id\":\"a\",\"name\":\"first\",\"controls\":{\"opacity\":1},"
         "\"control_versions\":{\"opacity\":{\"server_seq\":10}},\"oriel\":{\"status\":\"loading\"}"
         "},"
         "{\"layer_id\":\"b\",\"name\":\"second\",\"controls\":{\"opacity\":1}}]}");
    take(mirror, "notify.view",
         "{\"ndisplay\":2,\"camera\":{\"zoom\":1},\"origin\":{\"session\":\"\",\"rev\":0}}");
}

static double opacity(const struct mirror *mirror, const char *layer)
{
    const cJSON *controls = cJSON_GetObjectItem(mirror_layer(mirror, layer), "controls");
    return cJSON_GetObjectItem(controls, "opacity")->valuedouble;
}

static void tell(struct mirror *mirror, double value, int server_seq, const char *who,
                 int client_seq)
{
    char text[512];
    snprintf(text, sizeof text,
             "{\"layer_id\":\"a\",\"controls\":{\"opacity\":%g},\"control_versions\":{\"opacity\":"
             "{\"server_seq\":%d,\"source_client_id\":\"%s\",\"source_client_seq\":%d}}}",
             value, server_seq, who, client_seq);
    take(mirror, "notify.layers", text);
}

static void edit(struct mirror *mirror, double value, uint64_t client_seq)
{
    cJSON *json = cJSON_CreateNumber(value);
    mirror_edit(mirror, "a", "opacity", json, client_seq);
    cJSON_Delete(json);
}

static void ack(struct mirror *mirror, double value, int server_seq, uint64_t client_seq)
{
    char text[128];
    snprintf(text, sizeof text, "{\"applied_value\":%g,\"control_version\":{\"server_seq\":%d}}",
             value, server_seq);
    cJSON *json = cJSON_Parse(text);
    mirror_ack(mirror, "a", "opacity", client_seq, json);
    cJSON_Delete(json);
}

static void layers_change(void **state)
{
    (void)state;
    struct mirror mirror;
    begin(&mirror);
    take(&mirror, "notify.layers",
         "{\"layer_id\":\"b\",\"controls\":{\"opacity\":0.5,\"gamma\":2}}");
    assert_float_equal(opacity(&mirror, "b"), 0.5, 0);
    assert_float_equal(opacity(&mirror, "second"), 0.5, 0);
    assert_float_equal(opacity(&mirror, "a"), 1, 0);
    take(&mirror, "notify.layers",
         "{\"layer_id\":\"a\",\"oriel\":{\"status\":\"ready\"},"
         "\"name\":\"second\"}");
    assert_null(mirror_layer(&mirror, "second")); /* two have it now */
    const cJSON *oriel = cJSON_GetObjectItem(mirror_layer(&mirror, "a"), "oriel");
    assert_string_equal(cJSON_GetObjectItem(oriel, "status")->valuestring, "ready");
    take(&mirror, "notify.layers", "{\"layer_id\":\"b\",\"data\":{\"name\":\"other\"}}");
    assert_non_null(mirror_layer(&mirror, "other"));
    take(&mirror, "notify.layers", "{\"layer_id\":\"b\",\"removed\":true}");
    assert_null(mirror_layer(&mirror, "b"));
    take(&mirror, "notify.layers", "{\"layer_id\":\"b\",\"controls\":{\"opacity\":1}}");
    assert_null(mirror_layer(&mirror, "b")); /* a stranger is not taken in */
    take(&mirror, "notify.layers", "{}");
    mirror_finish(&mirror);
}

static void old_news(void **state)
{
    (void)state;
    struct mirror mirror;
    begin(&mirror);
    tell(&mirror, 0.1, 9, "other", 1); /* replayed: the scene knew better */
    assert_float_equal(opacity(&mirror, "a"), 1, 0);
    tell(&mirror, 0.2, 11, "other", 1);
    assert_float_equal(opacity(&mirror, "a"), 0.2, 0);
    mirror_finish(&mirror);
}

static void own_drag(void **state)
{
    (void)state;
    struct mirror mirror;
    begin(&mirror);
    edit(&mirror, 0.3, 1);
    edit(&mirror, 0.4, 2);
    assert_float_equal(opacity(&mirror, "a"), 0.4, 0);
    ack(&mirror, 0.3, 11, 1); /* of an older one */
    assert_float_equal(opacity(&mirror, "a"), 0.4, 0);
    tell(&mirror, 0.3, 11, "me", 1); /* its echo does not break the drag */
    assert_float_equal(opacity(&mirror, "a"), 0.4, 0);
    tell(&mirror, 0.9, 12, "other", 7); /* somebody else came between, and shows */
    assert_float_equal(opacity(&mirror, "a"), 0.9, 0);
    ack(&mirror, 0.45, 13, 2); /* until what was last */
    assert_float_equal(opacity(&mirror, "a"), 0.45, 0);
    tell(&mirror, 0.45, 13, "me", 2);
    assert_float_equal(opacity(&mirror, "a"), 0.45, 0);
    mirror_finish(&mirror);
}

static void late_ack(void **state)
{
    (void)state;
    struct mirror mirror;
    begin(&mirror);
    edit(&mirror, 0.3, 1);
    tell(&mirror, 0.9, 12, "other", 7);
    ack(&mirror, 0.3, 11, 1); /* older than what it was told since */
    assert_float_equal(opacity(&mirror, "a"), 0.9, 0);
    mirror_finish(&mirror);
}

static void back_again(void **state)
{
    (void)state;
    struct mirror mirror;
    begin(&mirror);
    edit(&mirror, 0.3, 5);
    mirror_connected(&mirror, "me again");
    tell(&mirror, 0.6, 14, "me again", 1); /* counts began anew */
    assert_float_equal(opacity(&mirror, "a"), 0.6, 0);
    mirror_finish(&mirror);
}

static double zoom(const struct mirror *mirror)
{
    const cJSON *camera = cJSON_GetObjectItem(mirror->view, "camera");
    return cJSON_GetObjectItem(camera, "zoom")->valuedouble;
}

static void own_pose(void **state)
{
    (void)state;
    struct mirror mirror;
    begin(&mirror);
    cJSON *pose = cJSON_Parse("{\"rev\":5,\"ndisplay\":2,\"zoom\":3}");
    mirror_pose(&mirror, pose, 9);
    assert_float_equal(zoom(&mirror), 3, 0);
    take(&mirror, "notify.view",
         "{\"ndisplay\":2,\"camera\":{\"zoom\":2},\"origin\":{\"session\":\"me\",\"rev\":4}}");
    assert_float_equal(zoom(&mirror), 3, 0);
    /* Somebody stepped through z, but the camera is still its own older one. */
    take(&mirror, "notify.view",
         "{\"ndisplay\":2,\"camera\":{\"zoom\":2},\"origin\":{\"session\":\"other\",\"rev\":1},"
         "\"versions\":{\"camera\":{\"source_client_id\":\"me\",\"source_client_seq\":8}}}");
    assert_float_equal(zoom(&mirror), 3, 0);
    take(&mirror, "notify.view",
         "{\"ndisplay\":2,\"camera\":{\"zoom\":7},\"origin\":{\"session\":\"other\",\"rev\":2}}");
    assert_float_equal(zoom(&mirror), 7, 0);
    mirror_pose(&mirror, pose, 10);
    take(&mirror, "notify.view",
         "{\"ndisplay\":3,\"camera\":{\"zoom\":8},\"origin\":{\"session\":\"me\",\"rev\":4}}");
    assert_float_equal(zoom(&mirror), 8, 0); /* another mode, another camera */
    cJSON_Delete(pose);
    mirror_finish(&mirror);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(layers_change), cmocka_unit_test(old_news),   cmocka_unit_test(own_drag),
        cmocka_unit_test(late_ack),      cmocka_unit_test(back_again), cmocka_unit_test(own_pose),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
