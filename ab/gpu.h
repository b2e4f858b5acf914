/* SPDX-License-Identifier: BSD-3-Clause */
/* What a run costs NVIDIA's GPUs, by their management library where it is found at run time. */
#ifndef AB_GPU_H
#define AB_GPU_H

#include <stdbool.h>
#include <stdint.h>

struct gpu_cost {
    bool known;             /* there is a GPU that tells */
    double joules;          /* that all of them used during the run, idle power included; NAN */
    double memory_mib;      /* in use at the end, less that at the beginning; NAN */
    double encoder_percent; /* use of the busiest GPU's encoder, as last sampled; NAN */
};

struct gpu_meter;

/* NULL where nothing can be measured. */
struct gpu_meter *gpu_begin(void);
void gpu_end(struct gpu_meter *meter, struct gpu_cost *cost);

/* "NVIDIA H200 (driver 550.54)", or why nothing is known; constant for the process. */
const char *gpu_about(void);

#endif
