/* SPDX-License-Identifier: BSD-3-Clause */
/* What the tests of the stand-ins share: the libraries, loaded as a client loads them, and one
 * session of the encoder with what a picture needs. */
#ifndef STANDIN_RIG_H
#define STANDIN_RIG_H

#include <ffnvcodec/dynlink_loader.h>

#include "standin.h"

extern struct standin cuda_standin, nvenc_standin;
extern CudaFunctions *cu;
extern NV_ENCODE_API_FUNCTION_LIST nv;
extern CUcontext context; /* primary, current on the test's thread */

/* A symbol that ffnvcodec's table has not. */
void cuda_symbol(const char *name, void *function);

/* CMocka group and test fixtures: load everything; forget faults; see that nothing is left. */
int rig_open(void **state);
int rig_close(void **state);
int rig_reset(void **state);

/* Exactly these faults were seen since the last look, and their texts contain `text`. */
void expect_faults(struct standin *standin, unsigned n, const char *text);

enum { WIDTH = 320, HEIGHT = 240, INPUTS = 3 };

struct client {
    void *session;
    NV_ENC_INITIALIZE_PARAMS init;
    NV_ENC_CONFIG config;
    NV_ENC_BUFFER_FORMAT format;
    CUdeviceptr memory[INPUTS];
    size_t pitch;
    NV_ENC_REGISTERED_PTR registered[INPUTS];
    NV_ENC_INPUT_PTR mapped[INPUTS];
    NV_ENC_OUTPUT_PTR bitstream[INPUTS];
    uint64_t sent;
};

NVENCSTATUS client_open(struct client *c);
/* Low latency, preset P1; change c->init and c->config afterwards. */
void client_configure(struct client *c, const GUID *codec);
/* Opens, configures for H.264, initializes, allocates, registers and maps. */
void client_create(struct client *c);
void client_buffers(struct client *c);
/* One input of client_buffers, known to the session or not. */
void client_register(struct client *c, unsigned slot);
void client_unregister(struct client *c, unsigned slot);
void client_destroy(struct client *c);
void client_paint(struct client *c, unsigned slot, unsigned t);
NV_ENC_PIC_PARAMS client_picture(const struct client *c, unsigned slot);
NVENCSTATUS client_send(struct client *c, unsigned slot, uint32_t flags);

struct packet {
    uint8_t data[1 << 20];
    uint32_t bytes, slices, offsets[64], qp;
    NV_ENC_PIC_TYPE type;
    uint64_t timestamp;
};
NVENCSTATUS client_fetch(struct client *c, unsigned slot, struct packet *packet);
/* Paints, sends and fetches one picture, which has to go well. */
void client_round(struct client *c, unsigned t, uint32_t flags, struct packet *packet);

/* NAL types of an H.264 (or HEVC) access unit, in order. */
unsigned nal_types(const struct packet *packet, bool hevc, unsigned *types, unsigned room);

#endif
