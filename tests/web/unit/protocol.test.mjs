// SPDX-License-Identifier: BSD-3-Clause
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createBackoff } from '../../../web/js/protocol/backoff.js';
import { createEnvelopes, parseFrame } from '../../../web/js/protocol/envelope.js';
import { codecString, parsePicture, say } from '../../../web/js/protocol/header.js';
import { splitToken } from '../../../web/js/token.js';
import { createEncoder } from '../stub/h264.mjs';
import { createView } from '../stub/scene.mjs';
import { Stub } from '../stub/server.mjs';

/** @param {Buffer} b */
const exact = (b) => b.buffer.slice(b.byteOffset, b.byteOffset + b.length);

test('the extended header is read field by field', () => {
    const view = { ...createView(), revision: 812, ndisplay: 3, camera: { center: [1, 2, 3], zoom: 2.5, quat: [0.5, 0.5, -0.5, 0.5], fov: 20 } };
    const { data } = new Stub().message({ seq: 7 }, view, 93, { codec: 1, key: true, bytes: Buffer.from([9, 8, 7]) });
    const p = parsePicture(exact(data));
    assert.equal(p.seq, 7);
    assert.deepEqual([p.width, p.height, p.codec, p.key, p.still, p.complete, p.fullRange, p.bottomUp], [640, 480, 1, true, false, true, true, false]);
    assert.deepEqual([p.matrix, p.level, p.levels, p.coverage, p.revision, p.rev], [1, 0, 3, 1, 812, 93]);
    assert.deepEqual(p.pose, { ndisplay: 3, center: [1, 2, 3], zoom: 2.5, quat: [0.5, 0.5, -0.5, 0.5], fov: 20 });
    assert.deepEqual(p.stages, [300, 4200, 1100, 100, 2600, 200]);
    assert.deepEqual([...p.bytes], [9, 8, 7]);
});

test('short, truncated and empty messages are no pictures', () => {
    assert.equal(parsePicture(new ArrayBuffer(23)), null);
    assert.equal(parsePicture(new ArrayBuffer(24)), null);
    const base = Buffer.alloc(30);
    base.writeUInt32BE(2, 12);
    base.writeUInt32BE(2, 16);
    base.writeUInt16BE(136, 22);
    assert.equal(parsePicture(exact(base)), null);
    base.writeUInt16BE(0, 22);
    const plain = parsePicture(exact(base));
    assert.equal(plain.pose, null);
    assert.equal(plain.bottomUp, true);
    assert.equal(plain.bytes.length, 6);
});

test('codec strings come from the stream', () => {
    const { bytes } = createEncoder().encode(new Uint8ClampedArray(32 * 32 * 4), 32, 32);
    assert.equal(codecString(1, bytes), 'avc1.42c028');
    assert.equal(codecString(1, new Uint8Array([0, 0, 0, 1, 0x65, 1])), '');
    assert.equal(codecString(4, new Uint8Array([0])), 'vp8');
    assert.equal(codecString(5, new Uint8Array([0x82])), 'vp09.00.51.08');
    assert.equal(codecString(5, new Uint8Array([0xa2])), 'vp09.01.51.08.03');
});

test('frames carry what each type requires', () => {
    const envelopes = createEnvelopes(() => 12.5);
    const hello = envelopes.hello({ version: '0.1.0', platform: 'x' });
    assert.equal(hello.version, 2);
    assert.ok(!('session' in hello) && hello.frame_id);
    assert.deepEqual(hello.payload.features, { 'notify.scene': true, 'notify.layers': true, 'notify.stream': true,
        'notify.dims': false, 'notify.camera': false, oriel: true });
    envelopes.begin('S');
    const update = envelopes.update('dims', 'index', '1', 4);
    assert.deepEqual([update.session, update.frame_id, update.intent_id], ['S', 'state-00000001', 'intent-00000001']);
    assert.deepEqual(update.payload, { scope: 'dims', key: 'index', target: '1', value: 4, client_seq: 1 });
    const marked = envelopes.update('layer', 'gamma', 'a', 2, { interaction_id: 'i-1', phase: 'start' });
    assert.deepEqual([marked.payload.client_seq, marked.payload.interaction_id, marked.payload.phase], [2, 'i-1', 'start']);
    const call = envelopes.command('napari.probe', { position: [1, 2] });
    assert.deepEqual(call.payload, { command: 'napari.probe', args: [], kwargs: { position: [1, 2] } });
    assert.ok(!('intent_id' in call));
    assert.equal(envelopes.command('napari.screenshot', {}, 9000).payload.timeout_ms, 9000);
    const cancel = envelopes.cancel(call.frame_id);
    assert.deepEqual([cancel.type, cancel.payload], ['cancel.command', { in_reply_to: call.frame_id }]);
    assert.notEqual(cancel.frame_id, call.frame_id);
});

test('hello: the token of a role and the places to go on from, when there are any', () => {
    const envelopes = createEnvelopes();
    const client = { version: '0.1.0', platform: 'x' };
    assert.deepEqual(envelopes.hello(client).payload.resume_tokens, { 'notify.scene': null, 'notify.layers': null, 'notify.stream': null });
    assert.ok(!('auth' in envelopes.hello(client).payload));
    const { payload } = envelopes.hello(client, { token: 's3cret', resume: { 'notify.layers': 'abc' } });
    assert.deepEqual(payload.auth, { type: 'token', token: 's3cret' });
    assert.deepEqual(payload.resume_tokens, { 'notify.scene': null, 'notify.layers': 'abc', 'notify.stream': null });
});

test('the token leaves the address, the rest of it stays', () => {
    assert.deepEqual(splitToken('?token=a%2Bb&source=x'), { token: 'a+b', rest: '?source=x' });
    assert.deepEqual(splitToken('?token='), { token: '', rest: '' });
    assert.deepEqual(splitToken(''), { token: '', rest: '' });
});

test('what is no frame is dropped', () => {
    for (const text of ['', '[]', '{"type":3,"payload":{}}', '{"type":"x"}', 'null', new Uint8Array(2)])
        assert.equal(parseFrame(text), null);
    assert.equal(parseFrame('{"type":"x","payload":{}}').type, 'x');
});

test('words on the pixel socket', () => {
    assert.deepEqual(JSON.parse(say.shown(3, 1.2345, 0)), { type: 'shown', seq: 3, decode_ms: 1.23, wait_ms: 0 });
    assert.deepEqual(JSON.parse(say.visible(false)), { type: 'visible', value: false });
});

test('tries get further apart, up to eight seconds', () => {
    const middle = createBackoff(() => 0.5);
    const waits = Array.from({ length: 10 }, middle.next);
    assert.deepEqual(waits.slice(0, 3).map(Math.round), [500, 800, 1280]);
    assert.equal(waits[9], 8000);
    middle.reset();
    assert.equal(middle.next(), 500);
    assert.equal(createBackoff(() => 0).next(), 400);
});
