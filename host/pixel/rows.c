/* SPDX-License-Identifier: BSD-3-Clause */
#include "pixel/rows.h"

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "util/check.h"
#include "util/log.h"
#include "util/thread.h"

#define QUEUE 4096u

struct rows {
    /* Constant. */
    char *path;
    const char *name; /* of the experiment */
    int64_t run_ms;
    bool csv;
    pthread_t thread;

    /* The thread's. */
    FILE *out;
    bool failed; /* said so */

    pthread_mutex_t lock;
    pthread_cond_t wake;
    bool stop;
    uint32_t first, count;
    uint64_t written, lost;
    struct row queue[QUEUE];
};

/* --- one row --- */

static const char head[] =
    "experiment,run,arm,seq,repeat,revision,t_input,drawn,captured,submit,done,sent,bytes,key,qp,"
    "drop,clients,reports,decode_ms,decode_max_ms,present_ms,present_max_ms,back_ms,back_max_ms\n";

/* In CSV nothing stands for what is not known, in JSON null. */
struct line {
    FILE *out;
    bool csv, begun;
};

static void name(struct line *line, const char *key)
{
    if (line->csv)
        fputs(line->begun ? "," : "", line->out);
    else
        fprintf(line->out, "%s\"%s\":", line->begun ? "," : "{", key);
    line->begun = true;
}

static void text(struct line *line, const char *key, const char *value)
{
    name(line, key);
    if (value)
        fprintf(line->out, line->csv ? "%s" : "\"%s\"", value);
    else if (!line->csv)
        fputs("null", line->out);
}

static void number(struct line *line, const char *key, bool known, int64_t value)
{
    name(line, key);
    if (known)
        fprintf(line->out, "%" PRId64, value);
    else if (!line->csv)
        fputs("null", line->out);
}

static void decimal(struct line *line, const char *key, bool known, double value)
{
    name(line, key);
    if (known)
        fprintf(line->out, "%.3f", value);
    else if (!line->csv)
        fputs("null", line->out);
}

static void times(struct line *line, const char *mean, const char *most,
                  const struct row_times *times)
{
    decimal(line, mean, times->count, times->sum / (times->count ? times->count : 1));
    decimal(line, most, times->count, times->most);
}

static void write_row(struct rows *rows, const struct row *row)
{
    const struct oriel_stamp *stamp = &row->stamp;
    bool encoded = !row->drop;
    struct line line = {.out = rows->out, .csv = rows->csv};
    text(&line, "experiment", rows->name);
    number(&line, "run", true, rows->run_ms);
    text(&line, "arm", row->arm);
    number(&line, "seq", true, (int64_t)stamp->seq);
    number(&line, "repeat", true, row->repeat);
    number(&line, "revision", stamp->revision, (int64_t)stamp->revision);
    number(&line, "t_input", stamp->t_input_ns > 0, stamp->t_input_ns);
    number(&line, "drawn", stamp->t_drawn_ns > 0, stamp->t_drawn_ns);
    number(&line, "captured", stamp->t_captured_ns > 0, stamp->t_captured_ns);
    number(&line, "submit", row->t_submit_ns > 0, row->t_submit_ns);
    number(&line, "done", row->t_done_ns > 0, row->t_done_ns);
    number(&line, "sent", row->t_sent_ns > 0, row->t_sent_ns);
    number(&line, "bytes", encoded, (int64_t)row->bytes);
    name(&line, "key");
    if (encoded || !line.csv)
        fputs(!encoded ? "null" : row->key ? "true" : "false", rows->out);
    decimal(&line, "qp", encoded && row->qp_q8, row->qp_q8 / 256.0);
    text(&line, "drop", row->drop);
    number(&line, "clients", true, row->clients);
    number(&line, "reports", true, row->back.count);
    times(&line, "decode_ms", "decode_max_ms", &row->decode);
    times(&line, "present_ms", "present_max_ms", &row->present);
    times(&line, "back_ms", "back_max_ms", &row->back);
    fputs(rows->csv ? "\n" : "}\n", rows->out);
}

