/* SPDX-License-Identifier: BSD-3-Clause */
/* The doors: one for each transport, opened, exchanged and closed. One that is exchanged serves who
 * is there until they have left. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/gate_internal.h"
#include "mcp/mcp.h"
#include "module/call.h"
#include "module/services.h"
#include "oriel/draft/transport_handover.h"
#include "util/check.h"
#include "util/log.h"
#include "util/thread.h"

#define ENDPOINT_MOST 64u /* of one transport; one that tells them for ever is not heard out */

/* --- what the rooms call: numbers back to the transport's own --- */

static bool door_hold(struct door *door)
{
    pthread_mutex_lock(&door->gate->lock);
    bool there = !door->gone;
    door->users += there;
    pthread_mutex_unlock(&door->gate->lock);
    return there;
}

static void door_release(struct door *door)
{
    pthread_mutex_lock(&door->gate->lock);
    if (--door->users == 0 && door->gone)
        pthread_cond_broadcast(&door->gate->quiet);
    pthread_mutex_unlock(&door->gate->lock);
}

static oriel_result door_send(void *self, uint64_t conn, const struct oriel_message *message)
{
    struct door *door = self;
    if (!door_hold(door))
        return ORIEL_INVALID;
    oriel_result result = MODULE_CALL(&door->use, "send",
                                      door->real->send(door->real_self, conn & CONN_MASK, message));
    door_release(door);
    return result;
}

static oriel_result door_queued(void *self, uint64_t conn, struct oriel_queued *queued)
{
    struct door *door = self;
    if (!door_hold(door))
        return ORIEL_INVALID;
    oriel_result result = MODULE_CALL(
        &door->use, "queued", door->real->queued(door->real_self, conn & CONN_MASK, queued));
    door_release(door);
    return result;
}

static void door_close(void *self, uint64_t conn, uint32_t code, const char *reason)
{
    struct door *door = self;
    if (!door_hold(door))
        return;
    MODULE_CALL(&door->use, "close",
                door->real->close(door->real_self, conn & CONN_MASK, code, reason));
    door_release(door);
}

const struct oriel_transport door_vtable = {
    .size = sizeof door_vtable,
    .send = door_send,
    .queued = door_queued,
    .close = door_close,
};

void door_respond(struct door *door, uint64_t id, const struct oriel_response *response)
{
    if (!door_hold(door))
        return;
    MODULE_CALL(&door->use, "respond", door->real->respond(door->real_self, id, response));
    door_release(door);
}

void door_owes(struct door *door, int more)
{
    pthread_mutex_lock(&door->gate->lock);
    door->owed += (unsigned)more;
    pthread_cond_broadcast(&door->gate->quiet);
    pthread_mutex_unlock(&door->gate->lock);
}

bool door_endpoint(const struct door *door, uint32_t listener, struct oriel_endpoint *endpoint)
{
    for (uint32_t k = 0; k < ENDPOINT_MOST; k++) {
        struct oriel_endpoint found = {.size = sizeof found};
        if (MODULE_CALL(&door->use, "endpoint", door->real->endpoint(door->real_self, k, &found)) !=
            ORIEL_OK)
            return false;
        if (found.listener == listener) {
            *endpoint = found;
            return true;
        }
    }
    return false;
}

/* --- options: a port that may be any is that of the door before --- */

static int64_t get_int(const struct oriel_config *config, const char *name)
{
    static const struct {
        const char *option;
        uint32_t listener;
    } ports[] = {{"port", ORIEL_LISTENER_HTTP},
                 {"pixel_port", ORIEL_LISTENER_PIXEL},
                 {"metrics_port", ORIEL_LISTENER_METRICS}};
    const struct door *door = config->data;
    int64_t value = door->use.config->get_int(door->use.config, name);
    struct oriel_endpoint at;
    for (size_t i = 0; door->before && value == 0 && i < sizeof ports / sizeof *ports; i++) {
        if (strcmp(name, ports[i].option) == 0 &&
            door_endpoint(door->before, ports[i].listener, &at))
            return at.port;
    }
    return value;
}

static double get_float(const struct oriel_config *config, const char *name)
{
    const struct door *door = config->data;
    return door->use.config->get_float(door->use.config, name);
}

