/* SPDX-License-Identifier: BSD-3-Clause */
#include "experiment_play.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include <cjson/cJSON.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "config/experiments.h"
#include "pixel/experiment.h"

void play_begin(struct fixture *f, const char *rest)
{
    char text[1024];
    snprintf(text, sizeof text,
             "[{\"name\": \"x\", %s, \"arms\": [{\"label\": \"one\", \"module\": \"encode/a\"},"
             "{\"label\": \"two\", \"module\": \"encode/b\"}]}]",
             rest);
    struct experiment_spec *specs;
    struct error err = {""};
    size_t count;
    if (!experiments_parse(text, "test", &specs, &count, &err) ||
        !experiment_start(f->stream, specs, f->config, &err))
        fail_msg("%s", err.text);
    experiments_free(specs, count);
}

void play_end(struct fixture *f)
{
    struct error err = {""};
    if (!experiment_stop(f->stream, "x", &err))
        fail_msg("%s", err.text);
}

void play_draw(int count)
{
    for (int i = 0; i < count; i++) {
        fixture_draw(1, 0);
        fixture_sleep(3);
    }
}

static cJSON *arm_json(struct fixture *f, const char *label)
{
    cJSON *json = experiment_json(f->stream), *arm, *found = NULL;
    assert_non_null(json);
    cJSON_ArrayForEach(arm, cJSON_GetObjectItem(json, "arms"))
    {
        if (strcmp(cJSON_GetObjectItem(arm, "label")->valuestring, label) == 0)
            found = cJSON_Duplicate(arm, true);
    }
    cJSON_Delete(json);
    assert_non_null(found);
    return found;
}

double play_number(struct fixture *f, const char *label, const char *key)
{
    cJSON *arm = arm_json(f, label);
    double value = cJSON_GetObjectItem(arm, key)->valuedouble;
    cJSON_Delete(arm);
    return value;
}

void play_begin_both(struct fixture *f, const char *rest)
{
    play_begin(f, rest);
    for (int i = 0;
         i < 1500 && (play_number(f, "one", "frames") == 0 ||
                      play_number(f, "two", "frames") + play_number(f, "two", "drops") == 0);
         i++)
        play_draw(1);
}

void play_begin_at_rest(struct fixture *f, const char *rest)
{
    play_begin_both(f, rest);
    double before;
    do {
        before = play_number(f, "two", "frames");
        fixture_sleep(100);
    } while (play_number(f, "two", "frames") == 0 || play_number(f, "two", "frames") != before);
}

bool play_arm_is(struct fixture *f, const char *label, const char *key, const char *text)
{
    cJSON *arm = arm_json(f, label);
    const char *value = cJSON_GetStringValue(cJSON_GetObjectItem(arm, key));
    bool same = value && strstr(value, text);
    cJSON_Delete(arm);
    return same;
}

uint64_t play_newest(struct peer *peer)
{
    int count = atomic_load(&peer->count);
    return count ? got_tail(&peer->got[count - 1])->frame_seq : 0;
}

static char rows_path[64];

const char *play_rows_in(char out[128])
{
    play_forget_rows(NULL);
    strcpy(rows_path, "/tmp/oriel-rows-XXXXXX.ndjson");
    int fd = mkstemps(rows_path, 7);
    assert_true(fd >= 0);
    close(fd);
    snprintf(out, 128, "\"rows\": \"%s\"", rows_path);
    return out;
}

void play_rows(struct table *table)
{
    rows_read(rows_path, table);
}

int play_forget_rows(void **state)
{
    (void)state;
    if (*rows_path)
        unlink(rows_path);
    *rows_path = '\0';
    return 0;
}
