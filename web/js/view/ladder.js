// SPDX-License-Identifier: BSD-3-Clause
// Which way pictures take: H.264, VP9, VP8, then JPEG stills. Every step down has a reason in plain words.

const PROBES = /** @type {const} */ ([
    { codec: 'h264', name: 'H.264', probe: 'avc1.42E01F' },
    { codec: 'vp9', name: 'VP9', probe: 'vp09.00.10.08' },
    { codec: 'vp8', name: 'VP8', probe: 'vp8' },
]);
const FAILURES = 3;
const FAILURES_MS = 10000;

/** @param {string} codec */
export function rungName(codec) {
    return PROBES.find((p) => p.codec === codec)?.name ?? 'still images';
}

function whyNoVideo() {
    if (!window.isSecureContext)
        return 'This address is not secure (http), so the browser gives no video decoder.';
    return 'This browser has no video decoder (WebCodecs).';
}

/** @param {string} probe */
async function supported(probe) {
    try {
        const answer = await VideoDecoder.isConfigSupported({ codec: probe, optimizeForLatency: true });
        return answer.supported === true;
    } catch {
        return false;
    }
}

/**
 * @param {{
 *   software: () => void,
 *   change: () => void,
 * }} hooks `software`: same codec, other decoder; `change`: the list of codecs is another one
 */
export function createLadder({ software, change }) {
    /** @type {string[]} */
    let rungs = [];
    let why = '';
    let softwareTried = false;
    /** @type {number[]} */
    let failures = [];

    /** @param {string} codec @param {string} reason */
    function stepDown(codec, reason) {
        failures = [];
        if (codec !== 'jpeg' && !softwareTried) {
            softwareTried = true;
            software();
            return;
        }
        softwareTried = false;
        const left = rungs.filter((rung) => rung !== codec);
        if (!left.length || left.length === rungs.length)
            return;
        rungs = left;
        why = `${rungName(codec)} ${reason} here.`;
        change();
    }

    return {
        /** Finds out what this browser can decode. */
        async explore() {
            rungs = [];
            if (typeof VideoDecoder === 'undefined') {
                why = whyNoVideo();
            } else {
                const found = await Promise.all(PROBES.map((p) => supported(p.probe)));
                rungs = PROBES.filter((_, i) => found[i]).map((p) => p.codec);
                if (!rungs.length)
                    why = 'This browser decodes none of H.264, VP9 and VP8.';
                else if (rungs[0] !== 'h264')
                    why = 'This browser does not decode H.264.';
            }
            rungs.push('jpeg');
        },

        codecs: () => rungs,

        /** Why pictures come as they do; empty on the best rung. @param {string} rung as received, if any yet */
        why: (rung) => (why && rung ? `${why} Showing ${rungName(rung)}.` : why),

        /** The decoder failed; several times in short order is a rung too high. @param {string} codec */
        failed(codec) {
            const now = performance.now();
            failures = [...failures.filter((at) => now - at < FAILURES_MS), now];
            if (failures.length >= FAILURES)
                stepDown(codec, 'could not be decoded');
        },

        /** The decoder holds pictures back. @param {string} codec */
        slow: (codec) => stepDown(codec, 'came too late'),
    };
}

/** @typedef {ReturnType<typeof createLadder>} Ladder */
