// SPDX-License-Identifier: BSD-3-Clause
// The smallest H.264 encoder that is exact: macroblocks as raw samples (I_PCM), unchanged ones skipped.
// Baseline, BT.709, full range, no reordering; any size by cropping. Annex B, SPS and PPS in every key picture.

class Bits {
    bytes = [];
    #byte = 0;
    #count = 0;

    bit(v) {
        this.#byte = (this.#byte << 1) | v;
        if (++this.#count === 8) {
            this.bytes.push(this.#byte);
            this.#byte = this.#count = 0;
        }
    }

    u(n, v) {
        for (let i = n - 1; i >= 0; i--)
            this.bit((v >> i) & 1);
    }

    ue(v) {
        const n = 31 - Math.clz32(v + 1);
        this.u(n, 0);
        this.u(n + 1, v + 1);
    }

    align() {
        while (this.#count)
            this.bit(0);
    }

    stop() {
        this.bit(1);
        this.align();
    }
}

/** Start code, header and emulation prevention. */
function nal(header, bytes) {
    const out = Buffer.alloc(5 + Math.ceil(bytes.length * 1.5));
    let at = out.writeUInt32BE(1, 0);
    out[at++] = header;
    let zeros = 0;
    for (const b of bytes) {
        if (zeros === 2 && b < 4) {
            out[at++] = 3;
            zeros = 0;
        }
        out[at++] = b;
        zeros = b === 0 ? zeros + 1 : 0;
    }
    return out.subarray(0, at);
}

function sps(width, height) {
    const b = new Bits();
    const w = Math.ceil(width / 16), h = Math.ceil(height / 16);
    b.u(8, 66);
    b.u(8, 0xc0);
    b.u(8, 40);
    for (const v of [0, 0, 2, 1])
        b.ue(v);
    b.bit(0);
    b.ue(w - 1);
    b.ue(h - 1);
    b.u(2, 3);
    const crop = [0, (w * 16 - width) / 2, 0, (h * 16 - height) / 2];
    b.bit(1);
    crop.forEach((v) => b.ue(v));
    b.bit(1);                     // VUI
    b.u(2, 0);
    b.bit(1);                     // video signal: unspecified format, full range, described
    b.u(3, 5);
    b.u(2, 3);
    for (const v of [1, 1, 1])
        b.u(8, v);
    b.u(5, 0);
    b.bit(1);                     // bitstream restriction
    b.bit(1);
    for (const v of [0, 0, 16, 16, 0, 1])
        b.ue(v);
    b.stop();
    return nal(0x67, b.bytes);
}

function pps() {
    const b = new Bits();
    b.ue(0);
    b.ue(0);
    b.u(2, 0);
    for (const v of [0, 0, 0])
        b.ue(v);
    b.u(3, 0);
    for (const v of [0, 0, 0])
        b.ue(v);
    b.u(3, 4);
    b.stop();
    return nal(0x68, b.bytes);
}

/** RGBA to planes, 4:2:0, full-range BT.709; edges repeated up to whole macroblocks. */
function planes(rgba, width, height) {
    const w = Math.ceil(width / 16) * 16, h = Math.ceil(height / 16) * 16;
    const y = new Uint8Array(w * h), u = new Uint8Array((w * h) / 4), v = new Uint8Array((w * h) / 4);
    const clamp = (x) => (x < 0 ? 0 : x > 255 ? 255 : Math.round(x));
    for (let j = 0; j < h; j++) {
        for (let i = 0; i < w; i++) {
            const p = (Math.min(j, height - 1) * width + Math.min(i, width - 1)) * 4;
            y[j * w + i] = clamp(0.2126 * rgba[p] + 0.7152 * rgba[p + 1] + 0.0722 * rgba[p + 2]);
        }
    }
    for (let j = 0; j < h / 2; j++) {
        for (let i = 0; i < w / 2; i++) {
            let r = 0, g = 0, b = 0;
            for (let k = 0; k < 4; k++) {
                const p = (Math.min(2 * j + (k >> 1), height - 1) * width + Math.min(2 * i + (k & 1), width - 1)) * 4;
                r += rgba[p] / 4;
                g += rgba[p + 1] / 4;
                b += rgba[p + 2] / 4;
            }
            const luma = 0.2126 * r + 0.7152 * g + 0.0722 * b;
            u[j * (w / 2) + i] = clamp(128 + (b - luma) / 1.8556);
            v[j * (w / 2) + i] = clamp(128 + (r - luma) / 1.5748);
        }
    }
    return { w, h, y, u, v };
}

export function createEncoder() {
    let last = null;
    let size = '';
    let number = 0;
    let idr = 0;

    function block(p, mx, my) {
        const out = new Uint8Array(384);
        for (let j = 0; j < 16; j++)
            out.set(p.y.subarray((my * 16 + j) * p.w + mx * 16, (my * 16 + j) * p.w + mx * 16 + 16), j * 16);
        for (let j = 0; j < 8; j++) {
            const at = (my * 8 + j) * (p.w / 2) + mx * 8;
            out.set(p.u.subarray(at, at + 8), 256 + j * 8);
            out.set(p.v.subarray(at, at + 8), 320 + j * 8);
        }
        return out;
    }

    return {
        /** @returns {{key: boolean, bytes: Buffer}} */
        encode(rgba, width, height, forceKey = false) {
            const p = planes(rgba, width, height);
            const key = forceKey || !last || size !== `${width}x${height}`;
            number = key ? 0 : (number + 1) % 16;
            const b = new Bits();
            b.ue(0);
            b.ue(key ? 7 : 5);
            b.ue(0);
            b.u(4, number);
            if (key) {
                b.ue(idr++ & 1);
                b.u(2, 0);
            } else {
                b.u(3, 0);
            }
            b.ue(0);
            b.ue(1);
            let skipped = 0;
            for (let my = 0; my < p.h / 16; my++) {
                for (let mx = 0; mx < p.w / 16; mx++) {
                    const now = block(p, mx, my);
                    if (!key) {
                        if (Buffer.compare(now, block(last, mx, my)) === 0) {
                            skipped++;
                            continue;
                        }
                        b.ue(skipped);
                        skipped = 0;
                    }
                    b.ue(key ? 25 : 30);
                    b.align();
                    for (const v of now)
                        b.bytes.push(v);
                }
            }
            if (!key && skipped)
                b.ue(skipped);
            b.stop();
            last = p;
            size = `${width}x${height}`;
            const slice = nal(key ? 0x65 : 0x41, b.bytes);
            return { key, bytes: key ? Buffer.concat([sps(width, height), pps(), slice]) : slice };
        },
    };
}
