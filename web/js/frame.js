// SPDX-License-Identifier: BSD-3-Clause
// One requestAnimationFrame for the page. Within a frame, input is summed, then sent, then drawn; asking for
// a later phase from an earlier one still makes this frame.

const PHASES = /** @type {const} */ (['input', 'send', 'draw']);
/** @typedef {typeof PHASES[number]} Phase */

/** @param {(run: FrameRequestCallback) => number} requestFrame */
export function createFrameLoop(requestFrame) {
    /** @type {Record<Phase, Set<(now: number) => void>>} */
    const queues = { input: new Set(), send: new Set(), draw: new Set() };
    let asked = false;

    /** @param {number} now */
    function run(now) {
        asked = false;
        for (const phase of PHASES) {
            const batch = [...queues[phase]];
            queues[phase].clear();
            for (const task of batch)
                task(now);
        }
    }

    return {
        /**
         * Runs `task` once in the next frame; asking again before that changes nothing.
         * @param {Phase} phase
         * @param {(now: number) => void} task
         */
        request(phase, task) {
            queues[phase].add(task);
            if (!asked) {
                asked = true;
                requestFrame(run);
            }
        },

        /** @param {Phase} phase */
        pending: (phase) => queues[phase].size > 0,
    };
}

/** @typedef {ReturnType<typeof createFrameLoop>} FrameLoop */
