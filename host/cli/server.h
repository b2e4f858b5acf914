/* SPDX-License-Identifier: BSD-3-Clause */
/* The rooms put together, without transports: what `serve` and `bench` have in common. Used by the
 * main thread, where nothing else is said. */
#ifndef CLI_SERVER_H
#define CLI_SERVER_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

#include "config/config.h"
#include "util/error.h"

struct control;
struct gate;
struct mcp;
struct metrics;
struct registry;
struct render;
struct render_pool;
struct stream;

/* The rooms of one view. */
struct server_view {
    struct server_view *next;
    struct control *control;
    char id[16];
    struct render *render;
    struct stream *stream;
    unsigned busy; /* who uses them besides its clients; under the server's lock */
};

/* A configuration that was in force; those that come later point into it. */
struct server_config {
    struct server_config *former;
    struct config *config;
};

struct server {
    int status; /* __atomic: why it does not start, or ends; else CLI_DONE */
    struct registry *registry;
    struct metrics *metrics;
    struct control *control;
    struct render_pool *pool;
    struct server_view *main;
    struct render *render; /* of the shared view */
    struct stream *stream;
    struct mcp *mcp;
    /* For reload.c; set between server_start and the first client, or never: then there is nothing
     * to read again, and no transport to exchange. */
    struct config *(*read_config)(void *data, struct error *err);
    void *data; /* for it */
    struct gate *gate;

    pthread_mutex_t changing;  /* one exchange at a time; guards … */
    const struct config *read; /* … the newest that was read, the caller's at first */
    struct server_config *configs;

    pthread_mutex_t lock;        /* guards what follows */
    pthread_cond_t idle;         /* a view's `busy` went down */
    const struct config *config; /* in force; the caller's at first */
    char encoder[64];            /* that modules.swap has put first; "": none */
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
/* All but `status`, which who ends the process in time may read until then. */
void server_free(struct server *server);

/* The one in force; it stays until server_free. [any-thread] */
const struct config *server_config(struct server *server);
/* The rooms of all views, NULL-terminated, held until server_release_views. [any-thread] */
struct server_view **server_hold_views(struct server *server);
void server_release_views(struct server *server, struct server_view **views);

#endif
