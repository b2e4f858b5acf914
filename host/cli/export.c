/* SPDX-License-Identifier: BSD-3-Clause */
/* oriel export: a region of one level as .npy. The values go through memory box by box, so that
 * what is exported may be larger than it; boxes follow the chunks, so that each chunk is read once.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/data.h"
#include "cli/options.h"
#include "cli/region.h"
#include "util/check.h"

enum { BOX_BYTES = 64 << 20 };

static const char usage[] =
    "usage: oriel export DATA [--level N] [--region \"0:1,:,10:20\"] -o OUT.npy\n\n"
    "Writes the values of one level in their own type, little-endian, in C order.\n"
    "  --level N            0 is the full resolution (default 0)\n"
    "  --region SLICES      numpy's notation; negative and open ends, an index drops its axis\n"
    "  -o OUT.npy           where to\n\n";

struct job {
    struct dataset *dataset;
    const struct oriel_source_level *level;
    uint32_t number; /* of the level */
    uint32_t ndim;
    uint32_t bytes; /* of one value */
    struct region region;
    uint64_t box[ORIEL_MAX_AXES];
    uint64_t box_bytes;
    int fd;
    uint64_t start; /* of the values in the file */
};

static bool write_at(int fd, const void *data, uint64_t bytes, uint64_t offset, struct error *err)
{
    const uint8_t *at = data;
    while (bytes) {
        ssize_t n = pwrite(fd, at, bytes, (off_t)offset);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return error_set(err, "%s", strerror(errno));
        at += n;
        offset += (uint64_t)n;
        bytes -= (uint64_t)n;
    }
    return true;
}

static bool write_header(struct job *job, struct error *err)
{
    static const char kinds[] = {
        [ORIEL_U8] = 'u',  [ORIEL_U16] = 'u', [ORIEL_U32] = 'u', [ORIEL_U64] = 'u',
        [ORIEL_I8] = 'i',  [ORIEL_I16] = 'i', [ORIEL_I32] = 'i', [ORIEL_I64] = 'i',
        [ORIEL_F16] = 'f', [ORIEL_F32] = 'f', [ORIEL_F64] = 'f', [ORIEL_BOOL] = 'b'};
    char text[512];
    uint32_t kept = 0;
    int n =
        snprintf(text, sizeof text, "{'descr': '%c%c%u', 'fortran_order': False, 'shape': (",
                 job->bytes == 1 ? '|' : '<', kinds[dataset_info(job->dataset)->dtype], job->bytes);
    for (uint32_t k = 0; k < job->ndim; k++)
        if (!job->region.dropped[k])
            n += snprintf(text + n, sizeof text - (size_t)n, "%s%" PRIu64, kept++ ? ", " : "",
                          job->region.shape[k]);
    n += snprintf(text + n, sizeof text - (size_t)n, "%s), }", kept == 1 ? "," : "");
    size_t length = ((size_t)n + 1 + 10 + 63) / 64 * 64 - 10; /* values start at a multiple of 64 */
    CHECK(length < sizeof text);
    memset(text + n, ' ', length - (size_t)n);
    text[length - 1] = '\n';
    uint8_t preamble[10] = {
        0x93, 'N', 'U', 'M', 'P', 'Y', 1, 0, (uint8_t)length, (uint8_t)(length >> 8)};
    job->start = sizeof preamble + length;
    return write_at(job->fd, preamble, sizeof preamble, 0, err) &&
           write_at(job->fd, text, length, sizeof preamble, err);
}

/* Whole chunks, grown along the inner axes first while they fit; chunks that are too large
 * themselves are cut along the outer axes. */