/* --- the thread --- */

static void check_file(struct rows *rows, bool flushed)
{
    if (rows->failed || (flushed && !ferror(rows->out)))
        return;
    rows->failed = true;
    log_error(LOG_PIXEL, "experiment %s: %s: %s; rows are lost", rows->name, rows->path,
              strerror(errno));
}

/* Under the lock at the beginning and at the end; the queue's first cannot change meanwhile. */
static void write_waiting(struct rows *rows)
{
    uint32_t first = rows->first, count = rows->count;
    pthread_mutex_unlock(&rows->lock);
    for (uint32_t i = 0; i < count; i++)
        write_row(rows, &rows->queue[(first + i) % QUEUE]);
    check_file(rows, fflush(rows->out) == 0);
    pthread_mutex_lock(&rows->lock);
    rows->first = (first + count) % QUEUE;
    rows->count -= count;
    *(rows->failed ? &rows->lost : &rows->written) += count;
}

static void *run(void *data)
{
    struct rows *rows = data;
    pthread_mutex_lock(&rows->lock);
    while (!rows->stop || rows->count) {
        if (rows->count)
            write_waiting(rows);
        else
            cond_wait_until(&rows->wake, &rows->lock, INT64_MAX);
    }
    pthread_mutex_unlock(&rows->lock);
    return NULL;
}

struct rows *rows_open(const struct experiment_spec *spec, int64_t run_ms, struct error *err)
{
    FILE *out = fopen(spec->rows, "ae");
    if (!out) {
        error_set(err, "%s: %s", spec->rows, strerror(errno));
        return NULL;
    }
    size_t length = strlen(spec->rows);
    struct rows *rows = xcalloc(1, sizeof *rows);
    rows->path = xstrdup(spec->rows);
    rows->name = spec->name;
    rows->run_ms = run_ms;
    rows->csv = strcmp(spec->rows + length - 4, ".csv") == 0;
    rows->out = out;
    pthread_mutex_init(&rows->lock, NULL);
    cond_init(&rows->wake);
    fseek(out, 0, SEEK_END);
    if (rows->csv && ftell(out) == 0)
        fputs(head, out);
    if (thread_start(&rows->thread, "rows", run, rows))
        return rows;
    error_set(err, "no thread for %s", spec->rows);
    rows->thread = 0;
    uint64_t none;
    rows_close(rows, &none, &none);
    return NULL;
}

void rows_put(struct rows *rows, const struct row *row)
{
    pthread_mutex_lock(&rows->lock);
    if (rows->count < QUEUE) {
        rows->queue[(rows->first + rows->count++) % QUEUE] = *row;
        pthread_cond_signal(&rows->wake);
    } else {
        rows->lost++;
    }
    pthread_mutex_unlock(&rows->lock);
}

void rows_count(struct rows *rows, uint64_t *written, uint64_t *lost)
{
    pthread_mutex_lock(&rows->lock);
    *written = rows->written;
    *lost = rows->lost;
    pthread_mutex_unlock(&rows->lock);
}

void rows_close(struct rows *rows, uint64_t *written, uint64_t *lost)
{
    if (!rows)
        return;
    pthread_mutex_lock(&rows->lock);
    rows->stop = true;
    pthread_cond_signal(&rows->wake);
    pthread_mutex_unlock(&rows->lock);
    if (rows->thread)
        pthread_join(rows->thread, NULL);
    if (fclose(rows->out) != 0 && !rows->failed)
        log_error(LOG_PIXEL, "experiment %s: %s: %s", rows->name, rows->path, strerror(errno));
    if (rows->lost)
        log_warn(LOG_PIXEL, "experiment %s: %" PRIu64 " rows were lost", rows->name, rows->lost);
    *written = rows->written;
    *lost = rows->lost;
    pthread_cond_destroy(&rows->wake);
    pthread_mutex_destroy(&rows->lock);
    free(rows->path);
    free(rows);
}
