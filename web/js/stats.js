// SPDX-License-Identifier: BSD-3-Clause
// What the statistics panel shows: rolling windows over the last pictures. Measures, never decides.

const WINDOW = 240;
const RATE_MS = 2000;

/** Last values, with quantiles. */
export function createWindow(length = WINDOW) {
    /** @type {number[]} */
    const values = [];
    return {
        /** @param {number} value */
        add(value) {
            values.push(value);
            if (values.length > length)
                values.shift();
        },
        /** @param {number} q @returns {number|null} */
        quantile(q) {
            if (!values.length)
                return null;
            const sorted = values.slice().sort((a, b) => a - b);
            return sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))];
        },
        values: () => values,
        clear: () => void (values.length = 0),
    };
}

/** @param {() => number} [now] */
export function createStats(now = () => performance.now()) {
    const decode = createWindow();
    const wait = createWindow();
    const input = createWindow();
    const trip = createWindow();
    const stages = [0, 1, 2, 3, 4, 5].map(() => createWindow());
    /** @type {{at: number, bytes: number}[]} */
    let arrivals = [];
    /** @type {number[]} */
    let draws = [];
    const total = { pictures: 0, keys: 0, drops: 0, rebuilds: 0 };
    let held = 0;

    return {
        /** @param {import('./types.js').Picture} picture */
        received(picture) {
            const at = now();
            total.pictures++;
            total.keys += picture.key && !picture.still ? 1 : 0;
            arrivals = arrivals.filter((a) => at - a.at < RATE_MS);
            arrivals.push({ at, bytes: picture.bytes.length });
            picture.stages.forEach((us, i) => stages[i].add(us / 1000));
        },
        /** @param {number} ms */
        decoded: (ms) => decode.add(ms),
        dropped: () => void total.drops++,
        broke: () => void total.rebuilds++,
        /** @param {import('./types.js').Picture} _picture @param {number} waited @param {number} inDecoder */
        shown(_picture, waited, inDecoder) {
            const at = now();
            wait.add(waited);
            held = inDecoder;
            draws = draws.filter((d) => at - d < RATE_MS);
            draws.push(at);
        },
        /** @param {number} ms from an input to the first picture that shows it */
        answered: (ms) => input.add(ms),
        /** @param {number} ms from an edit to its acknowledgement */
        acknowledged: (ms) => trip.add(ms),
        inputs: input.values,

        summary() {
            const at = now();
            const recent = arrivals.filter((a) => at - a.at < RATE_MS);
            const both = (/** @type {ReturnType<typeof createWindow>} */ w) => ({ p50: w.quantile(0.5), p95: w.quantile(0.95) });
            return {
                fps: (draws.filter((d) => at - d < RATE_MS).length * 1000) / RATE_MS,
                megabits: (recent.reduce((sum, a) => sum + a.bytes, 0) * 8) / RATE_MS / 1000,
                input: both(input), trip: both(trip), decode: both(decode), wait: both(wait),
                stages: ['input to draw', 'draw', 'capture', 'encoder wait', 'encode', 'queue']
                    .map((name, i) => ({ name, ...both(stages[i]) })),
                ...total, held,
            };
        },
    };
}

/** @typedef {ReturnType<typeof createStats>} Stats */
