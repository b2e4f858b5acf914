/* SPDX-License-Identifier: BSD-3-Clause */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "ab/compare.h"
#include "ab/html.h"
#include "ab/machine.h"
#include "ab/output.h"
#include "ab/picture.h"
#include "ab/report_parts.h"
#include "ab/stats.h"
#include "ab/svg.h"
#include "util/check.h"

static size_t middle(const struct results *results)
{
    return results->plan->arms[0].rate_count / 2;
}

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

/* --- at the top --- */

static void put_head(FILE *out, const struct results *results)
{
    const struct plan *plan = results->plan;
    char when[40];
    time_t now = time(NULL);
    struct tm utc;
    strftime(when, sizeof when, "%Y-%m-%d %H:%M UTC", gmtime_r(&now, &utc));
    fputs("<h1>", out);
    html_text(out, plan->title);
    fprintf(out, "</h1><p class=\"dim\">%s. %zu encoder settings at %zu rates on %zu recording%s; ",
            when, plan->arm_count, plan->arms[0].rate_count, plan->recording_count,
            plan->recording_count == 1 ? "" : "s");
    fprintf(out, "quality from one pass, times from %u other%s. The baseline is <b>", plan->repeats,
            plan->repeats == 1 ? "" : "s");
    html_text(out, plan->arms[plan->baseline].label);
    fputs("</b>.</p>\n", out);
}

static void put_bd(FILE *out, const struct compare_bd *bd)
{
    char text[32];
    snprintf(text, sizeof text, "%+.1f %%", bd->percent);
    if (bd->known) {
        fprintf(out, "<td class=\"%s\">", bd->percent < 0 ? "good" : "bad");
        html_prose(out, text);
        fputs("</td>", out);
    } else {
        fprintf(out, "<td><span title=\"%s\">–</span></td>", bd->why);
    }
}

static void put_short_row(FILE *out, const struct results *results, size_t recording, size_t arm)
{
    const struct cell *cell = results_cell(results, recording, arm, middle(results));
    struct compare_bd bds[COMPARE_BDS];
    compare_bd(results, recording, arm, bds);
    fprintf(out, "<tr><td><i class=\"c%zu\"></i>", arm % 8);
    html_text(out, cell->arm->label);
    fputs("</td>", out);
    if (cell->error[0]) {
        fputs("<td class=\"w\" colspan=\"9\">did not run: ", out);
        html_text(out, cell->error);
        fputs("</td></tr>\n", out);
        return;
    }
    if (arm == results->plan->baseline) {
        fputs("<td class=\"dim\">baseline</td><td class=\"dim\">baseline</td>", out);
    } else {
        put_bd(out, &bds[0]);
        put_bd(out, &bds[4]);
    }
    size_t count;
    double *latency = cell_latencies(results, cell, false, &count);
    fprintf(out, "<td>%.2f</td><td>", cell->kbps / 1000);
    html_number(out, cell->psnr[PLANE_Y], 2);
    fputs("</td><td>", out);
    html_number(out, percentile(latency, count, 0.5), 2);
    fputs("</td><td>", out);
    html_number(out, percentile(latency, count, 0.95), 2);
    fputs("</td><td>", out);
    html_number(out, mean_of(cell->cpu_ms, results->plan->repeats), 2);
    fputs("</td><td>", out);
    html_number(out, cell->key_bytes / 1000, 1);
    fputs("</td><td>", out);
    html_number(out, cell->delta_bytes / 1000, 1);
    fputs("</td></tr>\n", out);
    free(latency);
}

