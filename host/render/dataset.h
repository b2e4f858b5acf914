/* SPDX-License-Identifier: BSD-3-Clause */
/* An opened dataset: a source module's instance and what it describes. Reference-counted; any
 * thread. */
#ifndef RENDER_DATASET_H
#define RENDER_DATASET_H

#include <stdbool.h>
#include <stdint.h>

#include "oriel/source.h"
#include "util/error.h"

struct registry;
struct dataset;

/* Asks the source modules of the configuration who can open `uri` and opens it with the best, then
 * with the next best; with any, when it is nobody's kind. The error names the uri and what each
 * module said. */
struct dataset *dataset_open(struct registry *registry, const char *uri, struct error *err);
struct dataset *dataset_ref(struct dataset *dataset);
void dataset_unref(struct dataset *dataset); /* NULL is fine */

const char *dataset_uri(const struct dataset *dataset);
const char *dataset_module(const struct dataset *dataset); /* "source/zarr" */
uint64_t dataset_key(const struct dataset *dataset);       /* unique in the process */
const struct oriel_source_info *dataset_info(const struct dataset *dataset);

/* Reads a box. `read->size` is set by this call. [any-thread] */
oriel_result dataset_read(struct dataset *dataset, struct oriel_read *read, struct error *err);

/* Bytes of one value. 0 for a dtype that is unknown. */
uint32_t dtype_bytes(uint32_t dtype);
const char *dtype_name(uint32_t dtype); /* numpy's: "uint8", … */
/* One value as a double; integers beyond 2^53 lose their last digits. */
double dtype_value(uint32_t dtype, const void *data, uint64_t index);

#endif
