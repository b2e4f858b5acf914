/* SPDX-License-Identifier: BSD-3-Clause */
/* Sources: datasets and their values. Interface "oriel.source/1".
 *
 * Data is never trusted: sizes are checked before anything is allocated, and a short, corrupt or
 * lying file is an ORIEL_IO whose text names that file. */
#ifndef ORIEL_SOURCE_H
#define ORIEL_SOURCE_H

#include "oriel/module.h"
#include "oriel/scene.h"

#define ORIEL_SOURCE_V1 "oriel.source/1"

/* Frozen, 24 bytes. Never NULL; "" where unknown. */
struct oriel_axis {
    const char *name; /* "t", "c", "z", "y", "x", … */
    const char *type; /* "space", "time", "channel" or "" */
    const char *unit; /* UDUNITS name, "" without */
};

/* One level as stored. Frozen, 336 bytes. World = index * scale + translate, in the axes' units. */
struct oriel_source_level {
    const char *path;   /* inside the dataset, "" for the root */
    const char *codecs; /* for people: "blosc(zstd, shuffle)" */
    uint64_t shape[ORIEL_MAX_AXES];
    uint64_t
        chunk[ORIEL_MAX_AXES]; /* the smallest box read for itself: inner chunks when sharded */
    uint64_t shard[ORIEL_MAX_AXES]; /* 0 where there are no shards */
    double scale[ORIEL_MAX_AXES];
    double translate[ORIEL_MAX_AXES];
};

/* Frozen, 56 bytes. */
struct oriel_source_channel {
    const char *label;
    double window[2]; /* start, end: the display range */
    double range[2];  /* min, max: what the window may be set to */
    uint32_t color;   /* 0xRRGGBB */
    uint8_t has_color;
    uint8_t has_window; /* `window` is set */
    uint8_t has_range;  /* `range` is set */
    uint8_t active;     /* shown at first */
    uint32_t inverted;
    uint32_t reserved;
};

/* Valid until close(). */
struct oriel_source_info {
    uint32_t size;
    uint32_t ndim;
    const char *kind;   /* "ome-zarr", "zarr", "npy", … */
    const char *format; /* for people: "zarr v3, OME 0.5" */
    const char *name;   /* the image's own name, or "" */
    uint32_t dtype;     /* ORIEL_U8, …; 0 for a collection without an image of its own */
    uint32_t level_count;
    const struct oriel_axis *axes; /* ndim */
    const struct oriel_source_level *levels;
    uint32_t channel_count; /* described channels; 0: none */
    int32_t channel_axis;   /* -1: none */
    const struct oriel_source_channel *channels;
    uint32_t label_count;
    uint32_t image_count;
    const char *const *labels; /* paths of label images inside the dataset */
    const char *const *images; /* paths of the images of a plate or a collection */
    uint32_t warning_count;
    uint32_t reserved;
    const char *const *warnings; /* what was odd, a sentence each */
    double fill_value;           /* what an absent chunk reads as */
};

enum {
    ORIEL_READ_ALL_FILL = 1u << 0 /* nothing was stored: every value is the fill value */
};

/* One box to read. The values come in the array's dtype, native byte order, C order, dense. */
struct oriel_read {
    uint32_t size;
    uint32_t level;
    uint64_t origin[ORIEL_MAX_AXES];
    uint64_t shape[ORIEL_MAX_AXES];
    void *out;
    uint64_t out_bytes; /* product of shape × size of the dtype; checked */
    /* Becomes non-zero when nobody wants the box any more (an atomic load); NULL: never. */
    const uint32_t *cancel;
    uint64_t stored_bytes; /* set by the module: bytes taken from storage */
    uint32_t flags;        /* set by the module: ORIEL_READ_* */
    uint32_t reserved;
};

struct oriel_source {
    uint32_t size;
    uint32_t reserved;
    const struct oriel_option_table *options;

    /* 0: not mine; up to 100: certain. Looks at names and a few bytes, opens nothing large. When
     * all say 0, open() is called nevertheless: its text tells the user what is missing.
     * [any-thread] */
    uint32_t (*probe)(const struct oriel_host *host, const char *uri);
    /* `uri`: a path or URL; a path inside a store opens that part ("a.zarr/labels/cells").
     * [any-thread] */
    oriel_result (*open)(const struct oriel_host *host, const struct oriel_config *config,
                         const char *uri, void **self);
    void (*close)(void *self);                                /* no read is running [any-thread] */
    const void *(*get_interface)(void *self, const char *id); /* or NULL */
    oriel_result (*describe)(void *self, const struct oriel_source_info **info); /* [any-thread] */
    /* Several at a time. Cheapest when the box is one chunk. CANCELLED leaves `out` undefined.
     * [loader, several threads at a time] */
    oriel_result (*read)(void *self, struct oriel_read *read);
};

#endif
