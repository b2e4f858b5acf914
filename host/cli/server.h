/* SPDX-License-Identifier: BSD-3-Clause */
/* The rooms put together, without transports: what `serve` and `bench` have in common. Used by the
 * main thread only. */
#ifndef CLI_SERVER_H
#define CLI_SERVER_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

#include "config/config.h"
#include "util/error.h"

struct control;
struct mcp;
struct metrics;
struct registry;
struct render;
struct render_pool;
struct server_view;
struct stream;

struct server {
    const struct config *config; /* the caller's */
    int status;                  /* __atomic: why it does not start, or ends; else CLI_DONE */
    struct registry *registry;
    struct metrics *metrics;
    struct control *control;
    struct render_pool *pool;
    struct server_view *main;
    struct render *render; /* of the shared view */
    struct stream *stream;
    struct mcp *mcp;
    pthread_mutex_t lock; /* guards what follows */
    struct server_view *forks;
};

struct server_scene {
    const char *const *data; /* datasets to open, bottom first */
    size_t data_count;
    const char *scene_file; /* NULL: none */
    bool keep;              /* in state.dir, if there is one, and what is kept there comes first */
};

/* Everything is running and draws as soon as a client is there, or nothing is left and err says
 * why. */
bool server_start(struct server *server, const struct config *config,
                  const struct server_scene *scene, struct error *err);
/* Says goodbye to the sessions. Transports are closed between this and server_free. */
void server_stop(struct server *server);
void server_free(struct server *server);

#endif
