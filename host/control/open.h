/* SPDX-License-Identifier: BSD-3-Clause */
/* Opening data and scene files. */
#ifndef CONTROL_OPEN_H
#define CONTROL_OPEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "control/session.h"
#include "scene/layers.h"
#include "scene/scene_file.h"
#include "util/error.h"

struct control;
struct registry;

/* open.c */
struct opened {
    struct scene_layer **layers;
    size_t count;
    char *note; /* worth saying, or NULL */
};
void opened_finish(struct opened *opened);
/* Reads data; [any-thread] */
bool open_uri(struct registry *registry, const char *uri, const struct layers_options *options,
              struct opened *opened, struct error *err);
/* The layers of the index-th entry of a file; one, unless `usual` splits channels. [any-thread] */
bool open_file_layer(struct registry *registry, const struct layers_options *usual,
                     const struct scene_file *file, size_t index, struct opened *opened,
                     struct error *err);
void open_options(const struct control *control, struct layers_options *options);
/* After a fresh scene was filled: what the configuration says about the first view, which fits the
 * canvas of `viewer` if there is one and it is known. */
void open_first_view(struct control *control, const struct session *viewer);
/* Makes the canvas of a file what the sessions at the main view asked for, as the scene's is;
 * nobody did: no larger than canvas.max. */
void open_fit_canvas(const struct control *control, struct scene_file *file);
void open_allow(struct control *control, const char *uri);
bool open_allowed(const struct control *control, const char *real); /* by open_allow */

#endif
