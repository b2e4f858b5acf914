/* SPDX-License-Identifier: BSD-3-Clause */
#include "ab/output.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ab/stats.h"
#include "util/check.h"
#include "util/file.h"

bool output_file(const char *folder, const char *name, char *text, size_t bytes, struct error *err)
{
    char *path = xasprintf("%s/%s", folder, name);
    bool good =
        file_replace(path, 0666, text, bytes) || error_set(err, "%s: %s", path, strerror(errno));
    free(path);
    free(text);
    return good;
}

/* A field of CSV (RFC 4180). */
static void put_text(FILE *out, const char *text)
{
    bool plain = !strpbrk(text, ",\"\r\n");
    if (plain) {
        fputs(text, out);
        return;
    }
    putc('"', out);
    for (; *text; text++)
        fprintf(out, *text == '"' ? "\"\"" : "%c", *text);
    putc('"', out);
}

/* Nothing for what is not known. */
static void put_number(FILE *out, double value, int digits)
{
    putc(',', out);
    if (isinf(value))
        fputs("inf", out);
    else if (!isnan(value))
        fprintf(out, "%.*f", digits, value);
}

static void put_cell(FILE *out, const struct results *results, const struct cell *cell)
{
    put_text(out, results->plan->recordings[cell->recording_index]);
    putc(',', out);
    put_text(out, cell->arm->label);
    putc(',', out);
    put_text(out, cell->arm->module);
    putc(',', out);
    put_text(out, cell->arm->rate_option);
    fprintf(out, ",%.15g", cell->rate);
}

bool output_csv(const struct results *results, const char *folder, struct error *err)
{
    char *text = NULL;
    size_t bytes = 0;
    FILE *out = open_memstream(&text, &bytes);
    CHECK(out);
    fputs("recording,arm,module,rate_option,rate,codec,frames,left_out,keys,bytes,kbps,key_bytes,"
          "delta_bytes,psnr_y,psnr_u,psnr_v,psnr,ssim_y,ssim_u,ssim_v,ssim,vmaf,repeatable,"
          "latency_p50_ms,latency_p95_ms,latency_p99_ms,cpu_ms,gpu_joules,error\r\n",
          out);
    for (size_t i = 0; i < results->cell_count; i++) {
        const struct cell *cell = &results->cells[i];
        put_cell(out, results, cell);
        fprintf(out, ",%s,%u,%u,%u,%llu", cell->codec, cell->row_count, cell->left_out, cell->keys,
                (unsigned long long)cell->bytes);
        put_number(out, cell->error[0] ? NAN : cell->kbps, 3);
        put_number(out, cell->key_bytes, 1);
        put_number(out, cell->delta_bytes, 1);
        for (int p = 0; p < PLANES; p++)
            put_number(out, cell->error[0] ? NAN : cell->psnr[p], 4);
        for (int p = 0; p < PLANES; p++)
            put_number(out, cell->error[0] ? NAN : cell->ssim[p], 6);
        put_number(out, cell->vmaf, 3);
        fprintf(out, ",%s", cell->error[0] ? "" : cell->repeatable ? "yes" : "no");
        size_t count;
        double *latency = cell_latencies(results, cell, false, &count);
        put_number(out, percentile(latency, count, 0.5), 3);
        put_number(out, percentile(latency, count, 0.95), 3);
        put_number(out, percentile(latency, count, 0.99), 3);
        free(latency);
        put_number(out, cell->error[0] ? NAN : mean_of(cell->cpu_ms, results->plan->repeats), 3);
        put_number(out, cell->gpu.known ? cell->gpu.joules : NAN, 3);
        putc(',', out);
        put_text(out, cell->error);
        fputs("\r\n", out);
    }
    fclose(out);
    return output_file(folder, "results.csv", text, bytes, err);
}

