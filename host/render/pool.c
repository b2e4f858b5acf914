/* SPDX-License-Identifier: BSD-3-Clause */
#include "render/pool.h"

#include <stdlib.h>

#include "config/config.h"
#include "render/loader.h"
#include "util/check.h"

struct render_pool {
    const struct config *_Atomic config;
    struct registry *registry;
    struct metrics *metrics;
    struct loader *loader;
};

struct render_pool *render_pool_create(const struct config *config, struct registry *registry,
                                       struct metrics *metrics, struct error *err)
{
    /* Blocks that are being read or copied come on top of the cache. */
    uint64_t cache = (uint64_t)config_int(config, "data.cache_mb") << 20, most = cache + cache / 4;
    uint64_t pinned = (uint64_t)config_int(config, "data.pinned_mb") << 20;
    struct loader *loader = loader_create((unsigned)config_int(config, "data.threads"), cache,
                                          pinned < most ? pinned : most, err);
    if (!loader)
        return NULL;
    struct render_pool *pool = xcalloc(1, sizeof *pool);
    pool->config = config;
    pool->registry = registry;
    pool->metrics = metrics;
    pool->loader = loader;
    return pool;
}

void render_pool_destroy(struct render_pool *pool)
{
    if (!pool)
        return;
    loader_destroy(pool->loader);
    free(pool);
}

void render_pool_reconfigure(struct render_pool *pool, const struct config *config)
{
    pool->config = config;
}

const struct config *render_pool_config(const struct render_pool *pool)
{
    return pool->config;
}

struct registry *render_pool_registry(const struct render_pool *pool)
{
    return pool->registry;
}

struct metrics *render_pool_metrics(const struct render_pool *pool)
{
    return pool->metrics;
}

struct loader *render_pool_loader(const struct render_pool *pool)
{
    return pool->loader;
}
