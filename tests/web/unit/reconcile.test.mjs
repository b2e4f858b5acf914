// SPDX-License-Identifier: BSD-3-Clause
// Which value of a property counts, by a table of interleavings. The page is "me" and edits one property that the
// server first tells as 0. Steps, in order of what happens at the page:
//   edit V          the user sets V (shown at once)
//   send            the newest edit goes out; client_seq 1, 2, …
//   lost            it could not be sent
//   ack N V S       the server accepted the edit with client_seq N as V, server_seq S
//   no N            the server refused it
//   me N V S        a notify of V that my edit N made, server_seq S
//   other V S       a notify of V that somebody else made, server_seq S
//   old V           a notify without a version, as an older server sends it
// After every step: what is shown.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createReconciler } from '../../../web/js/reconcile.js';

/** @type {[string, [string, number][]][]} */
const CASES = [
    ['an edit shows at once and stays', [['edit 1', 1], ['send', 1], ['ack 1 1 10', 1], ['me 1 1 10', 1]]],
    ['the server clamps it', [['edit 9', 9], ['send', 9], ['ack 1 5 10', 5], ['me 1 5 10', 5]]],
    ['refused: back to what was there', [['edit 1', 1], ['send', 1], ['no 1', 0]]],
    ['refused after somebody else wrote: to theirs', [['edit 1', 1], ['send', 1], ['other 7 10', 1], ['no 1', 7]]],
    ['could not be sent: back to the server’s word', [['edit 1', 1], ['lost', 0]]],
    ['a drag: older echoes and answers do not pull it back', [['edit 1', 1], ['send', 1], ['edit 2', 2], ['send', 2], ['ack 1 1 10', 2], ['edit 3', 3],
        ['me 1 1 10', 3], ['send', 3], ['ack 2 2 11', 3], ['me 2 2 11', 3], ['ack 3 3 12', 3], ['me 3 3 12', 3]]],
    ['the echo comes before the answer', [['edit 1', 1], ['send', 1], ['me 1 1 10', 1], ['ack 1 1 10', 1]]],
    ['an echo late, after a newer answer', [['edit 1', 1], ['send', 1], ['edit 2', 2], ['send', 2], ['ack 1 1 10', 2], ['ack 2 2 11', 2], ['me 1 1 10', 2]]],
    ['somebody else before mine: mine is last and wins', [['edit 1', 1], ['send', 1], ['other 7 10', 1], ['ack 1 1 11', 1], ['me 1 1 11', 1]]],
    ['somebody else after mine: theirs wins', [['edit 1', 1], ['send', 1], ['ack 1 1 10', 1], ['other 7 11', 7], ['me 1 1 10', 7]]],
    ['theirs is heard before my older answer: theirs wins', [['edit 1', 1], ['send', 1], ['other 7 11', 1], ['ack 1 1 10', 7]]],
    ['somebody else while I hold still: shown; my next move goes on', [['edit 1', 1], ['send', 1], ['ack 1 1 10', 1], ['other 7 11', 7], ['edit 2', 2],
        ['send', 2], ['ack 2 2 12', 2], ['me 2 2 12', 2]]],
    ['somebody else between my edit and its sending: mine is last', [['edit 1', 1], ['other 7 10', 1], ['send', 1], ['ack 1 1 11', 1]]],
    ['two others out of order: the newer stays', [['other 7 11', 7], ['other 6 10', 7], ['other 8 12', 8]]],
    ['the first of two edits refused, the second taken', [['edit 1', 1], ['send', 1], ['edit 2', 2], ['send', 2], ['no 1', 2], ['ack 2 2 10', 2]]],
    ['the first taken, the second refused: back to the first', [['edit 1', 1], ['send', 1], ['edit 2', 2], ['send', 2], ['ack 1 1 10', 2], ['no 2', 1]]],
    ['without versions: an edit under way stands, then the last heard', [['edit 1', 1], ['send', 1], ['old 7', 1], ['ack 1 1 -', 1], ['old 8', 8]]],
];

