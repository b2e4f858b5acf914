/* SPDX-License-Identifier: BSD-3-Clause */
/* The inside of the stand-in for libcuda. One mutex guards everything below; `cuda_change` is told
 * of every completed operation. Functions named *_locked want the mutex held. */
#ifndef STANDIN_CUDA_H
#define STANDIN_CUDA_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "api.h"

enum { DEVICES = 8 };

struct context {
    struct context *next;
    int device;
    bool primary, live;
    unsigned retained; /* primary only */
    struct stream *null;
};

enum memory_kind { MEMORY_DEVICE, MEMORY_MANAGED, MEMORY_PINNED, MEMORY_GL };

/* A block that the client may name. `address` is what the client sees: for device memory a range of
 * pages that nobody can touch, so that a CPU that follows a device pointer stops at once. */
struct memory {
    struct memory *next;
    enum memory_kind kind;
    struct context *context;
    uint64_t address;
    size_t bytes, pitch; /* pitch 0: not allocated as rows */
    uint8_t *data;
    bool read_only; /* mapped from GL with READ_ONLY */
    unsigned holds; /* running operations on it */
};

struct CUarray_st {
    struct CUarray_st *next;
    struct context *context;
    size_t row_bytes, rows;
    size_t height; /* rows of a slice: a volume's slices lie one after the other */
    uint8_t *data;
    bool read_only, graphics;
    unsigned holds;
};

/* Until `stream` has completed `seq`. */
struct mark {
    struct stream *stream;
    uint64_t seq;
};

struct stream {
    struct stream *next;
    struct context *context;
    bool blocking; /* orders itself with the null stream */
    bool null, destroyed, running;
    uint64_t submitted, completed;
    struct op *head, **tail;
};

struct CUevent_st {
    struct CUevent_st *next;
    struct context *context;
    struct mark mark;
    unsigned flags;
    bool live;
    int64_t time_ns;
};

struct side {
    uint8_t *data;
    size_t pitch;
    unsigned *holds; /* of its block; NULL for memory CUDA does not know */
};

enum op_kind { OP_COPY, OP_FILL, OP_EVENT, OP_CALL, OP_CALL_OLD, OP_WAIT };

struct op {
    struct op *next;
    struct stream *stream;
    enum op_kind kind;
    uint64_t seq;
    struct mark *after; /* what it waits for */
    size_t after_count;
    struct side from, to;
    size_t width, height;
    uint8_t value;
    CUevent event;
    void (*call)(void *);
    CUstreamCallback *call_old;
    void *user;
};

extern pthread_mutex_t cuda_mutex;
extern pthread_cond_t cuda_change;

/* 0, or what every call returns now that the device is lost. */
CUresult cuda_lost(void);

struct context *context_current_locked(const char *call);
bool context_live_locked(const struct context *context);

struct memory *memory_find_locked(uint64_t address, size_t bytes);
/* Why that range is no good, for a fault's text. */
const char *memory_trouble_locked(uint64_t address, size_t bytes);
struct memory *memory_create_locked(struct context *context, enum memory_kind kind, size_t bytes);
void memory_destroy_locked(struct memory *memory);
void memory_forget_context_locked(struct context *context);

CUarray array_create_locked(struct context *context, size_t row_bytes, size_t rows);
bool array_live_locked(CUarray array);
void array_destroy_locked(CUarray array);

/* NULL with a fault when the handle is not a stream of the current context. */
struct stream *stream_find_locked(const char *call, CUstream handle);
bool stream_is_live_locked(const void *handle, const struct context *context);
struct stream *stream_create_locked(struct context *context, bool blocking);
/* Takes a copy of *op. */
struct mark stream_submit_locked(struct stream *stream, const struct op *op,
                                 const struct mark *after);
void mark_wait_locked(struct mark mark);
bool mark_done_locked(struct mark mark);
void context_wait_locked(struct context *context);
unsigned stream_destroy_all_locked(struct context *context);
unsigned event_destroy_all_locked(struct context *context);

/* Enters a call: counts it, injected failures, a lost device. */
#define CUDA_ENTER(call)                                                                           \
    do {                                                                                           \
        ENTER(call);                                                                               \
        CUresult lost_ = cuda_lost();                                                              \
        if (lost_)                                                                                 \
            return lost_;                                                                          \
    } while (0)

#endif