static void csv_row(FILE *out, const struct results *results, const struct cell *cell, uint32_t i)
{
    const struct row *row = &cell->rows[i];
    put_cell(out, results, cell);
    fprintf(out, ",%u,%d,%d,%llu,%.2f", i, row->there, row->key, (unsigned long long)row->bytes,
            row->qp_q8 / 256.0);
    for (int p = 0; p < PLANES; p++)
        put_number(out, row->shown ? row->psnr[p] : NAN, 4);
    for (int p = 0; p < PLANES; p++)
        put_number(out, row->shown ? row->ssim[p] : NAN, 6);
    put_number(out, row->vmaf, 3);
    put_number(out, cell_latency(results, cell, i), 4);
    put_number(out, row->there ? row->decode_ms : NAN, 4);
    fprintf(out, ",%s\r\n", row->hash);
}

/* JSON has no infinity: a lossless picture has null, and an error of 0. */
static void json_number(FILE *out, const char *key, double value)
{
    if (isfinite(value))
        fprintf(out, ",\"%s\":%.9g", key, value);
    else
        fprintf(out, ",\"%s\":null", key);
}

static void json_row(FILE *out, const struct results *results, const struct cell *cell, uint32_t i)
{
    static const char *const planes[PLANES] = {"_y", "_u", "_v", ""};
    const struct row *row = &cell->rows[i];
    char key[16];
    cJSON *name = cJSON_CreateString(results->plan->recordings[cell->recording_index]);
    cJSON *label = cJSON_CreateString(cell->arm->label);
    char *recording = cJSON_PrintUnformatted(name), *arm = cJSON_PrintUnformatted(label);
    fprintf(out,
            "{\"recording\":%s,\"arm\":%s,\"rate\":%.15g,\"frame\":%u,\"there\":%s,\"key\":%s,"
            "\"bytes\":%llu,\"qp\":%.9g,\"sha256\":\"%s\"",
            recording, arm, cell->rate, i, row->there ? "true" : "false",
            row->key ? "true" : "false", (unsigned long long)row->bytes, row->qp_q8 / 256.0,
            row->hash);
    for (int p = 0; p < PLANES; p++) {
        snprintf(key, sizeof key, "mse%s", planes[p]);
        json_number(out, key, row->shown ? row->mse[p] : NAN);
        snprintf(key, sizeof key, "psnr%s", planes[p]);
        json_number(out, key, row->shown ? row->psnr[p] : NAN);
        snprintf(key, sizeof key, "ssim%s", planes[p]);
        json_number(out, key, row->shown ? row->ssim[p] : NAN);
    }
    json_number(out, "vmaf", row->vmaf);
    json_number(out, "latency_ms", cell_latency(results, cell, i));
    json_number(out, "decode_ms", row->there ? row->decode_ms : NAN);
    fputs("}\n", out);
    cJSON_free(recording);
    cJSON_free(arm);
    cJSON_Delete(name);
    cJSON_Delete(label);
}

bool output_frames(const struct results *results, const char *folder, struct error *err)
{
    char *csv = NULL, *lines = NULL;
    size_t csv_bytes = 0, lines_bytes = 0;
    FILE *table = open_memstream(&csv, &csv_bytes), *json = open_memstream(&lines, &lines_bytes);
    CHECK(table && json);
    fputs("recording,arm,module,rate_option,rate,frame,there,key,bytes,qp,psnr_y,psnr_u,psnr_v,"
          "psnr,ssim_y,ssim_u,ssim_v,ssim,vmaf,latency_ms,decode_ms,sha256\r\n",
          table);
    for (size_t c = 0; c < results->cell_count; c++) {
        const struct cell *cell = &results->cells[c];
        for (uint32_t i = 0; !cell->error[0] && i < cell->row_count; i++) {
            csv_row(table, results, cell, i);
            json_row(json, results, cell, i);
        }
    }
    fclose(table);
    fclose(json);
    bool good = output_file(folder, "frames.csv", csv, csv_bytes, err);
    return output_file(folder, "frames.ndjson", lines, lines_bytes, err) && good;
}