static void put_short(FILE *out, const struct results *results)
{
    fprintf(out,
            "<h2>In short</h2><p>BD-rate is how many more bits than the baseline an arm needs for "
            "the same quality, on average over the qualities both reach; less than zero is "
            "better. The other columns are at the middle rate, number %zu of each arm's %zu: what "
            "was reached there is in the column Mbit/s.</p>\n",
            middle(results) + 1, results->plan->arms[0].rate_count);
    for (size_t r = 0; r < results->plan->recording_count; r++) {
        fputs("<h3>", out);
        html_text(out, base_name(results->plan->recordings[r]));
        fputs("</h3><div class=\"scroll\"><table><thead><tr><th>arm</th><th>BD-rate<br>PSNR Y</th>"
              "<th>BD-rate<br>SSIM Y</th><th>Mbit/s</th><th>PSNR Y<br>dB</th>"
              "<th>latency<br>median ms</th><th>latency<br>95 % ms</th><th>CPU ms<br>a frame</th>"
              "<th>key<br>kB</th><th>delta<br>kB</th></tr></thead><tbody>\n",
              out);
        for (size_t a = 0; a < results->plan->arm_count; a++)
            put_short_row(out, results, r, a);
        fputs("</tbody></table></div>\n", out);
    }
}

static void put_warnings(FILE *out, const struct results *results)
{
    for (size_t r = 0; r < results->plan->recording_count; r++) {
        const struct recording *recording = results->recordings[r];
        if (!recording->cut[0])
            continue;
        fputs("<p class=\"note\">", out);
        html_text(out, results->plan->recordings[r]);
        fputs(": ", out);
        html_text(out, recording->cut);
        fprintf(out, ". The %llu frames before it were used.</p>",
                (unsigned long long)recording->frame_count);
    }
    for (size_t i = 0; i < results->cell_count; i++) {
        const struct cell *cell = &results->cells[i];
        if (cell->repeatable || cell->error[0])
            continue;
        fputs("<p class=\"note\">", out);
        html_text(out, cell->arm->label);
        fprintf(out,
                " at %.15g gave other bytes when it ran again: its quality is that of one of "
                "several possible streams.</p>",
                cell->rate);
    }
}

/* --- of one recording --- */

static void put_recording(FILE *out, const struct results *results, size_t index)
{
    const struct recording *recording = results->recordings[index];
    const cJSON *kind = cJSON_GetObjectItemCaseSensitive(recording->head, "kind");
    const cJSON *source = cJSON_GetObjectItemCaseSensitive(recording->head, "source");
    const cJSON *motion = cJSON_GetObjectItemCaseSensitive(recording->head, "motion");
    fputs("<h2>", out);
    html_text(out, base_name(results->plan->recordings[index]));
    fprintf(out, "</h2><p class=\"dim\">%llu frames of %u × %u, %s, %g a second",
            (unsigned long long)recording->frame_count, recording->format.width,
            recording->format.height, samples_name(recording->format.fourcc), recording->fps);
    if (cJSON_IsString(kind) && cJSON_IsString(source)) {
        fputs("; ", out);
        html_text(out, kind->valuestring);
        fputs(cJSON_IsString(motion) ? ", " : "", out);
        html_text(out, cJSON_IsString(motion) ? motion->valuestring : "");
        fputs(" of ", out);
        html_text(out, base_name(source->valuestring));
    }
    fputs(".</p>\n", out);
}

static void put_rates_row(FILE *out, const struct results *results, const struct cell *cell)
{
    size_t count;
    double *latency = cell_latencies(results, cell, false, &count);
    fputs("<tr><td>", out);
    html_text(out, cell->arm->label);
    fprintf(out, "</td><td>%.15g</td>", cell->rate);
    if (cell->error[0]) {
        fputs("<td class=\"w\" colspan=\"14\">", out);
        html_text(out, cell->error);
        fputs("</td></tr>\n", out);
        free(latency);
        return;
    }
    const double values[] = {cell->kbps / 1000,
                             cell->psnr[PLANE_Y],
                             cell->psnr[PLANE_U],
                             cell->psnr[PLANE_V],
                             cell->ssim[PLANE_Y],
                             cell->ssim[PLANE_U],
                             cell->ssim[PLANE_V],
                             percentile(latency, count, 0.5),
                             percentile(latency, count, 0.95),
                             percentile(latency, count, 0.99),
                             mean_of(cell->cpu_ms, results->plan->repeats),
                             cell->key_bytes / 1000,
                             cell->delta_bytes / 1000};
    static const int digits[] = {2, 2, 2, 2, 4, 4, 4, 2, 2, 2, 2, 1, 1};
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        fputs("<td>", out);
        html_number(out, values[i], digits[i]);
        fputs("</td>", out);
    }
    fprintf(out, "<td>%u</td></tr>\n", cell->left_out);
    free(latency);
}

