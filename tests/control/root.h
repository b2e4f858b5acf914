/* SPDX-License-Identifier: BSD-3-Clause */
/* A data root with some data, room for scenes, and calls of commands. */
#ifndef CONTROL_ROOT_H
#define CONTROL_ROOT_H

#include "rig.h"

struct root {
    char top[64];
    char *sets[4];
};

void root_put(const struct root *folder, const char *name, const char *content);
void root_make(struct root *folder);
void root_remove(struct root *folder);
cJSON *rig_ask(struct rig *rig, uint64_t conn, const char *command, const char *kwargs);
void rig_refuse(struct rig *rig, uint64_t conn, const char *command, const char *kwargs,
                const char *code);

#endif
