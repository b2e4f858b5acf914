// SPDX-License-Identifier: BSD-3-Clause
// How long to wait before the next try: 0.5 s × 1.6 up to 8 s, ±20 % so that many pages do not come at once.

/** @param {() => number} [random] */
export function createBackoff(random = Math.random) {
    let tries = 0;
    return {
        /** @returns {number} milliseconds */
        next: () => Math.min(8000, 500 * 1.6 ** tries++) * (0.8 + 0.4 * random()),
        reset() {
            tries = 0;
        },
    };
}

/**
 * A socket address beside this page, whatever path it lives under.
 * @param {string} relative
 */
export function socketUrl(relative) {
    const url = new URL(relative, document.baseURI);
    url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:';
    url.hash = '';
    return url.href;
}
