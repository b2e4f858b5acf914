/* SPDX-License-Identifier: BSD-3-Clause */
/* The tests of encoders; what each wants stands in the table of check_encoder.c. */
#ifndef CHECK_ENCODER_TESTS_H
#define CHECK_ENCODER_TESTS_H

#include "check/check.h"

/* encoder_frames.c: formats, sizes, packets */
void encoder_formats(struct check_run *run);
void encoder_runs(struct check_run *run);
void encoder_cuda(struct check_run *run);
void encoder_odd_sizes(struct check_run *run);
void encoder_refuses(struct check_run *run);
void encoder_stamps(struct check_run *run);
void encoder_times(struct check_run *run);
void encoder_packets(struct check_run *run);
void encoder_bitstream(struct check_run *run);
/* encoder_keys.c */
void encoder_first_key(struct check_run *run);
void encoder_key_flag(struct check_run *run);
void encoder_request_key(struct check_run *run);
void encoder_request_any_thread(struct check_run *run);
/* encoder_ready.c: rows and fences */
void encoder_rows(struct check_run *run);
void encoder_fence(struct check_run *run);
/* encoder_flow.c: drain, sink, instances */
void encoder_drain(struct check_run *run);
void encoder_slow_sink(struct check_run *run);
void encoder_two_instances(struct check_run *run);
void encoder_destroy_early(struct check_run *run);
void encoder_thousand(struct check_run *run);
/* encoder_options.c */
void encoder_reconfigure(struct check_run *run);
/* encoder_hosts.c */
void encoder_minimal_host(struct check_run *run);
void encoder_future_host(struct check_run *run);

#endif
