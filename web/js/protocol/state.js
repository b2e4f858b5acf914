// SPDX-License-Identifier: BSD-3-Clause
// The state socket: handshake, heartbeat, reconnection, commands. Knows no meaning of what it carries.

import { createBackoff, socketUrl } from './backoff.js';
import { RESUMABLE, createEnvelopes, parseFrame } from './envelope.js';

/** @typedef {import('./envelope.js').Frame} Frame */
/** @typedef {{session: string, ticket: string, commands: string[], role: string}} Welcome */

/** More than this waiting in the socket: only the newest of everything is worth sending. */
export const CONGESTED = 16384;
/** The code of a call that was taken back. */
export const CANCELLED = 'command.cancelled';
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
 *   onWelcome: (welcome: Welcome) => void,
 *   onFrame: (frame: Frame) => void,
 *   version: string,
 *   token: () => string,
 * }} options
 */
export function createStateSocket({ onLink, onWelcome, onFrame, version, token }) {
    const envelopes = createEnvelopes();
    const backoff = createBackoff();
    /** @type {Map<string, {resolve: (result: any) => void, reject: (error: Error) => void}>} */
    const calls = new Map();
    /** Where a later connection goes on, by topic. @type {Record<string, string>} */
    let resume = {};
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
        mine.onopen = () => mine.send(JSON.stringify(envelopes.hello(
            { version, platform: navigator.platform || 'web' }, { token: token(), resume })));
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
        onLink({ phase: 'lost', code: '', reason, retryAt: Date.now() + wait });
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
            if (frame.delta_token && RESUMABLE.some((topic) => topic === frame.type))
                resume[frame.type] = frame.delta_token;
            onFrame(frame);
        }
    }

    /** @param {Frame} frame */
    function greet({ type, payload }) {
        if (type === 'session.reject' && payload.code === 'invalid_resume_token') {
            resume = {};
            lost('');
            return;
        }
        if (type === 'session.reject') {
            resume = {};
            drop();
            stopped = true;
            clearTimeout(timer);
            onLink({ phase: 'refused', code: String(payload.code), reason: String(payload.message || payload.code), retryAt: 0 });
            return;
        }
        if (type !== 'session.welcome' || !payload.session)
            return;
        clearTimeout(timer);
        backoff.reset();
        welcomed = true;
        heartbeat = Number(payload.session.heartbeat_s) || 0;
        lastBeat = Date.now();
        const session = String(payload.session.id);
        envelopes.begin(session);
        for (const topic of RESUMABLE)
            resume[topic] = payload.features?.[topic]?.resume_state?.delta_token ?? resume[topic];
        const calling = payload.features?.['call.command'];
        const role = String(payload.features?.oriel?.role ?? 'editor');
        const ticket = String(payload.features?.oriel?.pixel_ticket ?? '');
        onWelcome({ session, ticket, commands: calling?.enabled ? calling.commands || [] : [], role });
        onLink({ phase: 'open', code: '', reason: '', retryAt: 0 });
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
     * @param {{signal?: AbortSignal, timeout?: number}} [options] `signal` cancels the call here and there; milliseconds
     * @returns {Promise<any>}
     */
    function command(name, kwargs = {}, { signal, timeout } = {}) {
        if (!welcomed)
            return Promise.reject(new CommandError('session.closed', 'Not connected'));
        if (signal?.aborted)
            return Promise.reject(new CommandError(CANCELLED, 'Cancelled'));
        const frame = envelopes.command(name, kwargs, timeout);
        return new Promise((resolve, reject) => {
            calls.set(frame.frame_id, { resolve, reject });
            write(frame);
            signal?.addEventListener('abort', () => {
                if (!calls.delete(frame.frame_id))
                    return;
                write(envelopes.cancel(frame.frame_id));
                reject(new CommandError(CANCELLED, 'Cancelled'));
            });
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
         * @param {import('./envelope.js').Marks} [marks]
         * @returns {{intent: string, seq: number}} as the server will name it; an empty intent when not connected
         */
        update(scope, key, target, value, marks) {
            if (!welcomed)
                return { intent: '', seq: 0 };
            const frame = envelopes.update(scope, key, target, value, marks);
            write(frame);
            return { intent: frame.intent_id ?? '', seq: frame.payload.client_seq };
        },
    };
}

/** @typedef {ReturnType<typeof createStateSocket>} StateSocket */
