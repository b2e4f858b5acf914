// SPDX-License-Identifier: BSD-3-Clause
// Which value of a property counts: the page's own edit under way, or what the server says. Pure.
//
// The server's writes of a key have an order, server_seq: the highest is the truth, whoever wrote it. An edit of
// the page stands before the truth from the moment it is made until it is answered: an answer comes before any
// notify of what was written later, so an edit without an answer is newer than all that was heard. An older echo of
// the page's own edits therefore never shows; somebody else's newer write shows as soon as nothing of the page's
// own is on its way, also in the middle of an interaction, whose next move starts from there.

/**
 * What the server tells about a write (control_versions of layers, versions of a view).
 * @typedef {{version?: number, server_seq?: number, source_client_id?: string, source_client_seq?: number,
 *   interaction_id?: string, phase?: string}} Version
 */
/**
 * @typedef {{known: unknown, seq: number, local: unknown, pending: boolean, newest: number, at: number}} Entry
 *   `known`: the server's newest word and its `seq`; `local`: the edit, while `pending`; `newest`: its client_seq,
 *   Infinity until it is sent
 */
/** @typedef {{interaction_id?: string, phase?: 'start'|'update'|'end'}} Phase */

/** @param {string} [prefix] of interaction ids */
export function createReconciler(prefix = 'i') {
    /** @type {Map<string, Entry>} */
    let entries = new Map();
    /** @type {Map<string, {key: string, seq: number, at: number}>} by intent */
    let asked = new Map();
    /** @type {Map<string, string>} ids of those that have begun, by key */
    let interactions = new Map();
    let self = '';
    let count = 0;

    /** @param {string} key @param {unknown} known */
    function entry(key, known) {
        let found = entries.get(key);
        if (!found) {
            found = { known, seq: -1, local: undefined, pending: false, newest: -1, at: 0 };
            entries.set(key, found);
        }
        return found;
    }

    /** @param {Entry} e @param {unknown} value @param {Version} [version] */
    function learn(e, value, version) {
        const seq = version?.server_seq;
        if (seq !== undefined && seq < e.seq)
            return;
        e.known = value;
        e.seq = seq ?? e.seq;
    }

    /** @param {Entry} e */
    const shown = (e) => (e.pending ? e.local : e.known);

    return {
        /** A new session: nothing is on its way, and the server counts anew. @param {string} id */
        begin(id) {
            self = id;
            entries = new Map();
            asked = new Map();
            interactions = new Map();
        },

        /**
         * The user changed something; it is shown at once.
         * @param {string} key @param {unknown} value @param {unknown} before what was shown
         */
        edit(key, value, before) {
            const e = entry(key, before);
            Object.assign(e, { local: value, pending: true, newest: Infinity });
        },

        /**
         * The newest edit of a key went out, or could not (no intent).
         * @param {string} key @param {string} intent @param {number} seq its client_seq @param {number} [at]
         */
        sent(key, intent, seq, at = 0) {
            const e = entries.get(key);
            if (!e)
                return;
            e.newest = seq;
            if (intent)
                asked.set(intent, { key, seq, at });
            else
                e.pending = false;
        },

        /**
         * The server tells a value.
         * @param {string} key @param {unknown} value @param {Version} [version]
         * @returns {unknown} what to show
         */
        heard(key, value, version) {
            const e = entry(key, value);
            learn(e, value, version);
            // The echo of the newest edit is as good as its answer.
            if (e.pending && version?.source_client_id === self && version.source_client_seq === e.newest)
                e.pending = false;
            return shown(e);
        },

        /**
         * The server answered an edit.
         * @param {string} intent @param {boolean} accepted @param {unknown} value what was applied @param {Version} [version]
         * @returns {{key: string, value: unknown, at: number}|null} what to show now; null: nobody's edit, or not the newest
         */
        answered(intent, accepted, value, version) {
            const edit = asked.get(intent);
            if (!edit)
                return null;
            asked.delete(intent);
            const e = entry(edit.key, value);
            if (accepted)
                learn(e, value === undefined ? e.local : value, version);
            if (edit.seq !== e.newest)
                return null;
            e.pending = false;
            return { key: edit.key, value: shown(e), at: edit.at };
        },

        /** Is an edit of a key like this on its way? @param {string} start of the key */
        pending: (start) => [...entries].some(([key, e]) => e.pending && key.startsWith(start)),

        /**
         * What to write on an edit about to be sent.
         * @param {string} key
         * @param {boolean} [final] undefined: a single edit; false: more may follow; true: the last of its interaction
         * @returns {Phase}
         */
        phase(key, final) {
            const open = interactions.get(key);
            if (final === undefined || final)
                interactions.delete(key);
            if (final === undefined || (final && !open))
                return {};
            if (final)
                return { interaction_id: open, phase: 'end' };
            const id = open ?? `${prefix}-${++count}`;
            interactions.set(key, id);
            return { interaction_id: id, phase: open ? 'update' : 'start' };
        },

        /** Has an interaction of this key begun? @param {string} key */
        interacting: (key) => interactions.has(key),
    };
}

/** @typedef {ReturnType<typeof createReconciler>} Reconciler */
