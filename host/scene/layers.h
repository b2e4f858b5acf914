/* SPDX-License-Identifier: BSD-3-Clause */
/* Layers from datasets, with napari's defaults: one image layer, or one for each channel. Reads
 * data for the display limits of anything but 8-bit images without OME windows, so it takes time.
 * [any-thread] */
#ifndef SCENE_LAYERS_H
#define SCENE_LAYERS_H

#include "scene/scene.h"
#include "util/error.h"

enum layers_split { LAYERS_SPLIT_AUTO, LAYERS_SPLIT_ALWAYS, LAYERS_SPLIT_NEVER };

/* What is kept of a dataset axis: all, one index (the axis goes), or [start, end). */
enum layers_part { LAYERS_KEEP, LAYERS_FIX, LAYERS_CROP };
struct layers_index {
    uint32_t count; /* 0: everything; else that of the dataset's axes */
    struct {
        enum layers_part part;
        uint64_t start, end;
    } axes[ORIEL_MAX_AXES];
};

struct layers_options {
    enum layers_split split;
    uint32_t max_channels;
    const char *interpolation_2d; /* NULL: nearest */
    int32_t level;                /* the only level to show, or -1 */
    bool limits_known;            /* the caller sets contrast_limits: do not read data for them */
    const char *axes; /* names, a letter each, for data whose axes have none; NULL or "": no */
    const struct layers_index *index; /* NULL: everything; else channels are not split */
};

/* On success *layers is the caller's array of *count new layers; they hold references of their own
 * to the dataset. */
bool layers_from_dataset(struct dataset *dataset, const struct layers_options *options,
                         struct scene_layer ***layers, size_t *count, struct error *err);

#endif
