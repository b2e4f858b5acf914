/* SPDX-License-Identifier: BSD-3-Clause */
/* Encoders compared on one view while it is looked at. Each arm is a branch of its own with the
 * encoder and the options of the experiment; all get the same frames. Nobody is disconnected: who
 * goes from one arm to another does so at a key picture. */
#ifndef PIXEL_EXPERIMENT_H
#define PIXEL_EXPERIMENT_H

#include <stdbool.h>

#include "config/experiments.h"
#include "util/error.h"

struct cJSON;
struct stream;

/* Returns when every arm has its encoder. Takes what is in `spec` when it returns true; `config`
 * outlives the stream. One runs at a time. [any-thread] */
bool experiment_start(struct stream *stream, struct experiment_spec *spec,
                      const struct config *config, struct error *err);
/* Ends the one that runs; the stream goes on with its first arm. [any-thread] */
bool experiment_stop(struct stream *stream, const char *name, struct error *err);
/* One that has ended lets go: the stream goes on with the encoders of its configuration.
 * [any-thread] */
void experiment_let_go(struct stream *stream);

/* {"name", "state": "running"|"ended", "reason", "rows": …, "arms": […]}; NULL: there was none.
 * [any-thread] */
struct cJSON *experiment_json(struct stream *stream);

#endif