static void put_rates(FILE *out, const struct results *results, size_t recording)
{
    const struct plan *plan = results->plan;
    fputs("<h3>All rates</h3><div class=\"scroll wide\"><table><thead><tr><th>arm</th><th>rate</th>"
          "<th>Mbit/s</th><th>PSNR Y</th><th>PSNR Cb</th><th>PSNR Cr</th><th>SSIM Y</th>"
          "<th>SSIM Cb</th><th>SSIM Cr</th><th>p50 ms</th><th>p95 ms</th><th>p99 ms</th>"
          "<th>CPU ms</th><th>key kB</th><th>delta kB</th><th>left out</th></tr></thead><tbody>\n",
          out);
    for (size_t a = 0; a < plan->arm_count; a++)
        for (size_t i = 0; i < plan->arms[a].rate_count; i++)
            put_rates_row(out, results, results_cell(results, recording, a, i));
    fputs("</tbody></table></div>\n", out);
}

/* What a measure is, for all arms at the middle rate: a picture of the interval and a sentence. */
static void put_differences(FILE *out, const struct results *results, size_t recording)
{
    const struct plan *plan = results->plan;
    fputs("<h3>Frame by frame against ", out);
    html_text(out, plan->arms[plan->baseline].label);
    fprintf(out,
            ", at the middle rate</h3><p class=\"dim\">Mean of the "
            "paired differences, with a %g %% interval from %u bootstrap samples of blocks of "
            "neighbouring frames (seed %llu). Grey: the interval contains zero. Each interval is "
            "for itself: of twenty true nothings one will look like something. Qualities go with "
            "the bytes that were spent on them, which differ too.</p>"
            "<table class=\"pairs\"><tbody>\n",
            plan->confidence * 100, plan->resamples, (unsigned long long)plan->seed);
    for (enum measure m = 0; m < MEASURES; m++) {
        struct interval intervals[16];
        bool known[16];
        double most = 0;
        for (size_t a = 0; a < plan->arm_count; a++) {
            known[a] = compare_frames(results, results_cell(results, recording, a, middle(results)),
                                      m, &intervals[a]);
            if (known[a])
                most = fmax(most, fmax(fabs(intervals[a].low), fabs(intervals[a].high)));
        }
        fprintf(out, "<tr><th class=\"g\" colspan=\"2\">%s</th></tr>\n", measure_title(m));
        for (size_t a = 0; a < plan->arm_count; a++) {
            char text[400];
            if (!known[a])
                continue;
            const struct cell *cell = results_cell(results, recording, a, middle(results));
            compare_say(results, cell, m, &intervals[a], text, sizeof text);
            fputs("<tr><td class=\"iv\">", out);
            svg_interval(out, intervals[a].low, intervals[a].mean, intervals[a].high, most,
                         intervals[a].significant);
            fputs("</td><td class=\"w\">", out);
            /* The measure stands above. */
            const char *sentence = text + strlen(measure_title(m)) + strlen(": ");
            html_prose(out, intervals[a].significant ? sentence : "No");
            html_prose(out, intervals[a].significant ? "" : sentence + strlen("no"));
            fputs("</td></tr>\n", out);
        }
    }
    fputs("</tbody></table>\n", out);
}

/* --- at the end --- */