static bool choose_box(struct job *job, struct error *err)
{
    uint64_t total = job->bytes;
    job->box_bytes = job->bytes;
    for (uint32_t k = 0; k < job->ndim; k++) {
        uint64_t chunk = job->level->chunk[k], shape = job->region.shape[k];
        job->box[k] = chunk && chunk < shape ? chunk : shape;
        job->box_bytes *= job->box[k];
        if (__builtin_mul_overflow(total, shape, &total))
            return error_set(err, "the region has more than 2^64 bytes");
    }
    for (uint32_t k = 0; k < job->ndim && job->box_bytes > BOX_BYTES; k++) {
        uint64_t others = job->box_bytes / job->box[k];
        job->box[k] = others < BOX_BYTES ? BOX_BYTES / others : 1;
        job->box_bytes = others * job->box[k];
    }
    for (uint32_t k = job->ndim; k-- > 0 && job->box_bytes;) {
        uint64_t times = BOX_BYTES / job->box_bytes, chunk = job->box[k];
        if (times * chunk < job->region.shape[k] && times < 2)
            break;
        uint64_t length =
            chunk * times < job->region.shape[k] ? chunk * times : job->region.shape[k];
        job->box_bytes = job->box_bytes / chunk * length;
        job->box[k] = length;
        if (length < job->region.shape[k])
            break;
    }
    return true;
}

static void to_little_endian(uint8_t *data, uint64_t bytes, uint32_t size)
{
    if (__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ || size == 1)
        return;
    for (uint64_t i = 0; i < bytes; i += size)
        for (uint32_t k = 0; k < size / 2; k++) {
            uint8_t first = data[i + k];
            data[i + k] = data[i + size - 1 - k];
            data[i + size - 1 - k] = first;
        }
}

/* A dense box at `origin` (inside the region) to its places in the file. */
static bool write_box(const struct job *job, const uint64_t *origin, const uint64_t *shape,
                      const uint8_t *data, struct error *err)
{
    uint64_t stride[ORIEL_MAX_AXES] = {0}, step = job->bytes;
    uint64_t run = 1; /* values, then bytes, that follow each other in the file */
    uint32_t inner = job->ndim;
    for (uint32_t k = job->ndim; k-- > 0; step *= job->region.shape[k])
        stride[k] = step;
    while (inner > 0) {
        inner--;
        run *= shape[inner];
        if (shape[inner] != job->region.shape[inner])
            break;
    }
    run *= job->bytes;
    uint64_t offset = job->start, at[ORIEL_MAX_AXES] = {0};
    for (uint32_t k = 0; k < job->ndim; k++)
        offset += origin[k] * stride[k];
    for (;;) {
        if (!write_at(job->fd, data, run, offset, err))
            return false;
        data += run;
        uint32_t k = inner;
        while (k-- > 0) {
            offset += stride[k];
            if (++at[k] < shape[k])
                break;
            offset -= stride[k] * shape[k];
            at[k] = 0;
        }
        if (k == UINT32_MAX)
            return true;
    }
}

static bool copy_boxes(struct job *job, uint8_t *data, struct error *err)
{
    uint64_t at[ORIEL_MAX_AXES] = {0}; /* inside the region */
    for (;;) {
        struct oriel_read read = {.level = job->number, .out = data, .out_bytes = job->bytes};
        uint64_t next[ORIEL_MAX_AXES];
        for (uint32_t k = 0; k < job->ndim; k++) {
            /* Boxes end where chunks end, also when the region starts inside one. */
            uint64_t from = job->region.origin[k] + at[k];
            uint64_t end = (from / job->box[k] + 1) * job->box[k] - job->region.origin[k];
            next[k] = end < job->region.shape[k] ? end : job->region.shape[k];
            read.origin[k] = from;
            read.shape[k] = next[k] - at[k];
            read.out_bytes *= read.shape[k];
        }
        if (cli_interrupted())
            return error_set(err, "interrupted");
        if (dataset_read(job->dataset, &read, err) != ORIEL_OK)
            return false;
        to_little_endian(data, read.out_bytes, job->bytes);
        if (!write_box(job, at, read.shape, data, err))
            return false;
        uint32_t k = job->ndim;
        while (k-- > 0) {
            at[k] = next[k];
            if (at[k] < job->region.shape[k])
                break;
            at[k] = 0;
        }
        if (k == UINT32_MAX)
            return true;
    }
}

