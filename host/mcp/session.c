/* SPDX-License-Identifier: BSD-3-Clause */
/* Sessions of the revisions before MODERN. Everything under the room's lock. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "mcp/room.h"
#include "util/check.h"
#include "util/clock.h"

static struct mcp_session **find(struct mcp *mcp, const char *id)
{
    struct mcp_session **at = &mcp->sessions;
    while (*at && strcmp((*at)->id, id) != 0)
        at = &(*at)->next;
    return at;
}

/* Nobody says when a client is gone for good, so the number is bounded here. */
static bool make_room(struct mcp *mcp)
{
    int64_t count = 0;
    struct mcp_session **oldest = NULL;
    for (struct mcp_session **at = &mcp->sessions; *at; at = &(*at)->next) {
        count++;
        if (!(*at)->exchanges && (!oldest || (*at)->used_ns < (*oldest)->used_ns))
            oldest = at;
    }
    if (count < mcp->session_limit)
        return true;
    if (!oldest)
        return false;
    struct mcp_session *gone = *oldest;
    *oldest = gone->next;
    free(gone);
    return true;
}

bool mcp_session_open(struct exchange *exchange, const char *version, const char *client)
{
    struct mcp *mcp = exchange->mcp;
    unsigned char secret[(MCP_ID_BYTES - 1) / 2];
    CHECK(getrandom(secret, sizeof secret, 0) == (ssize_t)sizeof secret);
    struct mcp_session *session = xcalloc(1, sizeof *session);
    for (size_t i = 0; i < sizeof secret; i++)
        snprintf(session->id + 2 * i, 3, "%02x", secret[i]);
    session->version = version;
    snprintf(session->client, sizeof session->client, "%s", client);
    session->used_ns = clock_ns();
    pthread_mutex_lock(&mcp->lock);
    bool fits = make_room(mcp);
    if (fits) {
        session->next = mcp->sessions;
        mcp->sessions = session;
    }
    pthread_mutex_unlock(&mcp->lock);
    if (!fits) {
        free(session);
        return false;
    }
    return mcp_session_join(exchange, session->id);
}

bool mcp_session_join(struct exchange *exchange, const char *id)
{
    struct mcp *mcp = exchange->mcp;
    pthread_mutex_lock(&mcp->lock);
    struct mcp_session *session = *find(mcp, id);
    if (session) {
        session->used_ns = clock_ns();
        session->exchanges++;
        exchange->version = session->version;
        memcpy(exchange->session, session->id, sizeof exchange->session);
        memcpy(exchange->client, session->client, sizeof exchange->client);
    }
    pthread_mutex_unlock(&mcp->lock);
    return session;
}

void mcp_session_leave(struct exchange *exchange)
{
    struct mcp *mcp = exchange->mcp;
    if (!exchange->session[0])
        return;
    pthread_mutex_lock(&mcp->lock);
    struct mcp_session *session = *find(mcp, exchange->session);
    if (session) {
        CHECK(session->exchanges);
        session->exchanges--;
        session->used_ns = clock_ns();
    }
    pthread_mutex_unlock(&mcp->lock);
}

bool mcp_session_close(struct mcp *mcp, const char *id)
{
    pthread_mutex_lock(&mcp->lock);
    struct mcp_session **at = find(mcp, id), *session = *at;
    bool found = session;
    if (found)
        *at = session->next;
    pthread_mutex_unlock(&mcp->lock);
    free(session);
    if (found)
        tool_call_cancel_session(mcp, id);
    return found;
}
