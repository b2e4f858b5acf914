/* SPDX-License-Identifier: BSD-3-Clause */
/* Which stream a pixel connection gets: from its session to the view that the session looks at, and
 * to that view's stream. One lock, held for moments. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "control/room.h"
#include "util/check.h"

struct route_view {
    struct route_view *next;
    char id[SCENE_VIEW_ID];
    struct stream *stream; /* NULL: on its way out */
    unsigned holds;
};

struct route_session {
    struct route_session *next;
    char id[SESSION_ID_BYTES];
    char ticket[TICKET_BYTES]; /* who shows it gets pictures */
    char view[SCENE_VIEW_ID];
};

struct routes {
    pthread_mutex_t lock;
    pthread_cond_t released;
    struct route_view *views;
    struct route_session *sessions;
};

struct routes *routes_create(void)
{
    struct routes *routes = xcalloc(1, sizeof *routes);
    pthread_mutex_init(&routes->lock, NULL);
    pthread_cond_init(&routes->released, NULL);
    return routes;
}

void routes_destroy(struct routes *routes)
{
    if (!routes)
        return;
    for (struct route_view *view = routes->views, *next; view; view = next) {
        next = view->next;
        free(view);
    }
    for (struct route_session *session = routes->sessions, *next; session; session = next) {
        next = session->next;
        free(session);
    }
    pthread_cond_destroy(&routes->released);
    pthread_mutex_destroy(&routes->lock);
    free(routes);
}

/* Under the lock, like the next. */
static struct route_view **find_view(struct routes *routes, const char *id)
{
    struct route_view **at = &routes->views;
    while (*at && strcmp((*at)->id, id) != 0)
        at = &(*at)->next;
    return at;
}

static struct route_session **find_session(struct routes *routes, const char *id)
{
    struct route_session **at = &routes->sessions;
    while (*at && strcmp((*at)->id, id) != 0)
        at = &(*at)->next;
    return at;
}

void routes_add_view(struct routes *routes, const char *id, struct stream *stream)
{
    struct route_view *view = xcalloc(1, sizeof *view);
    snprintf(view->id, sizeof view->id, "%s", id);
    view->stream = stream;
    pthread_mutex_lock(&routes->lock);
    CHECK(!*find_view(routes, id));
    view->next = routes->views;
    routes->views = view;
    pthread_mutex_unlock(&routes->lock);
}

void routes_remove_view(struct routes *routes, const char *id)
{
    pthread_mutex_lock(&routes->lock);
    struct route_view *view = *find_view(routes, id);
    if (view)
        view->stream = NULL;
    pthread_mutex_unlock(&routes->lock);
}

void routes_wait(struct routes *routes, const char *id)
{
    pthread_mutex_lock(&routes->lock);
    struct route_view **at, *view;
    while ((view = *(at = find_view(routes, id))) && view->holds)
        pthread_cond_wait(&routes->released, &routes->lock);
    if (view)
        *at = view->next;
    pthread_mutex_unlock(&routes->lock);
    free(view);
}

void routes_add_session(struct routes *routes, const char *id, const char *ticket, const char *view)
{
    struct route_session *session = xcalloc(1, sizeof *session);
    snprintf(session->id, sizeof session->id, "%s", id);
    snprintf(session->ticket, sizeof session->ticket, "%s", ticket);
    snprintf(session->view, sizeof session->view, "%s", view);
    pthread_mutex_lock(&routes->lock);
    session->next = routes->sessions;
    routes->sessions = session;
    pthread_mutex_unlock(&routes->lock);
}

void routes_set_session(struct routes *routes, const char *id, const char *view)
{
    pthread_mutex_lock(&routes->lock);
    struct route_session *session = *find_session(routes, id);
    CHECK(session);
    snprintf(session->view, sizeof session->view, "%s", view);
    pthread_mutex_unlock(&routes->lock);
}

void routes_remove_session(struct routes *routes, const char *id)
{
    pthread_mutex_lock(&routes->lock);
    struct route_session **at = find_session(routes, id), *session = *at;
    if (session)
        *at = session->next;
    pthread_mutex_unlock(&routes->lock);
    free(session);
}

/* Under the lock. */
static struct stream *hold(struct routes *routes, const char *id)
{
    struct route_view *view = *find_view(routes, id);
    if (!view || !view->stream)
        return NULL;
    view->holds++;
    return view->stream;
}

/* Takes as long for any wrong one. */
bool control_ticket(struct control *control, const char *ticket, char session[256])
{
    struct routes *routes = control->routes;
    char given[TICKET_BYTES] = "";
    bool found = false;
    if (strlen(ticket) != sizeof given - 1)
        return false;
    memcpy(given, ticket, sizeof given);
    pthread_mutex_lock(&routes->lock);
    for (const struct route_session *known = routes->sessions; known; known = known->next) {
        unsigned differs = 0;
        for (size_t i = 0; i < sizeof given; i++)
            differs |= (unsigned char)(given[i] ^ known->ticket[i]);
        if (!differs) {
            snprintf(session, 256, "%s", known->id);
            found = true;
        }
    }
    pthread_mutex_unlock(&routes->lock);
    return found;
}

struct stream *control_stream_of(struct control *control, const char *session, char view[16])
{
    struct routes *routes = control->routes;
    struct stream *stream = NULL;
    pthread_mutex_lock(&routes->lock);
    const struct route_session *known = *find_session(routes, session);
    if (known && (stream = hold(routes, known->view)))
        memcpy(view, known->view, sizeof known->view);
    pthread_mutex_unlock(&routes->lock);
    return stream;
}

struct stream *control_stream_hold(struct control *control, const char *view)
{
    struct routes *routes = control->routes;
    pthread_mutex_lock(&routes->lock);
    struct stream *stream = hold(routes, view);
    pthread_mutex_unlock(&routes->lock);
    return stream;
}

void control_stream_release(struct control *control, const char *view)
{
    struct routes *routes = control->routes;
    pthread_mutex_lock(&routes->lock);
    struct route_view *held = *find_view(routes, view);
    if (--held->holds == 0)
        pthread_cond_broadcast(&routes->released);
    pthread_mutex_unlock(&routes->lock);
}
