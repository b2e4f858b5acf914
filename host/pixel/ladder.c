/* SPDX-License-Identifier: BSD-3-Clause */
#include "pixel/ladder.h"

#include <string.h>

#define GAIN 0.7    /* of the time of an earlier one a later one may take, to be taken instead */
#define LOYALTY 0.8 /* the time of the encoder in use counts as so much of itself */

enum ladder_prefer ladder_prefer_named(const char *name)
{
    return strcmp(name, "latency") == 0 ? LADDER_LATENCY
           : strcmp(name, "order") == 0 ? LADDER_ORDER
                                        : LADDER_BANDWIDTH;
}

struct question {
    int ask;
    bool time;
};

/* Its time as it counts. */
static double counted(const struct ladder_rung *rung, bool current)
{
    double ms = rung->ms < 0 ? 0 : rung->ms;
    return current ? LOYALTY * ms : ms;
}

static int by_order(const struct ladder_rung *rungs, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        if (!rungs[i].out)
            return (int)i;
    }
    return -1;
}

/* The quickest; `video`: of those alone. All of them are timed. */
static int quickest(const struct ladder_rung *rungs, uint32_t count, bool video, int current)
{
    int best = -1;
    for (uint32_t i = 0; i < count; i++) {
        if (rungs[i].out || !rungs[i].timed || (video && !rungs[i].video))
            continue;
        if (best < 0 ||
            counted(&rungs[i], (int)i == current) < counted(&rungs[best], best == current))
            best = (int)i;
    }
    return best;
}

static int by_latency(const struct ladder_rung *rungs, uint32_t count, int current,
                      struct question *question)
{
    for (uint32_t i = 0; i < count; i++) {
        if (!rungs[i].out && !rungs[i].timed) {
            *question = (struct question){(int)i, true};
            return -1;
        }
    }
    return quickest(rungs, count, false, current);
}

/* Rung `i` would do: it, or a later one with the same codec that is clearly quicker. */
static int brisk(const struct ladder_rung *rungs, uint32_t count, int i, double interval_ms,
                 int current, struct question *question)
{
    int best = i;
    double ms = counted(&rungs[i], i == current);
    for (uint32_t k = (uint32_t)i + 1; k < count && ms > LADDER_BRISK * interval_ms; k++) {
        if (rungs[k].out || (rungs[k].known && rungs[k].codec != rungs[i].codec))
            continue;
        if (!rungs[k].known || !rungs[k].timed) {
            *question = (struct question){(int)k, rungs[k].known};
            return -1;
        }
        double other = counted(&rungs[k], (int)k == current);
        if (other <= GAIN * ms) {
            best = (int)k;
            ms = other;
        }
    }
    return best;
}

static int by_bandwidth(const struct ladder_rung *rungs, uint32_t count, double interval_ms,
                        int current, struct question *question)
{
    bool keeps_up = false; /* a video encoder that came before does, if only just */
    for (uint32_t i = 0; i < count; i++) {
        const struct ladder_rung *rung = &rungs[i];
        if (rung->out)
            continue;
        bool skip = rung->known && !rung->video && keeps_up;
        if (skip)
            continue;
        if (!rung->known || !rung->timed) {
            *question = (struct question){(int)i, rung->known || !keeps_up};
            return -1;
        }
        double ms = counted(rung, (int)i == current);
        if (ms <= LADDER_SHARE * interval_ms)
            return brisk(rungs, count, (int)i, interval_ms, current, question);
        keeps_up |= rung->video && ms <= interval_ms;
    }
    int best = quickest(rungs, count, true, current);
    return best >= 0 ? best : quickest(rungs, count, false, current);
}

int ladder_choose(const struct ladder_rung *rungs, uint32_t count, enum ladder_prefer prefer,
                  double interval_ms, int current, int *ask, bool *time)
{
    struct question question = {-1, false};
    int chosen = prefer == LADDER_ORDER ? by_order(rungs, count)
                 : prefer == LADDER_LATENCY
                     ? by_latency(rungs, count, current, &question)
                     : by_bandwidth(rungs, count, interval_ms, current, &question);
    *ask = question.ask;
    *time = question.time;
    return chosen;
}
