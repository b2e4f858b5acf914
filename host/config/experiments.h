/* SPDX-License-Identifier: BSD-3-Clause */
/* The section "experiments": encoders compared in a running server (docs/experiments.md). */
#ifndef CONFIG_EXPERIMENTS_H
#define CONFIG_EXPERIMENTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "util/error.h"

struct cJSON;
struct config;

#define EXPERIMENT_MOST_ARMS 8u
#define EXPERIMENT_MOST 16u /* in one configuration: their names become labels of metrics */
#define EXPERIMENT_NAME 32u /* bytes of a name, with its end */
#define EXPERIMENT_LABEL 16u

enum experiment_mode {
    EXPERIMENT_SOLO,       /* everybody sees the only arm */
    EXPERIMENT_SHADOW,     /* everybody sees the first, the others are measured and thrown away */
    EXPERIMENT_SPLIT,      /* each client has one of its own */
    EXPERIMENT_SWITCH,     /* the first, then the second */
    EXPERIMENT_INTERLEAVE, /* in turn, A B B A */
    EXPERIMENT_REPLAY      /* for `oriel ab` */
};

struct experiment_arm {
    char label[EXPERIMENT_LABEL];
    char module[64];
    struct cJSON *options; /* an object, or NULL */
    double weight;
};

/* An arm that passes one of these is stopped. */
struct experiment_guard {
    uint32_t frames; /* as many have to be there, and as many of the newest count */
    double drops;    /* share of the frames that were not encoded; 1: no limit */
    double p99_ms;   /* from captured (a shadow: begun) to encoded; 0: no limit */
    uint32_t errors; /* of the encoder, in all */
};

struct experiment_spec {
    char name[EXPERIMENT_NAME];
    char view[16];
    enum experiment_mode mode;
    uint32_t arm_count;
    struct experiment_arm arms[EXPERIMENT_MOST_ARMS];
    double duration_s;      /* 0: until it is stopped */
    double slice_s;         /* INTERLEAVE */
    double switch_s;        /* SWITCH: after so much time, or (0) … */
    uint32_t switch_frames; /* … so many frames of the view */
    bool start;             /* with the server */
    char *rows;             /* file of the rows; NULL: none */
    struct experiment_guard guard;
    char *origin; /* "oriel.json:12: experiments[0]" */
};

/* Those of a configuration; `count` of them, the caller's. */
struct experiment_spec *experiments_read(const struct config *config, size_t *count);
void experiments_free(struct experiment_spec *specs, size_t count); /* NULL is fine */
void experiment_spec_finish(struct experiment_spec *spec);

const char *experiment_mode_name(enum experiment_mode mode);

/* Takes the text of the key: false with what is wrong, behind "<origin>: experiments[0]…". */
bool experiments_parse(const char *text, const char *origin, struct experiment_spec **specs,
                       size_t *count, struct error *err);

/* `config` with the options of an arm, which outlives the result. */
struct config *experiment_config(const struct config *config, const struct experiment_spec *spec,
                                 const struct experiment_arm *arm);

#endif
