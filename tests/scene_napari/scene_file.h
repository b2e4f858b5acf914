/* SPDX-License-Identifier: BSD-3-Clause */
/* Reference scenes as files: the scene's JSON, .npy arrays, PNG pictures. */
#ifndef SCENE_FILE_H
#define SCENE_FILE_H

#include "rig.h"

/* Loads a scene with its data into a fresh rig; the canvas size comes from the file. Frees nothing
 * of what the rig's layers point to before scene_file_free(). */
struct scene_file;
struct scene_file *scene_file_load(const char *folder, const char *path, struct rig *rig);
void scene_file_free(struct scene_file *file, struct rig *rig);
/* width × height × 4 bytes, row 0 at the top; to be freed. */
uint8_t *picture_load(const char *path, uint32_t width, uint32_t height);

#endif