static const char *get_string(const struct oriel_config *config, const char *name)
{
    const struct door *door = config->data;
    return door->use.config->get_string(door->use.config, name);
}

/* --- opening --- */

/* Its module is loaded; nothing listens yet. */
static struct door *prepare(struct gate *gate, struct registry *registry, const char *id,
                            struct error *err)
{
    struct door *door = xcalloc(1, sizeof *door);
    if (!module_use_open(registry, MODULE_TRANSPORT, id, id, &door->use, err)) {
        free(door);
        return NULL;
    }
    door->gate = gate;
    door->real = door->use.vtable;
    door->callbacks = gate_callbacks;
    door->callbacks.data = door;
    door->config = (struct oriel_config){.size = sizeof door->config,
                                         .get_int = get_int,
                                         .get_float = get_float,
                                         .get_string = get_string,
                                         .data = door};
    pthread_mutex_init(&door->opening, NULL);
    return door;
}

static void discard(struct door *door)
{
    pthread_mutex_destroy(&door->opening);
    module_use_close(&door->use);
    free(door);
}

/* The door counts, or is gone. */
static bool open(struct door *door, struct error *err)
{
    struct gate *gate = door->gate;
    pthread_mutex_lock(&gate->lock);
    door->index = gate->door_count;
    bool room = gate->door_count < DOOR_MOST;
    gate->door_count += room;
    pthread_mutex_unlock(&gate->lock);
    if (!room) {
        discard(door);
        return error_set(err, "transports were exchanged too often for one process");
    }
    pthread_mutex_lock(&door->opening);
    oriel_result result = MODULE_CALL(
        &door->use, "create",
        door->real->create(door->use.host, &door->config, &door->callbacks, &door->real_self));
    door->before = NULL;
    pthread_mutex_unlock(&door->opening);
    if (result != ORIEL_OK) {
        error_set(err, "%s: %s", door->use.module->id, services_failure());
        discard(door);
        return false;
    }
    pthread_mutex_lock(&gate->lock);
    door->next = gate->doors;
    gate->doors = door;
    pthread_mutex_unlock(&gate->lock);
    return true;
}

bool gate_open_transport(struct gate *gate, struct registry *registry, const char *id,
                         struct error *err)
{
    struct door *door = prepare(gate, registry, id, err);
    return door && open(door, err);
}

/* --- exchanging --- */

/* `id` NULL: any. */
static struct door *active(struct gate *gate, const char *id)
{
    pthread_mutex_lock(&gate->lock);
    struct door *door = gate->doors;
    while (door && (door->retired || (id && strcmp(door->use.module->id, id) != 0)))
        door = door->next;
    pthread_mutex_unlock(&gate->lock);
    return door;
}

bool gate_has_transport(struct gate *gate, const char *id)
{
    return active(gate, id) != NULL;
}

bool gate_surplus_transport(struct gate *gate, const char *const *ids, size_t count, char id[64])
{
    bool found = false;
    pthread_mutex_lock(&gate->lock);
    for (const struct door *door = gate->doors; door && !found; door = door->next) {
        bool wanted = door->retired;
        for (size_t i = 0; i < count && !wanted; i++)
            wanted = strcmp(ids[i], door->use.module->id) == 0;
        found = !wanted;
        if (found)
            snprintf(id, 64, "%s", door->use.module->id);
    }
    pthread_mutex_unlock(&gate->lock);
    return found;
}

static const struct oriel_transport_handover *handover_of(struct door *door)
{
    const struct oriel_transport *real = door->real;
    const struct oriel_transport_handover *handover =
        ORIEL_HAS(real, get_interface)
            ? MODULE_CALL(&door->use, "get_interface",
                          real->get_interface(door->real_self, ORIEL_TRANSPORT_HANDOVER_V1))
            : NULL;
    bool whole =
        handover && ORIEL_HAS(handover, stop_listening) && ORIEL_HAS(handover, listen_again);
    return whole ? handover : NULL;
}

static void close_real(struct door *door)
{
    MODULE_CALL(&door->use, "destroy", door->real->destroy(door->real_self));
}

