/* SPDX-License-Identifier: BSD-3-Clause */
/* When thumbnails are told, to whom, and in what form. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "rig.h"
#include "util/clock.h"

#define DATA "mem:zyx:8,32,32:u16"

static const char *const sets[] = {"thumbnails.enabled=true", "thumbnails.delay_ms=120", NULL};

/* The next notify.layers with a thumbnail. */
static cJSON *next_thumbnail(struct rig *rig, uint64_t conn)
{
    for (;;) {
        cJSON *frame = rig_expect(rig, conn, "notify.layers");
        if (rig_at(frame, "thumbnail"))
            return frame;
        cJSON_Delete(frame);
    }
}

static void test_forms(void **state)
{
    (void)state;
    struct rig *rig = rig_create(sets, DATA);
    uint64_t c = rig_hello(rig, false), o = rig_hello(rig, true);
    cJSON *frame = next_thumbnail(rig, c);
    assert_string_equal(rig_at(frame, "layer_id")->valuestring, "layer-0");
    assert_int_equal(cJSON_GetArraySize(rig_at(frame, "thumbnail/array")), 8);
    assert_int_equal(cJSON_GetArraySize(rig_at(frame, "thumbnail/array/0")), 32);
    assert_int_equal(rig_at(frame, "thumbnail/array/7/31/3")->valueint, 100);
    assert_int_equal(rig_at(frame, "thumbnail/shape/0")->valueint, 8);
    assert_null(rig_at(frame, "controls"));
    cJSON_Delete(frame);
    frame = next_thumbnail(rig, o);
    assert_memory_equal(rig_at(frame, "thumbnail/png")->valuestring, "iVBORw0KGgo", 11);
    assert_null(rig_at(frame, "thumbnail/array"));
    cJSON_Delete(frame);
    /* Who comes later gets those that there are. */
    uint64_t later = rig_hello(rig, false);
    cJSON_Delete(next_thumbnail(rig, later));
    rig_destroy(rig);
}

static void test_when(void **state)
{
    (void)state;
    struct rig *rig = rig_create(sets, DATA);
    uint64_t c = rig_hello(rig, false);
    cJSON_Delete(next_thumbnail(rig, c));
    /* While someone drags there is none; then one, of what it has become. */
    int64_t begin = clock_ns();
    for (int i = 1; i <= 10; i++) {
        char value[16];
        int64_t until = begin + i * 40 * NS_PER_MS;
        strcpy(value, "1.00");
        value[3] = (char)('0' + i % 10);
        rig_update(rig, c, "layer", "layer-0", "gamma", value);
        while (clock_ns() < until) {
            cJSON *frame = rig_next(rig, c, 5);
            assert_null(frame ? rig_at(frame, "thumbnail") : NULL);
            cJSON_Delete(frame);
        }
    }
    rig_update(rig, c, "layer", "layer-0", "gamma", "1.5");
    cJSON *frame = next_thumbnail(rig, c);
    assert_int_equal(rig_at(frame, "thumbnail/array/0/0/0")->valueint, 150);
    cJSON_Delete(frame);
    /* What looks the same is no news. */
    rig_update(rig, c, "layer", "layer-0", "name", "\"other\"");
    cJSON_Delete(rig_expect(rig, c, "notify.layers"));
    rig_expect_none(rig, c, "notify.layers", 400);
    /* Nor are they made again for what they do not show. */
    int made = rig_thumbnails();
    rig_update(rig, c, "view", "main", "background", "[1,0,0,1]");
    rig_update(rig, c, "camera", "main", "zoom", "{\"factor\":2,\"anchor_px\":[1,1]}");
    rig_update(rig, c, "view", "main", "canvas", "{\"size\":[300,200]}");
    for (int i = 0; i < 3; i++) {
        cJSON *ack = rig_expect(rig, c, "ack.state");
        while (strcmp(rig_at(ack, "status")->valuestring, "accepted") != 0)
            fail_msg("%s", cJSON_PrintUnformatted(ack));
        cJSON_Delete(ack);
    }
    rig_expect_none(rig, c, "notify.layers", 400);
    assert_int_equal(rig_thumbnails(), made);
    rig_update(rig, c, "dims", "z", "index", "6");
    rig_expect_none(rig, c, "notify.layers", 400);
    assert_true(rig_thumbnails() > made);
    rig_destroy(rig);
}

static void test_off(void **state)
{
    (void)state;
    const char *const off[] = {"thumbnails.enabled=false", "thumbnails.delay_ms=0", NULL};
    struct rig *rig = rig_create(off, DATA);
    uint64_t c = rig_hello(rig, false);
    rig_drain(rig, c);
    rig_expect_none(rig, c, "notify.layers", 200);
    rig_destroy(rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_forms),
        cmocka_unit_test(test_when),
        cmocka_unit_test(test_off),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
