/* SPDX-License-Identifier: BSD-3-Clause */
/* A row for each frame of an arm, until all is known about it. */
#include <stdlib.h>
#include <string.h>

#include "pixel/arm.h"
#include "util/check.h"
#include "util/clock.h"

#define REPORT_NS (1200 * NS_PER_MS) /* a report that has not come by then does not come */
#define PACKET_NS (5 * NS_PER_S)     /* … or a packet */
#define MOST_MISSING 1000u           /* more, and the renderer has begun anew */

static const char *const names[DROP_KINDS] = {"newer",   "client",  "idle",
                                              "encoder", "capture", "stopped"};

const char *arm_drop_name(enum arm_drop drop)
{
    return names[drop];
}

void book_open(struct arm *arm)
{
    arm->open = xcalloc(OPEN_ROWS, sizeof *arm->open);
    arm->next_id = 1;
    arm_watch_begin(&arm->watch, &arm->experiment->spec.guard);
}

void book_close(struct arm *arm)
{
    free(arm->open);
    arm_watch_finish(&arm->watch);
}

/* --- under the lock --- */

/* New rows may come. */
static bool begin(struct arm *arm)
{
    pthread_mutex_lock(&arm->experiment->book);
    return arm->experiment->recording == BOOK_OPEN;
}

/* … or what is known of frames that are there. */
static bool begin_update(struct arm *arm)
{
    pthread_mutex_lock(&arm->experiment->book);
    return arm->experiment->recording != BOOK_SHUT;
}

static void end(struct arm *arm)
{
    pthread_mutex_unlock(&arm->experiment->book);
}

static struct row *at(struct arm *arm, uint32_t i)
{
    return &arm->open[(arm->first + i) % OPEN_ROWS];
}

static bool complete(const struct row *row, int64_t now)
{
    if (row->drop)
        return true;
    if (!row->t_done_ns)
        return now - row->t_submit_ns > PACKET_NS;
    return row->back.count >= row->clients || now - row->t_done_ns > REPORT_NS;
}

static void flush(struct arm *arm, bool all, uint32_t leave)
{
    int64_t now = clock_ns();
    while (arm->count > leave && (all || complete(at(arm, 0), now))) {
        struct row *row = at(arm, 0);
        if (!row->drop && !row->t_done_ns)
            row->drop = names[all ? DROP_STOPPED : DROP_ENCODER]; /* no packet came of it */
        if (arm->experiment->rows)
            rows_put(arm->experiment->rows, row);
        arm->first = (arm->first + 1) % OPEN_ROWS;
        arm->count--;
    }
}

static struct row *add(struct arm *arm, const struct oriel_stamp *stamp)
{
    flush(arm, false, 0);
    if (arm->count == OPEN_ROWS)
        flush(arm, true, OPEN_ROWS - 1);
    struct row *row = at(arm, arm->count++);
    *row = (struct row){.id = arm->next_id++, .stamp = *stamp};
    memcpy(row->arm, arm->spec->label, sizeof row->arm);
    return row;
}

static void count_drop(struct arm *arm, enum arm_drop drop)
{
    const struct experiment_guard *guard = &arm->experiment->spec.guard;
    bool its_own = drop == DROP_NEWER || drop == DROP_ENCODER;
    arm->drops++;
    metric_add(arm->metrics.drops[drop], 1);
    if (its_own && !*arm->tripped)
        arm_watch_dropped(&arm->watch, guard, arm->tripped, sizeof arm->tripped);
}

static void drop_frame(struct arm *arm, const struct oriel_stamp *stamp, enum arm_drop drop)
{
    add(arm, stamp)->drop = names[drop];
    count_drop(arm, drop);
}

static struct row *find(struct arm *arm, const struct oriel_stamp *stamp)
{
    for (uint32_t i = arm->count; i-- > 0;) {
        struct row *row = at(arm, i);
        if (row->stamp.seq == stamp->seq && row->stamp.pts_ns == stamp->pts_ns)
            return row;
    }
    return NULL;
}

static struct row *find_id(struct arm *arm, uint64_t id)
{
    for (uint32_t i = arm->count; i-- > 0;) {
        if (at(arm, i)->id == id)
            return at(arm, i);
    }
    return NULL;
}

/* --- what happens to a frame --- */

void book_frame(struct arm *arm, const struct oriel_stamp *stamp)
{
    if (begin(arm)) {
        uint64_t missing =
            arm->seen_seq && stamp->seq > arm->seen_seq + 1 ? stamp->seq - arm->seen_seq - 1 : 0;
        for (uint64_t i = 0; missing <= MOST_MISSING && i < missing; i++)
            drop_frame(arm, &(struct oriel_stamp){.seq = arm->seen_seq + 1 + i}, DROP_CAPTURE);
        arm->seen_seq = stamp->seq;
    }
    end(arm);
}

