/* SPDX-License-Identifier: BSD-3-Clause */

#include "module.h"

static oriel_result kind(uint32_t index, uint32_t *out)
{
    if (index > 0)
        return ORIEL_UNSUPPORTED;
    *out = ORIEL_LAYER_IMAGE;
    return ORIEL_OK;
}

static const struct oriel_option options[] = {
    {.name = "depth_bits",
     .type = ORIEL_OPT_ENUM,
     .default_value = "16",
     .choices = "16 24",
     .help =
         "Precision of the depth between volumes: 16 as in napari's own pictures, where layers of "
         "a view without perspective follow their order; 24 lets near ones hide far ones."},
    {.name = "shaders",
     .type = ORIEL_OPT_ENUM,
     .default_value = "auto",
     .choices = "auto fragment compute",
     .help = "The shaders that draw. Some GPUs run compute shaders many times as fast as fragment "
             "shaders: auto tries both on a volume at start. Software renderers take fragment."},
    {.name = "bricks",
     .type = ORIEL_OPT_BOOL,
     .default_value = "true",
     .help = "Volumes: rays leave out what cannot matter."},
    {.name = "bounds",
     .type = ORIEL_OPT_ENUM,
     .default_value = "auto",
     .choices = "auto cpu gpu",
     .help = "Who finds out what rays may leave out. auto: the GPU, a software renderer leaves it "
             "to the CPU."},
    {.name = "cuda",
     .type = ORIEL_OPT_BOOL,
     .default_value = "true",
     .help = "CUDA copies data to the GPU where it can; else OpenGL does."},
    {.name = "workgroup",
     .type = ORIEL_OPT_ENUM,
     .default_value = "8x8",
     .choices = "8x4 8x8 8x16 16x4 16x8 16x16 32x4",
     .help = "Pixels that a workgroup of the compute shaders draws."},
    {.name = "warm_up",
     .type = ORIEL_OPT_BOOL,
     .default_value = "true",
     .help = "Draws a few tiny pictures at start, so that the driver has its code ready."},
};

static const struct oriel_option_table option_table = {
    .size = sizeof option_table, .count = sizeof options / sizeof *options, .options = options};

static const struct oriel_scene_module vtable = {
    .size = sizeof vtable,
    .options = &option_table,
    .kind = kind,
    .create = scene_create,
    .destroy = scene_destroy,
    .apply = scene_apply,
    .upload = scene_upload,
    .evict = scene_evict,
    .draw = scene_draw,
    .thumbnail = scene_thumbnail,
    .draw_time = scene_draw_time,
};

ORIEL_MODULE_OF(ORIEL_SCENE_V1, &vtable, "scene/napari", "0.1.0", "Oriel", "BSD-3-Clause",
                "Images and volumes with napari's pixels, drawn with OpenGL 4.5.");