for (const [what, steps] of CASES) {
    test(what, () => {
        const r = createReconciler();
        r.begin('me');
        let shown = r.heard('k', 0, { server_seq: 1, source_client_id: '' });
        let sent = 0;
        const version = (seq, from, n) => (seq === '-' ? undefined
            : { server_seq: Number(seq), source_client_id: from, source_client_seq: n });
        for (const [step, expected] of steps) {
            const [verb, a, b, c] = step.split(' ');
            if (verb === 'edit') {
                r.edit('k', Number(a), shown);
                shown = Number(a);
            } else if (verb === 'send') {
                r.sent('k', `intent-${++sent}`, sent);
            } else if (verb === 'lost') {
                r.sent('k', '', 0);
                shown = r.heard('k', 0, version('1', ''));
            } else if (verb === 'ack' || verb === 'no') {
                const answer = r.answered(`intent-${a}`, verb === 'ack', Number(b), version(c ?? '-', 'me', Number(a)));
                shown = answer ? answer.value : shown;
            } else if (verb === 'me') {
                shown = r.heard('k', Number(b), version(c, 'me', Number(a)));
            } else if (verb === 'other') {
                shown = r.heard('k', Number(a), version(b, 'somebody', 99));
            } else {
                shown = r.heard('k', Number(a));
            }
            assert.equal(shown, expected, `after “${step}”`);
        }
    });
}

test('whoever writes in whatever order: in the end the write with the highest server_seq shows', () => {
    let seed = 7;
    const random = (n) => (seed = (seed * 48271) % 2147483647) % n;
    for (let round = 0; round < 2000; round++) {
        const r = createReconciler();
        r.begin('me');
        let shown = r.heard('k', -1, { server_seq: 0, source_client_id: '' });
        let seq = 0;
        let mine = 0;
        let last = -1;
        const flying = []; // my edits on their way to the server, in order
        const coming = []; // the server's words on their way here, in order
        for (let step = 0; step < 30 || flying.length || coming.length; step++) {
            const what = step < 30 ? random(4) : 2 + (step % 2);
            if (what === 0) {
                r.edit('k', 1000 * ++mine, shown);
                shown = 1000 * mine;
                r.sent('k', `i${mine}`, mine);
                flying.push(mine);
            } else if (what === 1) {
                last = ++seq;
                coming.push(['other', seq, seq]);
            } else if (what === 2 && flying.length) {
                const n = flying.shift();
                if (random(5) === 0) {
                    coming.push(['no', n]);
                } else {
                    last = 1000 * n;
                    coming.push(['ack', n, ++seq]);
                    if (random(2))
                        coming.push(['me', n, seq]);
                }
            } else if (what === 3 && coming.length) {
                const [verb, a, b] = coming.shift();
                if (verb === 'other')
                    shown = r.heard('k', a, { server_seq: b, source_client_id: 'x' });
                else if (verb === 'me')
                    shown = r.heard('k', 1000 * a, { server_seq: b, source_client_id: 'me', source_client_seq: a });
                else
                    shown = r.answered(`i${a}`, verb === 'ack', 1000 * a, { server_seq: b, source_client_id: 'me', source_client_seq: a })?.value ?? shown;
                if (flying.length && flying.at(-1) === mine)
                    assert.equal(shown, 1000 * mine, 'an edit under way was pulled back');
            }
        }
        assert.equal(shown, last, `round ${round}`);
    }
});

test('a new session knows nothing of the last one', () => {
    const r = createReconciler();
    r.begin('a');
    r.heard('k', 5, { server_seq: 900, source_client_id: 'x' });
    r.edit('k', 6, 5);
    r.sent('k', 'i', 1);
    r.begin('b');
    assert.equal(r.heard('k', 2, { server_seq: 3, source_client_id: 'x' }), 2);
    assert.equal(r.answered('i', true, 6), null);
    assert.ok(!r.pending('k'));
});

test('phases: a drag starts, goes on and ends under one id; a step is neither', () => {
    const r = createReconciler();
    assert.deepEqual(r.phase('k'), {});
    const first = r.phase('k', false);
    assert.equal(first.phase, 'start');
    assert.ok(r.interacting('k'));
    assert.deepEqual(r.phase('k', false), { ...first, phase: 'update' });
    assert.deepEqual(r.phase('k', true), { ...first, phase: 'end' });
    assert.deepEqual(r.phase('k', true), {});
    const second = r.phase('k', false);
    assert.equal(second.phase, 'start');
    assert.notEqual(second.interaction_id, first.interaction_id);
    assert.deepEqual(r.phase('k'), {});
    assert.ok(!r.interacting('k'));
});
