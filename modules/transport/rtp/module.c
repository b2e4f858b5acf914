/* SPDX-License-Identifier: BSD-3-Clause */
/* transport/rtp: pictures for players and media servers, through libavformat. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sender.h"

static const struct oriel_option options[] = {
    {"url", "rtp://127.0.0.1:5004", NULL,
     "Where to: rtp://HOST:PORT, reports going to the port above; else MPEG-TS, as srt://HOST:PORT "
     "or udp://HOST:PORT, with what libavformat takes behind '?'.",
     0, 0, ORIEL_OPT_STRING, 0},
    {"codec", "h264", "h264 hevc vp8 vp9", "What is sent; MPEG-TS carries h264 and hevc.", 0, 0,
     ORIEL_OPT_ENUM, 0},
    {"payload", "own", "own ts",
     "What RTP carries: the codec's own payload, or MPEG-TS, which needs no description.", 0, 0,
     ORIEL_OPT_ENUM, 0},
    {"sdp", "", NULL,
     "File into which the session description of RTP is written when it begins; empty: none.", 0, 0,
     ORIEL_OPT_STRING, 0},
    {"payload_type", "96", NULL, "Payload type of RTP.", 96, 127, ORIEL_OPT_INT, 0},
    {"mtu", "1200", NULL, "Largest RTP packet, bytes without UDP's head.", 200, 9000, ORIEL_OPT_INT,
     0},
    {"pace_mbps", "0", NULL, "Packets of RTP leave no faster, Mbit/s; 0: as they come.", 0, 100000,
     ORIEL_OPT_FLOAT, 0},
    {"ttl", "1", NULL, "Routers that a multicast passes.", 0, 255, ORIEL_OPT_INT, 0},
    {"key_s", "2", NULL,
     "A key picture is asked for so often, also when nothing moves, s; 0: only when a receiver "
     "asks "
     "by RTCP.",
     0, 3600, ORIEL_OPT_FLOAT, 0},
    {"token", "", NULL, "Token of a viewer, where the server wants one.", 0, 0, ORIEL_OPT_STRING,
     ORIEL_OPT_SECRET},
};

static const struct oriel_option_table option_table = {
    .size = sizeof option_table,
    .count = sizeof options / sizeof options[0],
    .options = options,
};

static bool read_options(struct sender *sender, const struct oriel_config *config)
{
    struct output_options *to = &sender->options;
    const char *url = config->get_string(config, "url"), *sdp = config->get_string(config, "sdp");
    snprintf(to->url, sizeof to->url, "%s", url);
    snprintf(to->sdp, sizeof to->sdp, "%s", sdp);
    snprintf(sender->codec, sizeof sender->codec, "%s", config->get_string(config, "codec"));
    snprintf(sender->token, sizeof sender->token, "%s", config->get_string(config, "token"));
    to->payload_type = (int)config->get_int(config, "payload_type");
    to->mtu = (int)config->get_int(config, "mtu");
    to->ttl = (int)config->get_int(config, "ttl");
    to->pace = config->get_float(config, "pace_mbps") * 1e6;
    sender->key_ns = (int64_t)(config->get_float(config, "key_s") * 1e9);
    to->wrapped = strcmp(config->get_string(config, "payload"), "ts") == 0;
    bool own = strncmp(url, "rtp://", 6) == 0 && !to->wrapped;
    return strstr(url, "://") && strlen(url) < sizeof to->url && strlen(sdp) < sizeof to->sdp &&
           (own || sender->codec[0] == 'h');
}

static oriel_result rtp_create(const struct oriel_host *host, const struct oriel_config *config,
                               const struct oriel_transport_host *to, void **self)
{
    struct sender *sender = calloc(1, sizeof *sender);
    if (!sender)
        return host->fail(host, ORIEL_NOMEM, "out of memory");
    oriel_result result = ORIEL_OK;
    if (!read_options(sender, config))
        result =
            host->fail(host, ORIEL_INVALID, "url is SCHEME://…, and MPEG-TS carries h264 or hevc");
    if (result == ORIEL_OK && !viewer_start(&sender->viewer, host, to, "rtp", &sender_work, sender))
        result = host->fail(host, ORIEL_FATAL, "cannot start a thread");
    if (result == ORIEL_OK) {
        *self = sender;
        return ORIEL_OK;
    }
    viewer_destroy(sender);
    return result;
}

static const struct oriel_transport transport = {
    .size = sizeof transport,
    .options = &option_table,
    .create = rtp_create,
    VIEWER_TRANSPORT,
};

ORIEL_MODULE_OF(ORIEL_TRANSPORT_V1, &transport, "transport/rtp", "0.1.0", "Oriel",
                "BSD-3-Clause AND GPL-2.0-or-later",
                "Pictures as RTP, or MPEG-TS over SRT and UDP, with FFmpeg's libavformat.");
