// SPDX-License-Identifier: BSD-3-Clause
// Encoded pictures to images. Never shows a picture whose predecessors are missing, never queues, and tells
// what went wrong; which codec to fall back to is the ladder's business.

import { CODEC, codecString } from '../protocol/header.js';

/** @typedef {import('../types.js').Picture} Picture */

const MOST_QUEUED = 6;
const LAG_FRAMES = 2;
const LAG_MS = 1000;
/** @type {Record<number, VideoMatrixCoefficients>} */
const MATRIX = { 0: 'rgb', 1: 'bt709', 6: 'smpte170m' };

/**
 * @param {{
 *   onImage: (image: VideoFrame|ImageBitmap, picture: Picture, arrived: number) => void,
 *   onBroken: (reason: string) => void,
 *   onSlow: () => void,
 *   requestKey: (reason: string) => void,
 *   keyArrived: () => void,
 *   onDrop: (picture: Picture) => void,
 * }} hooks `onBroken`: the decoder failed and is being rebuilt; `onSlow`: it holds pictures back
 */
export function createDecoder(hooks) {
    /** @type {VideoDecoder|null} */
    let decoder = null;
    /** @type {Map<number, {picture: Picture, arrived: number}>} pictures in the decoder, by time stamp */
    const inside = new Map();
    /** @type {HardwareAcceleration} */
    let acceleration = 'no-preference';
    let configured = '';
    let expected = -1;
    let needKey = true;
    let stamp = 0;
    let laggingSince = 0;
    let stillTurn = 0;
    /** Number of the newest JPEG picture: what a video decoder still held when they began comes too late. */
    let whole = -1;

    function close() {
        if (decoder && decoder.state !== 'closed')
            decoder.close();
        decoder = null;
        configured = '';
        inside.clear();
        laggingSince = 0;
        needKey = true;
    }

    /** @param {string} reason */
    function broken(reason) {
        close();
        hooks.onBroken(reason);
        hooks.requestKey(reason);
    }

    function create() {
        /** @type {VideoDecoder} */
        const mine = new VideoDecoder({
            output: (frame) => (decoder === mine ? out(frame) : frame.close()),
            error: (error) => decoder === mine && broken(error.message),
        });
        return mine;
    }

    /** Another codec comes behind the pictures that are still inside: none of them is lost. @param {Picture} picture @param {string} codec */
    function configure(picture, codec) {
        const wanted = `${codec} ${picture.matrix} ${picture.fullRange} ${acceleration}`;
        if (decoder && configured === wanted)
            return;
        decoder ??= create();
        configured = wanted;
        decoder.configure({
            codec, optimizeForLatency: true, hardwareAcceleration: acceleration,
            colorSpace: {
                matrix: MATRIX[picture.matrix] ?? 'bt709', primaries: 'bt709', transfer: 'bt709',
                fullRange: picture.fullRange,
            },
        });
    }

    /** @param {VideoFrame} frame */
    function out(frame) {
        const entry = inside.get(frame.timestamp);
        inside.delete(frame.timestamp);
        if (inside.size <= LAG_FRAMES)
            laggingSince = 0;
        if (entry && entry.picture.number > whole) {
            hooks.onImage(frame, entry.picture, entry.arrived);
            return;
        }
        frame.close();
        if (entry)
            hooks.onDrop(entry.picture);
    }

    /** @param {Picture} picture @param {number} arrived */
    function video(picture, arrived) {
        if (picture.key) {
            hooks.keyArrived();
        } else if (!needKey && decoder && decoder.decodeQueueSize > MOST_QUEUED) {
            needKey = true;
            hooks.requestKey('decoder behind');
        }
        if (needKey && !picture.key) {
            hooks.onDrop(picture);
            hooks.requestKey('waiting for a key picture');
            return;
        }
        try {
            if (picture.key) {
                const codec = codecString(picture.codec, picture.bytes);
                if (!codec) {
                    broken('the key picture carries no parameters');
                    return;
                }
                configure(picture, codec);
                needKey = false;
            }
            const timestamp = stamp++;
            inside.set(timestamp, { picture, arrived });
            decoder?.decode(new EncodedVideoChunk({
                type: picture.key ? 'key' : 'delta', timestamp, data: picture.bytes,
            }));
        } catch (error) {
            broken(error instanceof Error ? error.message : String(error));
            return;
        }
        watchLag(arrived);
    }

    /** @param {number} now */
    function watchLag(now) {
        if (inside.size <= LAG_FRAMES) {
            laggingSince = 0;
        } else if (!laggingSince) {
            laggingSince = now;
        } else if (now - laggingSince > LAG_MS) {
            laggingSince = 0;
            hooks.onSlow();
        }
    }

    /** JPEG and PNG: each on its own; a newer one overtakes. @param {Picture} picture @param {number} arrived */
    async function still(picture, arrived) {
        const turn = ++stillTurn;
        const png = picture.codec === CODEC.png;
        const blob = new Blob([/** @type {BlobPart} */ (picture.bytes)], { type: png ? 'image/png' : 'image/jpeg' });
        try {
            const image = await createImageBitmap(blob, { colorSpaceConversion: 'none', premultiplyAlpha: 'none' });
            if (turn !== stillTurn) {
                image.close();
                hooks.onDrop(picture);
                return;
            }
            if (!picture.still)
                whole = picture.number;
            hooks.onImage(image, picture, arrived);
        } catch {
            hooks.onDrop(picture);
            if (!picture.still)
                hooks.onBroken('a picture could not be read');
        }
    }

    return {
        /** @param {Picture} picture */
        push(picture) {
            const arrived = performance.now();
            const gap = expected >= 0 && picture.seq !== expected;
            expected = (picture.seq + 1) >>> 0;
            if (gap && !picture.key) {
                needKey = true;
                hooks.requestKey('a picture is missing');
            }
            if (picture.codec === CODEC.jpeg || picture.codec === CODEC.png)
                still(picture, arrived);
            else if (typeof VideoDecoder === 'undefined')
                hooks.onBroken('this browser has no video decoder');
            else
                video(picture, arrived);
        },

        /** A new connection: its numbers and its first key picture are its own. */
        restart() {
            close();
            expected = -1;
            whole = -1;
            stillTurn++;
        },

        /** @param {HardwareAcceleration} value */
        prefer(value) {
            acceleration = value;
            close();
        },

        close,
        held: () => inside.size,
    };
}

/** @typedef {ReturnType<typeof createDecoder>} Decoder */