void book_drop(struct arm *arm, const struct oriel_stamp *stamp, enum arm_drop drop)
{
    if (begin(arm))
        drop_frame(arm, stamp, drop);
    end(arm);
}

void book_submit(struct arm *arm, const struct oriel_stamp *stamp)
{
    if (begin(arm)) {
        arm->repeat = stamp->flags & ORIEL_FRAME_REPEAT ? arm->repeat + 1 : 0;
        struct row *row = add(arm, stamp);
        row->repeat = arm->repeat;
        row->t_submit_ns = clock_ns();
    }
    end(arm);
}

void book_lost(struct arm *arm)
{
    if (begin_update(arm)) {
        for (uint32_t i = arm->count; i-- > 0;) {
            struct row *row = at(arm, i);
            if (!row->t_submit_ns)
                continue;
            if (!row->t_done_ns && !row->drop) {
                row->drop = names[DROP_ENCODER];
                count_drop(arm, DROP_ENCODER);
            }
            break;
        }
    }
    end(arm);
}

uint64_t book_row(struct arm *arm, const struct oriel_stamp *stamp)
{
    uint64_t id = 0;
    if (begin_update(arm)) {
        const struct row *row = find(arm, stamp);
        id = row ? row->id : 0;
    }
    end(arm);
    return id;
}

static double ms(int64_t from, int64_t to)
{
    return from > 0 && to >= from ? (double)(to - from) * 1e-6 : -1;
}

/* Times of an arm that runs beside another one, as far as cores are left, say nothing. */
static void measure(struct arm *arm, const struct row *row)
{
    const struct oriel_stamp *stamp = &row->stamp;
    if (arm->shadow || row->repeat)
        return;
    metric_observe_ms(arm->metrics.wait, ms(stamp->t_captured_ns, row->t_submit_ns));
    metric_observe_ms(arm->metrics.encode, ms(row->t_submit_ns, row->t_done_ns));
    metric_observe_ms(
        arm->metrics.total,
        ms(stamp->t_input_ns > 0 ? stamp->t_input_ns : stamp->t_begin_ns, row->t_done_ns));
}

void book_packet(struct arm *arm, const struct oriel_packet *packet, uint32_t clients)
{
    const struct experiment_guard *guard = &arm->experiment->spec.guard;
    struct row *row = begin_update(arm) ? find(arm, &packet->stamp) : NULL;
    if (row && !row->drop) {
        bool first = row->packets++ == 0;
        row->t_submit_ns = packet->t_submit_ns > 0 ? packet->t_submit_ns : row->t_submit_ns;
        row->t_done_ns = packet->t_done_ns > 0 ? packet->t_done_ns : clock_ns();
        row->t_sent_ns = clients ? clock_ns() : row->t_sent_ns;
        row->bytes += packet->bytes;
        row->key |= (packet->flags & ORIEL_PACKET_KEY) != 0;
        row->qp_q8 = packet->qp_q8;
        row->clients = clients > row->clients ? clients : row->clients;
        arm->frames += first;
        arm->bytes += packet->bytes;
        arm->keys += first && row->key;
        metric_add(arm->metrics.frames, first);
        metric_add(arm->metrics.bytes, (double)packet->bytes);
        metric_add(arm->metrics.keys, first && row->key);
        if (first)
            measure(arm, row);
        /* A repeat rests before it is encoded, a shadow waits for the arm that is seen. */
        int64_t from = arm->shadow ? row->t_submit_ns : row->stamp.t_captured_ns;
        if (first && !row->repeat && !*arm->tripped)
            arm_watch_encoded(&arm->watch, guard, ms(from, row->t_done_ns), arm->tripped,
                              sizeof arm->tripped);
    }
    end(arm);
}

static void report(struct row_times *times, struct metric *metric, double ms)
{
    metric_observe_ms(metric, ms);
    if (ms < 0)
        return;
    times->count++;
    times->sum += ms;
    times->most = ms > times->most ? ms : times->most;
}

void book_shown(struct arm *arm, uint64_t id, double decode_ms, double present_ms, double back_ms)
{
    struct row *row = begin_update(arm) ? find_id(arm, id) : NULL;
    if (row) {
        report(&row->decode, arm->metrics.decode, decode_ms);
        report(&row->present, arm->metrics.present, present_ms);
        report(&row->back, arm->metrics.back, back_ms);
    }
    end(arm);
}

bool book_error(struct arm *arm)
{
    const struct experiment_guard *guard = &arm->experiment->spec.guard;
    pthread_mutex_lock(&arm->experiment->book);
    metric_add(arm->metrics.errors, 1);
    bool enough = arm_watch_error(&arm->watch, guard, arm->tripped, sizeof arm->tripped);
    pthread_mutex_unlock(&arm->experiment->book);
    return enough;
}

bool book_flush(struct arm *arm, bool all)
{
    if (begin_update(arm))
        flush(arm, all, 0);
    bool more = arm->count;
    end(arm);
    return more;
}
