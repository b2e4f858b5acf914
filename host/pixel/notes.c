/* SPDX-License-Identifier: BSD-3-Clause */
#include "pixel/notes.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "util/check.h"

#define POSES 1024u
#define INTENTS 1024u
#define SESSIONS                                                                                   \
    256u /* more are not remembered: a session that never ends must not fill memory                \
          */

struct session {
    struct session *next;
    char id[64];
    uint64_t count; /* of intents noted; the newest is at (count - 1) % INTENTS */
    struct {
        uint64_t rev, revision;
    } intents[INTENTS];
};

struct notes {
    pthread_mutex_t lock;
    uint64_t pose_count;
    struct {
        uint64_t revision;
        struct pixel_pose pose;
    } poses[POSES];
    struct session *sessions;
    unsigned session_count;
};

struct notes *notes_create(void)
{
    struct notes *notes = xcalloc(1, sizeof *notes);
    pthread_mutex_init(&notes->lock, NULL);
    return notes;
}

void notes_destroy(struct notes *notes)
{
    if (!notes)
        return;
    for (struct session *s = notes->sessions, *next; s; s = next) {
        next = s->next;
        free(s);
    }
    pthread_mutex_destroy(&notes->lock);
    free(notes);
}

void notes_pose(struct notes *notes, uint64_t revision, const struct pixel_pose *pose)
{
    pthread_mutex_lock(&notes->lock);
    uint64_t i = notes->pose_count;
    if (i && notes->poses[(i - 1) % POSES].revision == revision)
        i--; /* the same revision again: the newest word counts */
    else
        notes->pose_count++;
    notes->poses[i % POSES].revision = revision;
    notes->poses[i % POSES].pose = *pose;
    pthread_mutex_unlock(&notes->lock);
}

struct pixel_pose notes_find_pose(struct notes *notes, uint64_t revision)
{
    struct pixel_pose found = {.ndisplay = 2, .quat = {1, 0, 0, 0}};
    pthread_mutex_lock(&notes->lock);
    uint64_t oldest = notes->pose_count > POSES ? notes->pose_count - POSES : 0;
    for (uint64_t i = notes->pose_count; i > oldest; i--) {
        found = notes->poses[(i - 1) % POSES].pose;
        if (notes->poses[(i - 1) % POSES].revision <= revision)
            break;
    }
    pthread_mutex_unlock(&notes->lock);
    return found;
}

static struct session **slot(struct notes *notes, const char *id)
{
    struct session **at = &notes->sessions;
    while (*at && strcmp((*at)->id, id) != 0)
        at = &(*at)->next;
    return at;
}

void notes_intent(struct notes *notes, const char *id, uint64_t rev, uint64_t revision)
{
    if (!*id || strlen(id) >= sizeof notes->sessions->id)
        return;
    pthread_mutex_lock(&notes->lock);
    struct session *session = *slot(notes, id);
    if (!session && notes->session_count < SESSIONS) {
        session = xcalloc(1, sizeof *session);
        strcpy(session->id, id);
        session->next = notes->sessions;
        notes->sessions = session;
        notes->session_count++;
    }
    if (session) {
        session->intents[session->count % INTENTS].rev = rev;
        session->intents[session->count % INTENTS].revision = revision;
        session->count++;
    }
    pthread_mutex_unlock(&notes->lock);
}

uint64_t notes_find_intent(struct notes *notes, const char *id, uint64_t revision)
{
    uint64_t rev = 0;
    if (!*id)
        return 0;
    pthread_mutex_lock(&notes->lock);
    const struct session *session = *slot(notes, id);
    if (session) {
        uint64_t oldest = session->count > INTENTS ? session->count - INTENTS : 0;
        for (uint64_t i = session->count; i > oldest && !rev; i--) {
            if (session->intents[(i - 1) % INTENTS].revision <= revision)
                rev = session->intents[(i - 1) % INTENTS].rev;
        }
    }
    pthread_mutex_unlock(&notes->lock);
    return rev;
}

void notes_forget(struct notes *notes, const char *id)
{
    pthread_mutex_lock(&notes->lock);
    struct session **at = slot(notes, id), *session = *at;
    if (session) {
        *at = session->next;
        notes->session_count--;
        free(session);
    }
    pthread_mutex_unlock(&notes->lock);
}
