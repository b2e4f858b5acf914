/* SPDX-License-Identifier: BSD-3-Clause */
/* A fixture: another encoder's module under the id "encode/faulty", which goes wrong as the
 * environment says. ORIEL_FAULTY_MODULE is the file of the real one; ORIEL_FAULTY is one of these,
 * with N pictures that go well before (the test pictures of the host do not count):
 *   segv=N, abort=N   encode() ends the process by a signal,
 *   thread=N          the same by SIGSEGV, on a thread of the module's own,
 *   exit=N            … by exit(),
 *   loop=N            encode() does not come back and uses a core,
 *   leak=N            encode() takes memory and keeps it, until there is none,
 *   drip=N            the same, 16 MiB with each picture,
 *   hold=N            encode() never lets go of its pictures,
 *   invalid=N         encode() says that it was called wrongly, every second time,
 *   resize            nothing; it goes on with pictures of another size, but for those that are
 *                     narrower than 64,
 *   loop-resize       the same, but it never comes back from that,
 *   stuck-create, stuck-encode
 *                     neither comes back, test pictures or not, while the file of that name is
 *                     there that ORIEL_FAULTY_WHILE says,
 *   late              packets come 30 ms after their encode(), on a thread of its own,
 *   crash-init        init() ends the process, but not where the module is probed. */
#include <dlfcn.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "oriel/draft/encoder_resize.h"
#include "oriel/encoder.h"

static const struct oriel_encoder *real;
static struct oriel_encoder own;

/* Values of one instance, for longer than the host's are valid. */
struct kept {
    struct oriel_config config;
    struct {
        int64_t number;
        double real;
        char text[64];
    } values[32];
};

struct faulty {
    const struct oriel_host *host;
    const struct oriel_packet_sink *sink;
    struct kept kept;
    void *self;
    long count;
    atomic_int under_way; /* of `late` */
};

static bool wrong(const char *name, long count)
{
    const char *text = getenv("ORIEL_FAULTY");
    size_t length = strlen(name);
    if (!text || strncmp(text, name, length) != 0 || (text[length] && text[length] != '='))
        return false;
    return count >= (text[length] ? atol(text + length + 1) : 0);
}

static void wait_for_ever(const char *name)
{
    const char *path = getenv("ORIEL_FAULTY_WHILE");
    while (wrong(name, 0) && path && access(path, F_OK) == 0)
        pause();
}

static uint32_t find(const char *name)
{
    uint32_t i = 0;
    while (strcmp(real->options->options[i].name, name) != 0)
        i++;
    return i;
}

static int64_t kept_int(const struct oriel_config *config, const char *name)
{
    return ((const struct kept *)config->data)->values[find(name)].number;
}

static double kept_float(const struct oriel_config *config, const char *name)
{
    return ((const struct kept *)config->data)->values[find(name)].real;
}

static const char *kept_string(const struct oriel_config *config, const char *name)
{
    return ((const struct kept *)config->data)->values[find(name)].text;
}

static void keep(struct kept *kept, const struct oriel_config *config)
{
    kept->config = (struct oriel_config){.size = sizeof kept->config,
                                         .get_int = kept_int,
                                         .get_float = kept_float,
                                         .get_string = kept_string,
                                         .data = kept};
    for (uint32_t i = 0; real->options && i < real->options->count; i++) {
        const struct oriel_option *option = &real->options->options[i];
        if (option->type == ORIEL_OPT_STRING || option->type == ORIEL_OPT_ENUM)
            snprintf(kept->values[i].text, sizeof kept->values[i].text, "%s",
                     config->get_string(config, option->name));
        else if (option->type == ORIEL_OPT_FLOAT)
            kept->values[i].real = config->get_float(config, option->name);
        else
            kept->values[i].number = config->get_int(config, option->name);
    }
}

static oriel_result create(const struct oriel_host *host, const struct oriel_config *config,
                           const struct oriel_format *format, double fps,
                           const struct oriel_packet_sink *sink, void **self)
{
    wait_for_ever("stuck-create");
    struct faulty *faulty = calloc(1, sizeof *faulty);
    if (!faulty)
        return host->fail(host, ORIEL_NOMEM, "out of memory");
    faulty->host = host;
    faulty->sink = sink;
    keep(&faulty->kept, config);
    oriel_result result = real->create(host, config, format, fps, sink, &faulty->self);
    if (result != ORIEL_OK)
        free(faulty);
    else
        *self = faulty;
    return result;
}

static void destroy(void *self)
{
    struct faulty *faulty = self;
    if (!faulty)
        return;
    real->destroy(faulty->self);
    free(faulty);
}

static volatile int *volatile nowhere;
static volatile unsigned spun;

