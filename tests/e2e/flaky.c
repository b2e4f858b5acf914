/* SPDX-License-Identifier: BSD-3-Clause */
/* A fixture: another encoder's module under the id "encode/flaky", which does what the environment
 * says. ORIEL_FLAKY_MODULE is the file of the real one; ORIEL_FLAKY is one of
 *   crash      create() ends the process by a signal,
 *   hang       create() does not come back,
 *   fail=N     encode() of each instance fails for good once it has written N pictures,
 *   limit=N    there are at most N instances at a time. */
#include <dlfcn.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "oriel/encoder.h"

static const struct oriel_encoder *real;
static struct oriel_encoder own;
static atomic_int live;

struct flaky {
    const struct oriel_host *host;
    void *self;
    long left; /* pictures until it fails; negative: it does not */
};

static long behaviour(const char *name)
{
    const char *text = getenv("ORIEL_FLAKY");
    size_t length = strlen(name);
    if (!text || strncmp(text, name, length) != 0)
        return -1;
    return text[length] == '=' ? atol(text + length + 1) : 0;
}

static oriel_result create(const struct oriel_host *host, const struct oriel_config *config,
                           const struct oriel_format *format, double fps,
                           const struct oriel_packet_sink *sink, void **self)
{
    if (behaviour("crash") >= 0)
        abort();
    while (behaviour("hang") >= 0)
        pause();
    long limit = behaviour("limit");
    if (atomic_fetch_add(&live, 1) >= limit && limit >= 0) {
        atomic_fetch_sub(&live, 1);
        return host->fail(host, ORIEL_NOMEM, "no session is left");
    }
    struct flaky *flaky = calloc(1, sizeof *flaky);
    oriel_result result = flaky ? real->create(host, config, format, fps, sink, &flaky->self)
                                : host->fail(host, ORIEL_NOMEM, "out of memory");
    if (result != ORIEL_OK) {
        atomic_fetch_sub(&live, 1);
        free(flaky);
        return result;
    }
    flaky->host = host;
    flaky->left = behaviour("fail");
    *self = flaky;
    return ORIEL_OK;
}

static void destroy(void *self)
{
    struct flaky *flaky = self;
    if (!flaky)
        return;
    real->destroy(flaky->self);
    atomic_fetch_sub(&live, 1);
    free(flaky);
}

static const void *get_interface(void *self, const char *id)
{
    (void)self;
    (void)id;
    return NULL;
}

static oriel_result encode(void *self, const struct oriel_frame *frame, uint32_t flags)
{
    struct flaky *flaky = self;
    if (flaky->left == 0)
        return flaky->host->fail(flaky->host, ORIEL_DEVICE_LOST, "the device is lost");
    if (frame->stamp.seq) /* test pictures have none */
        flaky->left--;
    return real->encode(flaky->self, frame, flags);
}

static oriel_result drain(void *self)
{
    return real->drain(((struct flaky *)self)->self);
}

static void request_key(void *self)
{
    real->request_key(((struct flaky *)self)->self);
}

static oriel_result reconfigure(void *self, const struct oriel_config *config)
{
    return real->reconfigure(((struct flaky *)self)->self, config);
}

static const void *factory(const char *id)
{
    if (strcmp(id, ORIEL_ENCODER_V1) != 0)
        return NULL;
    const char *path = getenv("ORIEL_FLAKY_MODULE");
    void *file = path ? dlopen(path, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE) : NULL;
    const struct oriel_entry *entry = file ? dlsym(file, ORIEL_ENTRY_SYMBOL) : NULL;
    real = entry ? entry->get_factory(ORIEL_ENCODER_V1) : NULL;
    if (!real)
        return NULL;
    own = (struct oriel_encoder){.size = sizeof own,
                                 .options = real->options,
                                 .input_format = real->input_format,
                                 .codec = real->codec,
                                 .create = create,
                                 .destroy = destroy,
                                 .get_interface = get_interface,
                                 .encode = encode,
                                 .drain = drain,
                                 .request_key = request_key,
                                 .reconfigure = reconfigure};
    return &own;
}

static const struct oriel_module_info info = {
    sizeof info, 0, "encode/flaky", "1.0.0", "Oriel", "BSD-3-Clause", "A fixture of the tests"};
ORIEL_MODULE(&info, NULL, NULL, factory);