static bool write_values(struct job *job, struct error *err)
{
    if (!choose_box(job, err))
        return false;
    uint64_t total = job->bytes;
    for (uint32_t k = 0; k < job->ndim; k++)
        total *= job->region.shape[k];
    if (!total)
        return true;
    uint8_t *data = malloc(job->box_bytes);
    if (!data)
        return error_set(err, "out of memory for %" PRIu64 " bytes", job->box_bytes);
    bool ok = copy_boxes(job, data, err);
    free(data);
    return ok;
}

/* Into a file beside the target that takes its name when it is complete. */
static bool write_file(struct job *job, const char *target, struct error *err)
{
    struct stat st;
    if (stat(target, &st) == 0 && !S_ISREG(st.st_mode))
        return error_set(err, "%s: is no regular file", target);
    char *path = xasprintf("%s.XXXXXX", target);
    job->fd = mkostemp(path, O_CLOEXEC);
    if (job->fd < 0) {
        free(path);
        return error_set(err, "%s: %s", target, strerror(errno));
    }
    mode_t mask = umask(0);
    umask(mask);
    fchmod(job->fd, 0666 & ~mask);
    bool ok = write_header(job, err) && write_values(job, err);
    if (close(job->fd) != 0 && ok)
        ok = error_set(err, "%s: %s", target, strerror(errno));
    if (ok && rename(path, target) != 0)
        ok = error_set(err, "%s: %s", target, strerror(errno));
    if (!ok)
        unlink(path);
    free(path);
    return ok;
}

static int export_region(struct dataset *dataset, const char *level, const char *region,
                         const char *target)
{
    const struct oriel_source_info *info = dataset_info(dataset);
    struct error err = {""};
    char *end = NULL;
    unsigned long number = level ? strtoul(level, &end, 10) : 0;
    if (level && (*level == '-' || end == level || *end))
        return cli_fail(CLI_USAGE, "export: --level %s: wants a number", level);
    if (!info->level_count)
        return cli_fail(CLI_FAILED, "%s: holds %u images: name one, as %s/%s", dataset_uri(dataset),
                        info->image_count, dataset_uri(dataset),
                        info->image_count ? info->images[0] : "…");
    if (number >= info->level_count)
        return cli_fail(CLI_FAILED, "%s: has levels 0 to %u, not %s", dataset_uri(dataset),
                        info->level_count - 1, level);
    struct job job = {.dataset = dataset,
                      .level = &info->levels[number],
                      .number = (uint32_t)number,
                      .ndim = info->ndim,
                      .bytes = dtype_bytes(info->dtype)};
    if (!region_parse(region, job.level->shape, job.ndim, &job.region, &err))
        return cli_fail(CLI_USAGE, "export: %s", err.text);
    cli_watch_interrupt();
    if (!write_file(&job, target, &err))
        return cli_fail(CLI_FAILED, "%s", err.text);
    return CLI_DONE;
}

int cli_export(int argc, char **argv)
{
    const char *level = NULL, *region = NULL, *target = NULL;
    const struct cli_flag flags[] = {{.name = "level", .text = &level},
                                     {.name = "region", .text = &region},
                                     {.name = "o", .text = &target},
                                     {0}};
    struct cli_options options;
    struct cli_data data;
    int status = cli_options_parse(&options, argc, argv, usage, flags);
    if (status != CLI_GO_ON)
        return status;
    bool asks = options.print_config || options.print_schema;
    if (options.argument_count != 1 && !asks)
        status = cli_fail(CLI_USAGE, "export: wants one DATA; `oriel export --help` tells more");
    else if (!target && !asks)
        status = cli_fail(CLI_USAGE, "export: wants -o OUT.npy");
    else
        status = cli_data_open(&data, &options, options.argument_count ? options.arguments[0] : "");
    if (status == CLI_GO_ON) {
        status = export_region(data.dataset, level, region, target);
        cli_data_close(&data);
    }
    cli_options_finish(&options);
    return status;
}