static void *reap(void *data)
{
    struct door *door = data;
    struct gate *gate = door->gate;
    pthread_mutex_lock(&gate->lock);
    while (!gate->closing && (door->conns || door->owed))
        pthread_cond_wait(&gate->quiet, &gate->lock);
    bool closing = gate->closing;
    door->gone = !closing; /* at the end rooms still say goodbye through it */
    while (!closing && door->users)
        pthread_cond_wait(&gate->quiet, &gate->lock);
    pthread_mutex_unlock(&gate->lock);
    close_real(door);
    log_info(LOG_TRANSPORT, "%s: the one that was exchanged has closed", door->use.module->id);
    return NULL;
}

/* It has stopped listening. */
static bool retire(struct door *door, struct error *err)
{
    pthread_mutex_lock(&door->gate->lock);
    door->retired = thread_start(&door->reaper, "gate-reaper", reap, door);
    bool retired = door->retired;
    pthread_mutex_unlock(&door->gate->lock);
    return retired || error_set(err, "no thread waits for its last connection");
}

/* NULL with the reason where it goes on listening. */
static const struct oriel_transport_handover *stop_listening(struct door *door, struct error *err)
{
    const char *id = door->use.module->id;
    const struct oriel_transport_handover *handover = handover_of(door);
    if (handover && MODULE_CALL(&door->use, "stop_listening",
                                handover->stop_listening(door->real_self)) == ORIEL_OK)
        return handover;
    if (handover)
        error_set(err, "%s: %s", id, services_failure());
    else
        error_set(err,
                  "%s cannot stop listening while it serves (it has no %s): that takes a restart",
                  id, ORIEL_TRANSPORT_HANDOVER_V1);
    return NULL;
}

bool gate_retire_transport(struct gate *gate, const char *id, struct error *err)
{
    struct door *door = active(gate, id);
    return door ? stop_listening(door, err) && retire(door, err)
                : error_set(err, "%s is not in use", id);
}

bool gate_swap_transport(struct gate *gate, struct registry *registry, const char *to,
                         const char *from, char replaced[64], struct error *err)
{
    struct door *old = from ? active(gate, from) : active(gate, to);
    if (!old && !from)
        old = active(gate, NULL);
    snprintf(replaced, 64, "%s", old ? old->use.module->id : from ? from : "");
    if (!old)
        return error_set(err, "%s is not in use", replaced);
    struct door *new = prepare(gate, registry, to, err);
    if (!new)
        return false;
    const struct oriel_transport_handover *handover = stop_listening(old, err);
    if (!handover) {
        discard(new);
        return false;
    }
    new->before = old;
    if (open(new, err))
        return retire(old, err);
    if (MODULE_CALL(&old->use, "listen_again", handover->listen_again(old->real_self)) != ORIEL_OK)
        log_error(LOG_TRANSPORT, "%s does not listen any more: %s", replaced, services_failure());
    return false;
}

/* --- closing --- */

void gate_close(struct gate *gate)
{
    pthread_mutex_lock(&gate->lock);
    gate->closing = true;
    pthread_cond_broadcast(&gate->quiet);
    pthread_mutex_unlock(&gate->lock);
    for (struct door *door = gate->doors; door; door = door->next) {
        if (!door->retired)
            close_real(door);
        else
            pthread_join(door->reaper, NULL);
    }
    mcp_close(gate->rooms.mcp);
}

void doors_free(struct gate *gate)
{
    for (struct door *door = gate->doors, *next; door; door = next) {
        next = door->next;
        discard(door);
    }
}

bool gate_endpoint(struct gate *gate, uint32_t listener, struct oriel_endpoint *endpoint)
{
    bool found = false;
    pthread_mutex_lock(&gate->lock);
    struct door *door = gate->doors; /* the newest; doors never go */
    while (door) {                   /* the first that was opened counts */
        bool retired = door->retired;
        pthread_mutex_unlock(&gate->lock);
        struct oriel_endpoint at;
        if (!retired && door_endpoint(door, listener, &at)) {
            *endpoint = at;
            found = true;
        }
        pthread_mutex_lock(&gate->lock);
        door = door->next;
    }
    pthread_mutex_unlock(&gate->lock);
    return found;
}
