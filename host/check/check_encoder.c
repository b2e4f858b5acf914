/* SPDX-License-Identifier: BSD-3-Clause */
/* The table of the encoders' tests. */
#include "check/encoder_tests.h"
#include "check/fuzz.h"
#include "check/lives.h"

const struct check check_encoder[] = {
    {"encoder.formats",
     "input_format() and codec() list something known, the same each time, and end with "
     "UNSUPPORTED.",
     CHECK_ENCODER, 10, encoder_formats},
    {"encoder.runs",
     "Every offered format in CPU memory is created or refused as UNSUPPORTED with a text, and "
     "encodes 32 frames.",
     CHECK_ENCODER, 60, encoder_runs},
    {"encoder.cuda",
     "Every offered format in CUDA memory is created or refused as UNSUPPORTED with a text, and "
     "encodes 32 frames; every call leaves the stack of CUDA contexts as it was.",
     CHECK_ENCODER, 60, encoder_cuda},
    {"encoder.rows",
     "Rows are encoded in the order of memory, whatever ORIEL_FRAME_BOTTOM_UP says: the flag goes "
     "into the packet, and the client turns the picture.",
     CHECK_ENCODER, 30, encoder_rows},
    {"encoder.fence",
     "A frame whose fence, a flag or an event of CUDA, the host has waited for is encoded as one "
     "without a fence.",
     CHECK_ENCODER, 10, encoder_fence},
    {"encoder.odd_sizes",
     "Odd, tiny and narrow pictures are encoded, or refused as UNSUPPORTED with a text.",
     CHECK_ENCODER, 30, encoder_odd_sizes},
    {"encoder.refuses",
     "create() refuses a format that is not offered, with a text, and leaves "
     "nothing.",
     CHECK_ENCODER, 10, encoder_refuses},
    {"encoder.stamps",
     "A packet carries the stamp of its frame unchanged: seq, pts, revision and the rest; packets "
     "come in the order of frames.",
     CHECK_ENCODER, 20, encoder_stamps},
    {"encoder.times",
     "t_submit_ns is when encode() was entered, t_done_ns when the packet was complete; none goes "
     "back.",
     CHECK_ENCODER, 20, encoder_times},
    {"encoder.packets",
     "A packet has a codec of codec(), the format of its frame, bytes, known flags, and the sink "
     "to itself.",
     CHECK_ENCODER, 20, encoder_packets},
    {"encoder.bitstream",
     "The bytes are of the promised codec: key packets begin with parameter sets, the picture has "
     "the size of the frames.",
     CHECK_ENCODER, 60, encoder_bitstream},
    {"encoder.first_key",
     "The first packet is a key, and key packets of H.264, HEVC and AV1 are flagged as config.",
     CHECK_ENCODER, 20, encoder_first_key},
    {"encoder.key_flag", "A frame given with ORIEL_ENCODE_KEY becomes a key packet.", CHECK_ENCODER,
     20, encoder_key_flag},
    {"encoder.request_key", "After request_key() the next frame becomes a key packet.",
     CHECK_ENCODER, 20, encoder_request_key},
    {"encoder.request_key_thread", "request_key() works on any thread, also while encode() runs.",
     CHECK_ENCODER, 20, encoder_request_any_thread},
    {"encoder.drain", "drain() returns when all packets are out and all frames are released.",
     CHECK_ENCODER, 20, encoder_drain},
    {"encoder.slow_sink",
     "A sink that is busy for a while costs time, but no order, no frame and no hang.",
     CHECK_ENCODER, 20, encoder_slow_sink},
    {"encoder.two_instances",
     "Two instances that get frames in turn write what one alone writes, where it is "
     "deterministic.",
     CHECK_ENCODER, 60, encoder_two_instances},
    {"encoder.destroy_early",
     "destroy() works right after create() and amid a stream, lets go of all frames, and no "
     "packet comes after it; NULL is fine.",
     CHECK_ENCODER, 20, encoder_destroy_early},
    {"encoder.thousand",
     "1000 times create() and destroy() leave no memory, descriptor or thread (fewer where "
     "creation is slow).",
     CHECK_ENCODER, 60, encoder_thousand},
    {"encoder.fuzz", FUZZ_WANTS, CHECK_ENCODER, 60, fuzz_options},
    {"encoder.reconfigure", "Live options take every value of their limits while it encodes.",
     CHECK_ENCODER, 30, encoder_reconfigure},
    {"encoder.minimal_host",
     "It works, or says that it cannot, on a host without optional "
     "interfaces.",
     CHECK_ENCODER, 20, encoder_minimal_host},
    {"encoder.future_host",
     "It works on a host of a later minor, and does not look behind the "
     "members that it knows.",
     CHECK_ENCODER, 20, encoder_future_host},
    {"encoder.interface", LIVES_INTERFACE_WANTS, CHECK_ENCODER, 30, lives_interface},
    {"encoder.manners", LIVES_MANNERS_WANTS, CHECK_ENCODER, 30, lives_manners},
};
const size_t check_encoder_count = sizeof check_encoder / sizeof check_encoder[0];
