// SPDX-License-Identifier: BSD-3-Clause
// Frames of the state channel, protocol version 2; pure.

export const VERSION = 2;

/**
 * @typedef {{type: string, version?: number, session?: string, frame_id?: string, seq?: number,
 *   delta_token?: string, intent_id?: string, payload: Record<string, any>}} Frame
 */

/** @param {string} prefix @param {number} n */
function identity(prefix, n) {
    return `${prefix}-${n.toString(16).padStart(8, '0')}`;
}

/** Topics whose frames carry a token that a later connection resumes from. */
export const RESUMABLE = /** @type {const} */ (['notify.scene', 'notify.layers', 'notify.stream']);
/** @typedef {{client_seq?: number, interaction_id?: string, phase?: string}} Marks What an update says about itself. */

/** Makes frames; counters start again with every session. @param {() => number} [now] Unix seconds */
export function createEnvelopes(now = () => Date.now() / 1000) {
    let count = 0;
    let session = '';

    /** @param {string} type @param {Record<string, any>} payload @param {{session?: string, frame_id: string, intent_id?: string}} more */
    const frame = (type, payload, more) => ({ type, version: VERSION, timestamp: now(), ...more, payload });

    return {
        /** @param {string} id */
        begin(id) {
            session = id;
            count = 0;
        },

        /**
         * @param {{version: string, platform: string}} client
         * @param {{token?: string, resume?: Record<string, string>}} [more] the token of a role; where to go on, by topic
         */
        hello: ({ version, platform }, { token = '', resume = {} } = {}) => frame('session.hello', {
            protocols: [VERSION],
            client: { name: 'oriel-web', version, platform },
            features: {
                'notify.scene': true, 'notify.layers': true, 'notify.stream': true,
                'notify.dims': false, 'notify.camera': false, oriel: true,
            },
            resume_tokens: Object.fromEntries(RESUMABLE.map((topic) => [topic, resume[topic] ?? null])),
            ...(token ? { auth: { type: 'token', token } } : {}),
        }, { frame_id: identity('hello', 1) }),

        heard: () => frame('session.ack', {}, { session, frame_id: identity('ack', ++count) }),

        /** @param {string} scope @param {string} key @param {string} target @param {unknown} value @param {Marks} [marks] */
        update(scope, key, target, value, marks = {}) {
            const n = ++count;
            return frame('state.update', { scope, target, key, value, client_seq: n, ...marks },
                { session, frame_id: identity('state', n), intent_id: identity('intent', n) });
        },

        /** @param {string} command @param {Record<string, any>} kwargs @param {number} [timeout] milliseconds */
        command: (command, kwargs, timeout) => frame('call.command',
            { command, args: [], kwargs, ...(timeout ? { timeout_ms: timeout } : {}) },
            { session, frame_id: identity('cmd', ++count) }),

        /** @param {string} call frame_id of the command that is not wanted any more */
        cancel: (call) => frame('cancel.command', { in_reply_to: call }, { session, frame_id: identity('cancel', ++count) }),
    };
}

/**
 * @param {unknown} text
 * @returns {Frame|null} null when it is no frame
 */
export function parseFrame(text) {
    if (typeof text !== 'string')
        return null;
    try {
        const frame = JSON.parse(text);
        if (!frame || typeof frame.type !== 'string' || !frame.payload || typeof frame.payload !== 'object')
            return null;
        return frame;
    } catch {
        return null;
    }
}
