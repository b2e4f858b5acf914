// SPDX-License-Identifier: BSD-3-Clause
// The local pose: what gestures change at once and the server follows. Every local change has a number
// (rev); frames and notify.view say which number they show.

import { alike, resize } from './camera.js';

/** @typedef {import('../types.js').Pose} Pose */
/** @typedef {import('../types.js').Size} Size */
/** @typedef {import('../types.js').View} View */

const KEPT_INPUTS = 240;

/** @param {View} view @returns {Pose} */
export function poseOf(view) {
    const { center, zoom, quat, fov } = view.camera;
    return { ndisplay: view.ndisplay, center, zoom, quat, fov };
}

/**
 * @param {{
 *   send: (pose: Pose, rev: number) => void,
 *   sendSize: (size: Size) => void,
 *   changed: () => void,
 *   now?: () => number,
 * }} hooks
 */
export function createViewport({ send, sendSize, changed, now = () => performance.now() }) {
    /** @type {Pose} */
    let pose = { ndisplay: 2, center: [0, 0, 0], zoom: 1, quat: [1, 0, 0, 0], fov: 0 };
    /** @type {Size} */
    let size = { w: 0, h: 0 };
    /** The pose and size a resize starts from, so that shrinking and growing again comes back. */
    let base = { pose, size };
    let rev = 0;
    let known = false;
    let settled = false;
    let session = '';
    /** @type {Map<number, number>} when the input that made a rev came */
    const inputs = new Map();

    /** @param {Pose} next */
    function commit(next) {
        pose = next;
        rev += 1;
        send(pose, rev);
        changed();
    }

    return {
        pose: () => pose,
        size: () => size,
        rev: () => rev,
        /** False until the server has said where the camera is. */
        known: () => known,

        /** @param {string} id */
        begin(id) {
            session = id;
            rev = 0;
            inputs.clear();
        },

        /**
         * A gesture moved the camera.
         * @param {Pose} next
         * @param {number} [when] of the input event
         */
        move(next, when = now()) {
            if (!known || next.ndisplay !== pose.ndisplay)
                return;
            commit(next);
            inputs.set(rev, when);
            inputs.delete(rev - KEPT_INPUTS);
            base = { pose, size };
        },

        /** A pose from outside (a link, before a lost connection): counts even when the mode is about to change. @param {Pose} next */
        place(next) {
            commit(next);
            base = { pose, size };
            known = true;
        },

        /** @param {Size} next */
        setSize(next) {
            if (next.w === size.w && next.h === size.h)
                return;
            size = next;
            if (settled)
                commit(resize(base.pose, base.size, size));
            else
                base = { pose, size };
            changed();
        },

        /** The page has its layout and the scene its home: from now on a new size keeps what is visible. */
        settleLayout() {
            settled = true;
            base = { pose, size };
        },

        /** Tells the server the size that the canvas has come to. */
        announceSize() {
            if (size.w)
                sendSize(size);
        },

        /**
         * The server's camera counts unless moves of ours are still on their way to it.
         * @param {View} view
         */
        adopt(view) {
            const next = poseOf(view);
            const mine = view.origin?.session === session;
            const caughtUp = !mine || (view.origin?.rev ?? 0) >= rev;
            if (known && next.ndisplay === pose.ndisplay && (!caughtUp || alike(next, pose)))
                return;
            pose = next;
            base = { pose, size };
            known = true;
            changed();
        },

        /**
         * How long ago the oldest input was that a picture of `shown` is the first to show.
         * @param {number} shown
         * @returns {number|null} milliseconds
         */
        settle(shown) {
            /** @type {number|null} */
            let oldest = null;
            for (const [number, when] of inputs) {
                if (number > shown)
                    break;
                oldest = oldest === null ? when : Math.min(oldest, when);
                inputs.delete(number);
            }
            return oldest === null ? null : now() - oldest;
        },
    };
}

/** @typedef {ReturnType<typeof createViewport>} Viewport */
