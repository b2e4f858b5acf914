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
 *   poseSeq?: () => number,
 *   mayMove?: () => boolean,
 *   onRefused?: () => void,
 *   now?: () => number,
 * }} hooks `poseSeq`: the client_seq of the newest pose sent, Infinity while it waits; `onRefused`: moved where it may not
 */
export function createViewport({ send, sendSize, changed, poseSeq, mayMove = () => true, onRefused, now = () => performance.now() }) {
    /** @type {Pose} */
    let pose = { ndisplay: 2, center: [0, 0, 0], zoom: 1, quat: [1, 0, 0, 0], fov: 0 };
    /** @type {Size} */
    let size = { w: 0, h: 0 };
    /** The pose and size a resize starts from, so that shrinking and growing again comes back. */
    let base = { pose, size };
    let rev = 0;
    let known = false;
    let settled = false;
    /** A pose was placed and the server has not answered it: its views are still those from before. */
    let placed = false;
    /** The pose of the mode that was left, and the canvas it was for. @type {Map<number, {pose: Pose, size: Size}>} */
    const left = new Map();
    let session = '';
    let viewId = 'main';
    /** Whose pose it is: another's is not changed because this page got another size. */
    let mine = true;
    /** Moves up to here were made in another view: pictures of this one do not count them. */
    let floor = 0;
    /** The newest write of the camera that was heard of, by ndisplay. @type {Map<number, number>} */
    const heard = new Map();
    /** @type {Map<number, number>} when the input that made a rev came */
    const inputs = new Map();

    /** @param {Pose} next */
    function commit(next) {
        pose = next;
        mine = true;
        rev += 1;
        send(pose, rev);
        changed();
    }

    /** What was visible in a canvas of another size. @param {{pose: Pose, size: Size}} was */
    function fit(was) {
        if (!mayMove())
            return;
        if (was.size.w !== size.w || was.size.h !== size.h)
            commit(resize(was.pose, was.size, size));
        base = was;
    }

    /** @param {number} ndisplay the mode that comes */
    function leave(ndisplay) {
        if (known && ndisplay !== pose.ndisplay)
            left.set(pose.ndisplay, { pose, size });
    }

    /** Is the view's camera newer than all moves of ours that it could show? @param {View} view */
    function caughtUp(view) {
        const by = view.versions?.camera;
        if (by?.server_seq !== undefined && poseSeq) {
            const before = heard.get(view.ndisplay) ?? -1;
            heard.set(view.ndisplay, Math.max(before, by.server_seq));
            // Another's camera that is known already: this view changed in something else, and says nothing of ours.
            if (by.source_client_id !== session)
                return by.server_seq > before;
            if (by.source_client_seq !== undefined)
                return by.source_client_seq >= poseSeq();
        }
        return view.origin?.session !== session || view.origin.rev >= rev;
    }

    /** The view of another id: nothing of what was learnt about the last one holds. @param {string} id */
    function enter(id) {
        viewId = id;
        floor = rev;
        placed = false;
        heard.clear();
        inputs.clear();
        left.clear();
    }

    return {
        pose: () => pose,
        size: () => size,
        /** The newest move that a picture can show. */
        rev: () => (rev > floor ? rev : 0),
        /** False until the server has said where the camera is. */
        known: () => known,

        /** @param {string} id */
        begin(id) {
            session = id;
            rev = floor = 0;
            placed = false;
            viewId = 'main';
            heard.clear();
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
            if (!mayMove()) {
                onRefused?.();
                return;
            }
            commit(next);
            inputs.set(rev, when);
            inputs.delete(rev - KEPT_INPUTS);
            base = { pose, size };
        },

        /** A pose from outside (a link, before a lost connection): counts even when the mode is about to change. @param {Pose} next */
        place(next) {
            leave(next.ndisplay);
            commit(next);
            base = { pose, size };
            known = placed = true;
        },

        /** @param {Size} next */
        setSize(next) {
            if (next.w === size.w && next.h === size.h)
                return;
            size = next;
            if (settled && mine && mayMove())
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
            const by = view.origin?.session ?? '';
            const other = (view.view ?? 'main') !== viewId;
            if (other)
                enter(view.view ?? 'main');
            const newer = caughtUp(view) || other;
            placed = placed && !newer;
            if (known && (next.ndisplay === pose.ndisplay ? !newer || alike(next, pose) : placed))
                return;
            const before = next.ndisplay === pose.ndisplay ? undefined : left.get(next.ndisplay);
            leave(next.ndisplay);
            pose = next;
            mine = !other && (!by || by === session);
            base = { pose, size };
            known = true;
            // The server kept this mode's pose, but not what it showed: the canvas has another size now.
            if (before && by === session && settled && alike(next, before.pose))
                fit(before);
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
