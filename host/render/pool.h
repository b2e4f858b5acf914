/* SPDX-License-Identifier: BSD-3-Clause */
/* What several renders have in common: the configuration, the modules, one cache of chunks and the
 * threads that fill it. A chunk is read once however many views want it. */
#ifndef RENDER_POOL_H
#define RENDER_POOL_H

#include "util/error.h"

struct config;
struct loader;
struct metrics;
struct registry;
struct render_pool;

/* All three are borrowed and outlive the pool. */
struct render_pool *render_pool_create(const struct config *config, struct registry *registry,
                                       struct metrics *metrics, struct error *err);
void render_pool_destroy(struct render_pool *pool); /* no render is left; NULL is fine */

/* Values that renders read from now on; it outlives the pool. [any-thread] */
void render_pool_reconfigure(struct render_pool *pool, const struct config *config);

/* For the render room. */
const struct config *render_pool_config(const struct render_pool *pool);
struct registry *render_pool_registry(const struct render_pool *pool);
struct metrics *render_pool_metrics(const struct render_pool *pool);
struct loader *render_pool_loader(const struct render_pool *pool);

#endif
