// SPDX-License-Identifier: BSD-3-Clause
// The way of a picture: socket, decoder, presenter; and what the page tells the server about it.

import { codecName } from '../protocol/header.js';
import { createPixelSocket } from '../protocol/pixel.js';
import { createDecoder } from './decoder.js';
import { createLadder } from './ladder.js';

const VISIBLE_WATCHDOG_MS = 2500;

/**
 * @param {{
 *   store: import('../store.js').Store,
 *   present: (shown: import('./present.js').Shown) => void,
 *   newStream: () => void,
 *   stats: import('../stats.js').Stats,
 * }} parts
 */
export function createPictures({ store, present, newStream, stats }) {
    let session = '';
    let ticket = '';
    let lastCodec = '';
    let lastPictureAt = 0;
    /** @type {ReturnType<typeof setTimeout>|undefined} */
    let watchdog;

    const ladder = createLadder({
        software: () => {
            decoder.prefer('prefer-software');
            socket.requestKey('software decoding');
        },
        change: () => {
            decoder.prefer('no-preference');
            reconnect();
        },
    });

    const decoder = createDecoder({
        onImage: (image, picture, arrived) => {
            const decoded = performance.now();
            stats.decoded(decoded - arrived);
            present({ image, picture, arrived, decoded });
        },
        onBroken: () => {
            stats.broke();
            ladder.failed(lastCodec);
        },
        onSlow: () => ladder.slow(lastCodec),
        requestKey: (reason) => socket.requestKey(reason),
        keyArrived: () => socket.keyArrived(),
        // Not on the screen, but out of the way: the server may send the next.
        onDrop: (picture) => {
            stats.dropped();
            socket.shown(picture.seq, 0, 0);
        },
    });

    const socket = createPixelSocket({
        onOpen: () => decoder.restart(),
        onPicture: (picture) => {
            lastPictureAt = performance.now();
            if (!picture.still)
                lastCodec = codecName(picture.codec);
            stats.received(picture);
            decoder.push(picture);
        },
        onRefused: (reason) => say({ rung: '', why: `No pictures: ${reason || 'the server refused'}` }),
        onDown: () => decoder.restart(),
    });

    /** @param {Partial<import('../types.js').PictureState>} patch */
    function say(patch) {
        store.set({ picture: { ...store.get().picture, ...patch } });
    }

    function reconnect() {
        if (!session)
            return;
        decoder.restart();
        newStream();
        say({ why: ladder.why('') });
        socket.connect(session, ticket, ladder.codecs());
    }

    function onVisibility() {
        clearTimeout(watchdog);
        socket.visible(!document.hidden);
        if (document.hidden || !session)
            return;
        socket.requestKey('visible again');
        const since = performance.now();
        watchdog = setTimeout(() => lastPictureAt < since && reconnect(), VISIBLE_WATCHDOG_MS);
    }

    document.addEventListener('visibilitychange', onVisibility);
    window.addEventListener('pagehide', () => {
        socket.close();
        decoder.close();
    });

    return {
        explore: ladder.explore,
        /** @param {string} id of the state session @param {string} pass its ticket */
        connect(id, pass) {
            session = id;
            ticket = pass;
            reconnect();
        },
        /** For another view of the session. */
        reopen: reconnect,
        close() {
            session = '';
            clearTimeout(watchdog);
            socket.close();
            decoder.close();
        },
        softwareDecoding() {
            decoder.prefer('prefer-software');
            socket.requestKey('software decoding');
        },

        /**
         * A picture reached the screen.
         * @param {import('./present.js').Shown} shown
         * @param {number} waited
         */
        shown({ picture, arrived, decoded }, waited) {
            socket.shown(picture.seq, decoded - arrived, waited);
            stats.shown(picture, waited, decoder.held());
            const now = store.get().picture;
            const rung = picture.still ? now.rung : codecName(picture.codec);
            const why = ladder.why(rung);
            const same = now.seen && now.rung === rung && now.level === picture.level && now.still === picture.still &&
                now.levels === picture.levels && now.complete === picture.complete && now.width === picture.width &&
                now.height === picture.height && now.coverage === picture.coverage &&
                now.revision === picture.revision && now.why === why;
            if (!same) {
                say({
                    rung, why, level: picture.level, levels: picture.levels, coverage: picture.coverage,
                    complete: picture.complete, still: picture.still, width: picture.width, height: picture.height,
                    revision: picture.revision, seen: true,
                });
            }
        },
    };
}

/** @typedef {ReturnType<typeof createPictures>} Pictures */