static oriel_result resize(void *self, const struct oriel_format *format, double fps)
{
    struct faulty *faulty = self;
    void *other;
    while (wrong("loop-resize", 0))
        spun++;
    if (format->width < 64)
        return faulty->host->fail(faulty->host, ORIEL_UNSUPPORTED, "narrower than 64");
    oriel_result result =
        real->create(faulty->host, &faulty->kept.config, format, fps, faulty->sink, &other);
    if (result != ORIEL_OK)
        return result;
    real->destroy(faulty->self);
    faulty->self = other;
    return ORIEL_OK;
}

static const void *get_interface(void *self, const char *id)
{
    static const struct oriel_encoder_resize draft = {.size = sizeof draft, .resize = resize};
    (void)self;
    bool has = wrong("resize", 0) || wrong("loop-resize", 0);
    return has && strcmp(id, ORIEL_ENCODER_RESIZE_V1) == 0 ? &draft : NULL;
}

static void *fault(void *data)
{
    *nowhere = 1;
    return data;
}

struct later {
    struct faulty *faulty;
    const struct oriel_frame *frame;
    uint32_t flags;
};

static void *encode_later(void *data)
{
    struct later *later = data;
    usleep(30000);
    real->encode(later->faulty->self, later->frame, later->flags);
    later->faulty->host->frame_unref(later->faulty->host, later->frame, NULL);
    atomic_fetch_sub(&later->faulty->under_way, 1);
    free(later);
    return NULL;
}

static void run_later(struct faulty *faulty, const struct oriel_frame *frame, uint32_t flags)
{
    pthread_t thread;
    struct later *later = malloc(sizeof *later);
    *later = (struct later){faulty, frame, flags};
    faulty->host->frame_ref(faulty->host, frame);
    atomic_fetch_add(&faulty->under_way, 1);
    pthread_create(&thread, NULL, encode_later, later);
    pthread_detach(thread);
}

static oriel_result encode(void *self, const struct oriel_frame *frame, uint32_t flags)
{
    struct faulty *faulty = self;
    long count = frame->stamp.seq ? faulty->count++ : -1;
    pthread_t thread;
    wait_for_ever("stuck-encode");
    if (count < 0)
        return real->encode(faulty->self, frame, flags);
    if (wrong("segv", count))
        fault(NULL);
    if (wrong("abort", count))
        abort();
    if (wrong("exit", count))
        exit(3);
    if (wrong("thread", count) && pthread_create(&thread, NULL, fault, NULL) == 0)
        pthread_join(thread, NULL);
    while (wrong("loop", count))
        spun++;
    bool all = wrong("leak", count);
    for (int i = 0; all || (i < 16 && wrong("drip", count)); i++) {
        void *block = malloc(1 << 20);
        if (!block)
            return faulty->host->fail(faulty->host, ORIEL_NOMEM, "out of memory");
        memset(block, 1, 1 << 20);
    }
    if (wrong("hold", count))
        faulty->host->frame_ref(faulty->host, frame);
    if (wrong("invalid", count) && count % 2)
        return faulty->host->fail(faulty->host, ORIEL_INVALID, "a picture that nobody promised");
    if (wrong("late", count)) {
        run_later(faulty, frame, flags);
        return ORIEL_OK;
    }
    return real->encode(faulty->self, frame, flags);
}

static oriel_result drain(void *self)
{
    struct faulty *faulty = self;
    while (atomic_load(&faulty->under_way))
        usleep(1000);
    return real->drain(faulty->self);
}

static void request_key(void *self)
{
    real->request_key(((struct faulty *)self)->self);
}

static oriel_result reconfigure(void *self, const struct oriel_config *config)
{
    return real->reconfigure(((struct faulty *)self)->self, config);
}

/* A child of the host that only looks at the file. */
static bool is_probed(void)
{
    char line[4096] = "";
    FILE *file = fopen("/proc/self/cmdline", "re");
    size_t n = file ? fread(line, 1, sizeof line - 1, file) : 0;
    if (file)
        fclose(file);
    return n > 0 && memmem(line, n, "--probe-module", 14);
}

static oriel_result init(const struct oriel_host *host)
{
    (void)host;
    if (wrong("crash-init", 0) && !is_probed())
        fault(NULL);
    return ORIEL_OK;
}

static const void *factory(const char *id)
{
    if (strcmp(id, ORIEL_ENCODER_V1) != 0)
        return NULL;
    const char *path = getenv("ORIEL_FAULTY_MODULE");
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
    sizeof info, 0, "encode/faulty", "1.0.0", "Oriel", "BSD-3-Clause", "A fixture of the tests"};
ORIEL_MODULE(&info, init, NULL, factory);
