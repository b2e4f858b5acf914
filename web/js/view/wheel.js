// SPDX-License-Identifier: BSD-3-Clause
// What a wheel event means; pure. Notches are positive away from the user, and keep their fractions.

/** Inertia must not throw the view away: most notches one frame may carry. */
export const MOST_NOTCHES = 4;

/** @typedef {{deltaX: number, deltaY: number, deltaMode: number}} Delta */

/** @param {number} delta @param {number} mode */
function notch(delta, mode) {
    if (mode === 1)
        return -delta / 3 || 0;
    if (mode === 2)
        return -Math.sign(delta) || 0;
    return -delta / 100 || 0;
}

/** @param {Delta} event */
export function notches(event) {
    return notch(event.deltaY, event.deltaMode);
}

/** Some browsers turn Shift+wheel sideways. @param {Delta} event */
export function notchesOnEitherAxis(event) {
    return notch(event.deltaY + event.deltaX, event.deltaMode);
}

/** A trackpad pinch comes as ctrl+wheel whose deltas sum to −100·ln(scale). @param {Delta} event */
export function pinchFactor(event) {
    return Math.exp(-event.deltaY / 100);
}

/** @param {number} d */
export function clipNotches(d) {
    return Math.min(Math.max(d, -MOST_NOTCHES), MOST_NOTCHES);
}

/**
 * @typedef {{ctrlKey: boolean, metaKey: boolean, altKey: boolean, shiftKey: boolean}} Modifiers
 * @typedef {'zoom'|'pinch'|'step'|'step10'|'layer'|'ignore'} Meaning
 */

/**
 * @param {Modifiers} event
 * @param {{controlDown: boolean, mac: boolean, shiftSteps: boolean}} context `controlDown`: the key itself is held
 * @returns {Meaning}
 */
export function wheelMeaning(event, { controlDown, mac, shiftSteps }) {
    const mod = mac ? event.metaKey : event.ctrlKey && controlDown;
    if (mod)
        return event.altKey || event.shiftKey ? 'ignore' : 'step';
    if (event.ctrlKey)
        return 'pinch';
    if (event.altKey)
        return event.shiftKey || event.metaKey ? 'ignore' : 'layer';
    if (event.shiftKey)
        return shiftSteps ? 'step10' : 'ignore';
    return event.metaKey ? 'ignore' : 'zoom';
}

/**
 * Turns fractions into whole steps: each event counts at most one notch, remainders are kept.
 * @returns {(d: number) => number} whole notches now due
 */
export function createStepper() {
    let sum = 0;
    return (d) => {
        const clipped = Math.min(Math.max(d, -1), 1);
        if (sum * clipped < 0)
            sum = 0;
        sum += clipped;
        const whole = Math.trunc(sum + Math.sign(sum) * 1e-9);
        sum -= whole;
        return whole || 0;
    };
}
