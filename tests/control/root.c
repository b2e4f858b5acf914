/* SPDX-License-Identifier: BSD-3-Clause */
#include "root.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "util/check.h"

void root_put(const struct root *folder, const char *name, const char *content)
{
    char *path = xasprintf("%s/%s", folder->top, name);
    FILE *out = fopen(path, "w");
    assert_non_null(out);
    fputs(content, out);
    fclose(out);
    free(path);
}

/* A root with some data and room for scenes. */
void root_make(struct root *folder)
{
    *folder = (struct root){.top = "/tmp/oriel-scenes-XXXXXX"};
    assert_non_null(mkdtemp(folder->top));
    root_put(folder, "a.mem", "mem:zyx:8,32,32:u16");
    root_put(folder, "b.mem", "mem:zyx:8,32,32:u8");
    root_put(folder, "many.mem", "mem:czyx:3,8,32,32:u8");
    root_put(folder, "slow.mem", "mem:zyx:8,32,32:u8:wait=600");
    folder->sets[0] = xasprintf("data.root=%s", folder->top);
    folder->sets[1] = xasprintf("scene.folder=%s/scenes", folder->top);
}

void root_remove(struct root *folder)
{
    char *command = xasprintf("rm -r %s", folder->top);
    assert_int_equal(system(command), 0);
    free(command);
    for (size_t i = 0; folder->sets[i]; i++)
        free(folder->sets[i]);
}

cJSON *rig_ask(struct rig *rig, uint64_t conn, const char *command, const char *kwargs)
{
    rig_call(rig, conn, command, kwargs);
    return rig_expect(rig, conn, "reply.command");
}

void rig_refuse(struct rig *rig, uint64_t conn, const char *command, const char *kwargs,
                const char *code)
{
    rig_call(rig, conn, command, kwargs);
    cJSON *error = rig_expect(rig, conn, "error.command");
    assert_string_equal(rig_at(error, "code")->valuestring, code);
    assert_true(strlen(rig_at(error, "message")->valuestring) > 5);
    cJSON_Delete(error);
}
