// SPDX-License-Identifier: BSD-3-Clause
// The pixel socket: pictures in, what was shown out. It lives as long as a session does.

import { createBackoff, socketUrl } from './backoff.js';
import { clientName } from './client-name.js';
import { parsePicture, say } from './header.js';

const KEY_COOLDOWN_MS = 1000;
const REFUSED = 4400;

/**
 * @param {{
 *   onPicture: (picture: import('../types.js').Picture) => void,
 *   onOpen: () => void,
 *   onRefused: (reason: string) => void,
 *   onDown: () => void,
 * }} options
 */
export function createPixelSocket({ onPicture, onOpen, onRefused, onDown }) {
    const backoff = createBackoff();
    /** @type {WebSocket|null} */
    let socket = null;
    /** @type {ReturnType<typeof setTimeout>|undefined} */
    let timer;
    /** @type {ReturnType<typeof setTimeout>|undefined} */
    let keyTimer;
    let keyAsked = -Infinity;
    let query = '';

    function open() {
        close();
        const mine = new WebSocket(socketUrl(`pixel?${query}`));
        socket = mine;
        mine.binaryType = 'arraybuffer';
        mine.onopen = () => {
            backoff.reset();
            if (document.hidden)
                mine.send(say.visible(false));
            onOpen();
        };
        mine.onmessage = (event) => {
            if (socket !== mine || !(event.data instanceof ArrayBuffer))
                return;
            const picture = parsePicture(event.data);
            if (picture)
                onPicture(picture);
        };
        mine.onclose = (event) => {
            if (socket !== mine)
                return;
            socket = null;
            if (event.code === REFUSED) {
                onRefused(event.reason);
                return;
            }
            onDown();
            timer = setTimeout(open, backoff.next());
        };
    }

    function close() {
        clearTimeout(timer);
        clearTimeout(keyTimer);
        keyAsked = -Infinity;
        const old = socket;
        socket = null;
        old?.close();
    }

    /** @param {string} message */
    function send(message) {
        if (socket?.readyState === WebSocket.OPEN)
            socket.send(message);
    }

    return {
        /** @param {string} session @param {string} ticket of its welcome, the right to its pictures @param {string[]} codecs best first */
        connect(session, ticket, codecs) {
            query = `ext=1&codecs=${codecs.join(',')}&still=png&session=${encodeURIComponent(session)}&ticket=${encodeURIComponent(ticket)}&client=${clientName()}`;
            backoff.reset();
            open();
        },
        close,
        /** @param {number} seq @param {number} decode @param {number} wait */
        shown: (seq, decode, wait) => send(say.shown(seq, decode, wait)),
        /** @param {boolean} value */
        visible: (value) => send(say.visible(value)),

        /** Asks for a key picture, at most once a second; a request inside that second waits. @param {string} reason */
        requestKey(reason) {
            clearTimeout(keyTimer);
            const wait = keyAsked + KEY_COOLDOWN_MS - performance.now();
            if (wait > 0) {
                keyTimer = setTimeout(() => {
                    keyAsked = performance.now();
                    send(say.key(reason));
                }, wait);
                return;
            }
            keyAsked = performance.now();
            send(say.key(reason));
        },
        /** A key picture came: nothing left to ask for. */
        keyArrived: () => clearTimeout(keyTimer),
    };
}

/** @typedef {ReturnType<typeof createPixelSocket>} PixelSocket */
