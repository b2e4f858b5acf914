// SPDX-License-Identifier: BSD-3-Clause
// The state socket: handshake, heartbeat, reconnection, commands. Knows no meaning of what it carries.

import { createBackoff, socketUrl } from './backoff.js';
import { createEnvelopes, parseFrame } from './envelope.js';

/** @typedef {import('./envelope.js').Frame} Frame */

/** More than this waiting in the socket: only the newest of everything is worth sending. */
export const CONGESTED = 16384;
const WELCOME_MS = 5000;
const WAKE_MS = 5000;
const WAKE_ANSWER_MS = 1500;

/** An answer that says no. */
export class CommandError extends Error {
    /** @param {string} code @param {string} message @param {Record<string, any>} [details] */
    constructor(code, message, details = {}) {
        super(message);
        this.code = code;
        this.details = details;
    }
}

/**
 * @param {{
 *   onLink: (link: import('../types.js').Link) => void,
 *   onWelcome: (session: string, commands: string[]) => void,
 *   onFrame: (frame: Frame) => void,
 *   version: string,
 * }} options
 */
export function createStateSocket({ onLink, onWelcome, onFrame, version }) {
    const envelopes = createEnvelopes();
    const backoff = createBackoff();
    /** @type {Map<string, {resolve: (result: any) => void, reject: (error: Error) => void}>} */
    const calls = new Map();
    /** @type {WebSocket|null} */
    let socket = null;
    let welcomed = false;
    let stopped = false;
    let heartbeat = 15;
    let lastBeat = 0;
    let lastTick = Date.now();
    /** @type {ReturnType<typeof setTimeout>|undefined} */
    let timer;

    function connect() {
        clearTimeout(timer);
        stopped = false;
        drop();
        const mine = new WebSocket(socketUrl('state'));
        socket = mine;
        mine.onopen = () => mine.send(JSON.stringify(envelopes.hello({ version, platform: navigator.platform || 'web' })));
        mine.onmessage = (event) => socket === mine && receive(event.data);
        mine.onclose = () => socket === mine && lost('');
        timer = setTimeout(() => socket === mine && !welcomed && lost('The server does not answer'), WELCOME_MS);
    }

    /** Lets go of the socket, if any, without a word to anybody. */
    function drop() {
        const old = socket;
        socket = null;
        welcomed = false;
        old?.close();
        for (const call of calls.values())
            call.reject(new CommandError('session.closed', 'The connection was lost'));
        calls.clear();
    }

    /** @param {string} reason */
    function lost(reason) {
        drop();
        clearTimeout(timer);
        const wait = backoff.next();
        timer = setTimeout(connect, wait);
        onLink({ phase: 'lost', reason, retryAt: Date.now() + wait });
    }

    /** @param {unknown} data */
    function receive(data) {
        const frame = parseFrame(data);
        if (!frame)
            return;
        const { payload } = frame;
        if (!welcomed) {
            greet(frame);
            return;
        }
        switch (frame.type) {
        case 'session.heartbeat':
            lastBeat = Date.now();
            write(envelopes.heard());
            break;
        case 'session.goodbye':
            lost(String(payload.message || payload.reason || ''));
            break;
        case 'reply.command':
            settle(payload)?.resolve(payload.result ?? null);
            break;
        case 'error.command':
            settle(payload)?.reject(new CommandError(String(payload.code), String(payload.message), payload.details));
            break;
        default:
            onFrame(frame);
        }
    }

    /** @param {Frame} frame */
    function greet({ type, payload }) {
        if (type === 'session.reject') {
            drop();
            stopped = true;
            clearTimeout(timer);
            onLink({ phase: 'refused', reason: String(payload.message || payload.code), retryAt: 0 });
            return;
        }
        if (type !== 'session.welcome' || !payload.session)
            return;
        clearTimeout(timer);
        backoff.reset();
        welcomed = true;
        heartbeat = Number(payload.session.heartbeat_s) || 0;
        lastBeat = Date.now();
        envelopes.begin(String(payload.session.id));
        const calling = payload.features?.['call.command'];
        onWelcome(String(payload.session.id), calling?.enabled ? calling.commands || [] : []);
        onLink({ phase: 'open', reason: '', retryAt: 0 });
    }

    /** @param {Record<string, any>} payload */
    function settle(payload) {
        const id = String(payload.in_reply_to);
        const call = calls.get(id);
        calls.delete(id);
        return call;
    }

    /** @param {object} frame */
    function write(frame) {
        if (socket && welcomed && socket.readyState === WebSocket.OPEN)
            socket.send(JSON.stringify(frame));
    }

    /**
     * @param {string} name
     * @param {Record<string, any>} [kwargs]
     * @returns {Promise<any>}
     */
    function command(name, kwargs = {}) {
        if (!welcomed)
            return Promise.reject(new CommandError('session.closed', 'Not connected'));
        const frame = envelopes.command(name, kwargs);
        return new Promise((resolve, reject) => {
            calls.set(frame.frame_id, { resolve, reject });
            write(frame);
        });
    }

    /** Silence, or a clock that jumped: this machine slept and the socket may be a ghost. */
    function watch() {
        const now = Date.now();
        const slept = now - lastTick > WAKE_MS;
        lastTick = now;
        if (!welcomed)
            return;
        if (heartbeat > 0 && now - lastBeat > Math.max(heartbeat + 1, heartbeat * 1.5) * 1000 && !slept)
            lost('The server went silent');
        else if (slept)
            probe();
    }

    function probe() {
        const mine = socket;
        const patience = setTimeout(() => socket === mine && lost('No answer after sleep'), WAKE_ANSWER_MS);
        const alive = () => {
            lastBeat = Date.now();
            clearTimeout(patience);
        };
        command('napari.pixel.request_keyframe').then(alive, alive);
    }

    function retryNow() {
        if (!welcomed && !stopped)
            connect();
    }

    setInterval(watch, 1000);
    window.addEventListener('online', retryNow);
    document.addEventListener('visibilitychange', () => !document.hidden && retryNow());
    window.addEventListener('pagehide', (event) => {
        if (event.persisted) {
            stopped = true;
            clearTimeout(timer);
            drop();
        }
    });
    window.addEventListener('pageshow', (event) => event.persisted && connect());

    return {
        connect,
        command,
        congested: () => (socket?.bufferedAmount ?? 0) > CONGESTED,
        ready: () => welcomed,

        /**
         * @param {string} scope @param {string} key @param {string} target @param {unknown} value
         * @returns {string} the intent, as its acknowledgement will name it; empty when not connected
         */
        update(scope, key, target, value) {
            if (!welcomed)
                return '';
            const frame = envelopes.update(scope, key, target, value);
            write(frame);
            return frame.intent_id ?? '';
        },
    };
}

/** @typedef {ReturnType<typeof createStateSocket>} StateSocket */
