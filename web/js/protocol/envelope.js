// SPDX-License-Identifier: BSD-3-Clause
// Frames of the state channel, protocol version 2; pure.

export const VERSION = 2;

/**
 * @typedef {{type: string, version?: number, session?: string, frame_id?: string, seq?: number,
 *   intent_id?: string, payload: Record<string, any>}} Frame
 */

/** @param {string} prefix @param {number} n */
function identity(prefix, n) {
    return `${prefix}-${n.toString(16).padStart(8, '0')}`;
}

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

        /** @param {{version: string, platform: string}} client */
        hello: ({ version, platform }) => frame('session.hello', {
            protocols: [VERSION],
            client: { name: 'oriel-web', version, platform },
            features: {
                'notify.scene': true, 'notify.layers': true, 'notify.stream': true,
                'notify.dims': false, 'notify.camera': false, oriel: true,
            },
            resume_tokens: { 'notify.scene': null, 'notify.layers': null, 'notify.stream': null },
        }, { frame_id: identity('hello', 1) }),

        heard: () => frame('session.ack', {}, { session, frame_id: identity('ack', ++count) }),

        /** @param {string} scope @param {string} key @param {string} target @param {unknown} value */
        update(scope, key, target, value) {
            const n = ++count;
            return frame('state.update', { scope, target, key, value },
                { session, frame_id: identity('state', n), intent_id: identity('intent', n) });
        },

        /** @param {string} command @param {Record<string, any>} kwargs */
        command: (command, kwargs) => frame('call.command', { command, args: [], kwargs },
            { session, frame_id: identity('cmd', ++count) }),
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
