/* SPDX-License-Identifier: BSD-3-Clause */
/* An opened image, plain array or collection: what describe() shows and read() reads. */
#ifndef ZARR_IMAGE_H
#define ZARR_IMAGE_H

#include "array.h"
#include "catalog.h"
#include "oriel/source.h"
#include "read.h"

struct image {
    struct arena arena;
    struct catalog catalog; /* while it is opened */
    struct reader reader;
    struct oriel_source_info info;
    struct array **arrays; /* info.level_count */
    struct text_list warnings, labels, images;
};

/* NULL with a sentence that names the file. `root`: as store_dir_create takes it. */
struct image *image_open(const char *uri, const char *root, struct fault *fault);
void image_close(struct image *image); /* NULL is fine */

/* The parts, each in the file of its name. */

/* Array at `path`, which must be there. */
struct array *image_array(struct image *image, const char *path, struct fault *fault);
/* "time", "channel", "space" or "", by an axis' name. */
const char *axis_type(const char *name);
/* One level from an array without more metadata; scale 1. */
void level_from_array(struct image *image, const struct array *array,
                      struct oriel_source_level *level);

/* multiscale.c: the first of `multiscales` becomes the image. `ome`: where omero and the rest
 * stand. */
bool multiscale_open(struct image *image, const char *path, const cJSON *ome, uint32_t zarr_version,
                     struct fault *fault);
/* omero.c */
void omero_read(struct image *image, const cJSON *omero);
/* transform.c: composes `list` onto scale and translate. */
void transform_apply(struct image *image, const cJSON *list, const char *where, uint32_t ndim,
                     double *scale, double *translate);
/* collection.c: a plate, a well, bioformats2raw's layout, labels, or a group of other things. */
bool collection_open(struct image *image, const char *path, const struct node *node,
                     const cJSON *ome, struct fault *fault);
/* The labels of an image, when it has some. */
void collection_labels(struct image *image, const char *path);

/* Where OME metadata stands: attributes.ome since 0.5, the attributes themselves before. */
const cJSON *ome_of(const cJSON *attributes);
/* "0.4": multiscales, plate, well or ome carries it; "" when nothing does. */
const char *ome_version(const cJSON *ome);

#endif
