// SPDX-License-Identifier: BSD-3-Clause
// The header of a pixel message (docs/protocol/pixel.md); network byte order.

/** @typedef {import('../types.js').Picture} Picture */

export const CODEC = /** @type {const} */ ({ h264: 1, hevc: 2, av1: 3, vp8: 4, vp9: 5, jpeg: 6, png: 7, raw: 8 });
const NAMES = Object.fromEntries(Object.entries(CODEC).map(([name, id]) => [id, name]));

/** @param {number} id */
export function codecName(id) {
    return NAMES[id] || `codec ${id}`;
}

const BASE = 24;
const EXTENDED = 160;

/**
 * @param {ArrayBuffer} message
 * @returns {Picture|null} null when it is no picture of this protocol
 */
export function parsePicture(message) {
    if (message.byteLength < BASE)
        return null;
    const view = new DataView(message);
    const extension = view.getUint16(22);
    const start = BASE + extension;
    if (message.byteLength < start)
        return null;
    const width = view.getUint32(12);
    const height = view.getUint32(16);
    if (!width || !height)
        return null;
    const extended = start >= EXTENDED && view.getUint16(24) >= 1;
    const bits = extended ? view.getUint16(26) : 1;
    const ndisplay = extended ? view.getUint8(28) : 2;
    const f64 = (/** @type {number} */ at) => view.getFloat64(at);
    const u64 = (/** @type {number} */ at) => Number(view.getBigUint64(at));
    return {
        seq: view.getUint32(0), time: f64(4), width, height,
        codec: view.getUint8(20), key: (view.getUint8(21) & 1) !== 0,
        bottomUp: (bits & 1) !== 0, complete: (bits & 2) !== 0, still: (bits & 4) !== 0,
        fresh: (bits & 8) !== 0, fullRange: (bits & 16) !== 0,
        matrix: extended ? view.getUint8(29) : 1,
        level: extended ? view.getUint16(30) : 0,
        levels: extended ? view.getUint16(32) : 0,
        coverage: extended ? view.getUint16(34) / 65535 : 1,
        pending: extended ? view.getUint32(36) : 0,
        number: extended ? u64(40) : 0,
        revision: extended ? u64(48) : 0,
        rev: extended ? u64(56) : 0,
        pose: extended ? {
            ndisplay, center: [f64(64), f64(72), f64(80)], zoom: f64(88),
            quat: [f64(96), f64(104), f64(112), f64(120)], fov: f64(128),
        } : null,
        stages: extended ? [136, 140, 144, 148, 152, 156].map((at) => view.getUint32(at)) : [],
        bytes: new Uint8Array(message, start),
    };
}

/**
 * Start of the first NAL unit of a type in an Annex B picture, or −1.
 * @param {Uint8Array} bytes
 * @param {number} type
 */
function findNal(bytes, type) {
    for (let i = 0; i + 3 < bytes.length; i++) {
        if (bytes[i] === 0 && bytes[i + 1] === 0 && bytes[i + 2] === 1 && (bytes[i + 3] & 31) === type)
            return i + 3;
    }
    return -1;
}

/**
 * The codec string a decoder wants, read from the stream itself.
 * @param {number} codec
 * @param {Uint8Array} bytes of a key picture
 * @returns {string} empty when the picture does not say
 */
export function codecString(codec, bytes) {
    if (codec === CODEC.h264) {
        const at = findNal(bytes, 7);
        if (at < 0 || at + 3 >= bytes.length)
            return '';
        return 'avc1.' + [1, 2, 3].map((i) => bytes[at + i].toString(16).padStart(2, '0')).join('');
    }
    if (codec === CODEC.vp9) {
        const profile = ((bytes[0] >> 5) & 1) | ((bytes[0] >> 3) & 2);
        return profile === 1 ? 'vp09.01.51.08.03' : 'vp09.00.51.08';
    }
    return codec === CODEC.vp8 ? 'vp8' : '';
}

/** The page's words on the pixel socket. */
export const say = {
    /** @param {number} seq @param {number} decode @param {number} wait milliseconds */
    shown: (seq, decode, wait) =>
        JSON.stringify({ type: 'shown', seq, decode_ms: +decode.toFixed(2), wait_ms: +wait.toFixed(2) }),
    /** @param {string} reason */
    key: (reason) => JSON.stringify({ type: 'key', reason }),
    /** @param {boolean} value */
    visible: (value) => JSON.stringify({ type: 'visible', value }),
};