static void put_machine(FILE *out, const struct results *results)
{
    cJSON *machine = machine_json();
    const cJSON *item;
    fputs("<h2>Machine and versions</h2><dl>", out);
    cJSON_ArrayForEach(item, machine)
    {
        fputs("<dt>", out);
        html_text(out, strcmp(item->string, "memory_gib") == 0 ? "memory, GiB" : item->string);
        fputs("</dt><dd>", out);
        if (cJSON_IsString(item))
            html_text(out, item->valuestring);
        else
            fprintf(out, "%.15g", item->valuedouble);
        fputs("</dd>", out);
    }
    fputs("<dt>VMAF</dt><dd>", out);
    html_text(out, results->vmaf ? results->vmaf : "nothing was decoded");
    fputs("</dd>", out);
    cJSON_Delete(machine);
    for (size_t a = 0; a < results->plan->arm_count; a++) {
        const struct plan_arm *arm = &results->plan->arms[a];
        const struct cell *cell = results_cell(results, 0, a, 0);
        fputs("<dt>", out);
        html_text(out, arm->label);
        fputs("</dt><dd>", out);
        html_text(out, arm->module);
        fprintf(out, " %s", cell->version);
        for (size_t i = 0; i < arm->set_count; i++) {
            fputs(", ", out);
            html_text(out, arm->sets[i] + strlen(arm->module) + 1);
        }
        fprintf(out, "; %s</dd>", cell->format);
    }
    fputs("</dl>\n", out);
}

static void put_method(FILE *out, const struct results *results)
{
    const struct plan *plan = results->plan;
    fputs(
        "<h2>How it was measured</h2><ul>"
        "<li>Every arm got the same recorded frames, with the same stamps, in the same order; the "
        "first as a key frame.</li>"
        "<li>PSNR and SSIM compare the decoded planes with the recorded ones and agree with "
        "FFmpeg's filters <code>psnr</code> and <code>ssim</code>. The PSNR of a recording is "
        "that of its mean error. A frame that an encoder leaves out counts as the picture "
        "before it, which is what a viewer sees.</li>"
        "<li>BD-rate integrates log rate over quality, interpolated by PCHIP (Fritsch and "
        "Carlson); SSIM counts in decibels there. A dash: it cannot be told, and "
        "results.json says why.</li>",
        out);
    fprintf(out,
            "<li>Latency is from the call of encode() to the packet in the sink, in %u passes of "
            "their own, there and back over all arms; the first %u frames of a pass warm up and "
            "do not count. %s</li>",
            plan->repeats, plan->warm_up,
            plan->pace ? "Frames came at the recording's rate."
                       : "Each frame came when the packet of the one before had.");
    fputs("<li>CPU is the process's time on all threads from a frame to its packet.</li>"
          "<li>Each pass was compared with the first byte by byte: ",
          out);
    bool all = true;
    for (size_t i = 0; i < results->cell_count; i++)
        all &= results->cells[i].repeatable;
    fputs(all ? "all are the same.</li></ul>" : "some differ, as said above.</li></ul>", out);
    fputs("<details><summary>The comparison's file</summary><pre>", out);
    html_text(out, plan->text);
    fputs("</pre></details>\n", out);
}

bool output_report(const struct results *results, const char *folder, struct error *err)
{
    char *text = NULL;
    size_t bytes = 0;
    FILE *out = open_memstream(&text, &bytes);
    CHECK(out);
    html_begin(out, results->plan->title);
    put_head(out, results);
    put_warnings(out, results);
    put_short(out, results);
    for (size_t r = 0; r < results->plan->recording_count; r++) {
        put_recording(out, results, r);
        report_legend(out, results);
        report_curves(out, results, r);
        report_times(out, results, r);
        put_differences(out, results, r);
        put_rates(out, results, r);
        report_worst(out, results, r);
    }
    put_machine(out, results);
    put_method(out, results);
    html_end(out);
    fclose(out);
    return output_file(folder, "report.html", text, bytes, err);
}
