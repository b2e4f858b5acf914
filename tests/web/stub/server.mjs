// SPDX-License-Identifier: BSD-3-Clause
// A server for tests: serves web/ with the real headers, speaks the state protocol over a made-up scene and
// paints and encodes whatever pose it is asked for. Tests reach into it to be late, wrong or gone.

import { createServer } from 'node:http';
import { serve } from './files.mjs';
import { createEncoder } from './h264.mjs';
import { png } from './png.mjs';
import { createLayers, createView, HOME, paint } from './scene.mjs';
import { Peer } from './websocket.mjs';

export const COMMANDS = ['napari.pixel.request_keyframe', 'napari.probe', 'napari.layer.auto_contrast', 'napari.layer.range',
    'napari.layer.move', 'napari.layer.remove', 'napari.layer.restore', 'fs.listdir', 'napari.load_zarr'];

export class Stub {
    view = createView();
    layers = createLayers();
    removed = new Map();
    style = 'cells';
    /** Milliseconds from a change to the picture on the wire. */
    delay = 0;
    stills = false;
    commands = COMMANDS;
    codec = 'h264';
    fullRange = true;
    playing = null;
    /** All that clients said on the state channel, and what pages said on the pixel channel. */
    log = [];
    pixelLog = [];
    sessions = 0;
    mostUnacked = 0;
    #state = new Set();
    #pixel = new Set();
    #server;

    async listen(port = 0, host = '127.0.0.1') {
        this.#server = createServer(serve);
        this.#server.on('upgrade', (request, socket) => this.#upgrade(request, socket));
        await new Promise((done) => this.#server.listen(port, host, done));
        this.port = this.#server.address().port;
        this.url = `http://127.0.0.1:${this.port}/`;
        return this;
    }

    async close() {
        this.drop();
        clearInterval(this.playing);
        this.#server?.closeAllConnections?.();
        await new Promise((done) => (this.#server ? this.#server.close(done) : done()));
    }

    /** Every connection dies. */
    drop() {
        for (const peer of [...this.#state, ...this.#pixel])
            peer.destroy();
    }

    /** As a new process on the same data. */
    restart() {
        this.view = createView();
        this.layers = createLayers();
    }

    #upgrade(request, socket) {
        const path = new URL(request.url, 'http://x').pathname;
        if (this.refuse) {
            socket.destroy();
            return;
        }
        const peer = new Peer(request, socket);
        if (path === '/state')
            this.#attachState(peer);
        else
            this.#attachPixel(peer);
    }

    // State channel

    #attachState(peer) {
        this.#state.add(peer);
        peer.on('close', () => this.#state.delete(peer));
        peer.on('message', (text) => this.#receive(peer, JSON.parse(text)));
    }

    #say(peer, type, payload, more = {}) {
        peer.send(JSON.stringify({ type, version: 2, session: peer.session, frame_id: `s-${++peer.count}`, timestamp: Date.now() / 1000, ...more, payload }));
    }

    #topic(peer, type, payload) {
        this.#say(peer, type, payload, { seq: 0, delta_token: 'x' });
    }

    broadcast(type, payload) {
        for (const peer of this.#state)
            if (peer.session)
                this.#say(peer, type, payload);
    }

    #receive(peer, frame) {
        this.log.push(frame);
        if (frame.type === 'session.hello') {
            peer.session = `session-${++this.sessions}`;
            peer.count = 0;
            this.#say(peer, 'session.welcome', {
                protocol_version: 2, session: { id: peer.session, heartbeat_s: 15, ack_timeout_ms: 250 },
                features: { 'notify.scene': { enabled: true, version: 1 }, oriel: { enabled: true, version: 1, resume: false },
                    'call.command': { enabled: true, version: 1, commands: this.commands } },
            });
            this.#topic(peer, 'notify.scene', this.scene());
            this.#say(peer, 'notify.view', this.view);
            this.#say(peer, 'notify.status', { revision: 1, renderer: 'llvmpipe (LLVM 15, 256 bits)', software: true, version: '0.1.0',
                stream: { codec: 'h264', encoder: 'encode/openh264', reason: 'first usable' } });
        } else if (frame.type === 'state.update') {
            this.#update(peer, frame);
        } else if (frame.type === 'call.command') {
            this.#command(peer, frame);
        }
    }

    scene() {
        return { viewer: {}, layers: this.layers, policies: {}, metadata: { status: this.layers.length ? 'ready' : 'idle' } };
    }

    /** The view changed: tell everybody and paint. */
    changed(session = '', rev = undefined) {
        this.view.revision++;
        if (session)
            this.view.origin = { session, rev: rev ?? this.lastRev?.[session] ?? 0 };
        this.broadcast('notify.view', this.view);
        this.repaint();
    }

    notifyScene() {
        for (const peer of this.#state)
            this.#topic(peer, 'notify.scene', this.scene());
        this.repaint();
    }

    #update(peer, frame) {
        const { scope, key, target, value } = frame.payload;
        const row = `${scope}.${key}`;
        const ack = (status, rest) => this.#say(peer, 'ack.state', { intent_id: frame.intent_id, in_reply_to: frame.frame_id, status, ...rest });
        const accept = (applied) => ack('accepted', { version: this.view.revision, applied_value: applied });
        const v = this.view;
        const [w, h] = v.canvas.size;
        if (this.reject === row) {
            ack('rejected', { error: { code: 'state.invalid', message: `${row} is refused here` } });
            return;
        }
        if (row === 'view.pose') {
            (this.lastRev ??= {})[peer.session] = value.rev;
            if (value.ndisplay === v.ndisplay) {
                const { center, quat, fov } = value;
                v.camera = { center, zoom: Math.min(value.zoom, this.mostZoom ?? Infinity), quat, fov };
                this.changed(peer.session, value.rev);
            }
            return;
        }
        if (row === 'view.canvas') {
            v.canvas = { ...v.canvas, size: value.size.map((n) => n & ~1) };
            accept({ size: v.canvas.size });
        } else if (row === 'view.ndisplay') {
            v.ndisplay = value;
            v.camera = { center: value === 3 ? [199.5, 149.5, 19.5] : [199.5, 149.5, 0], zoom: HOME[value](w, h), quat: [1, 0, 0, 0], fov: 0 };
            accept(value);
        } else if (row === 'view.reset') {
            v.camera = { ...v.camera, center: v.ndisplay === 3 ? [199.5, 149.5, 19.5] : [199.5, 149.5, 0], zoom: HOME[v.ndisplay](w, h), quat: [1, 0, 0, 0] };
            accept({});
        } else if (row === 'view.order') {
            v.order = value;
            accept(value);
        } else if (row === 'view.play') {
            v.play = value;
            this.#play();
            accept(value);
        } else if (row === 'dims.index') {
            const axis = /^\d+$/.test(target) ? Number(target) : v.axes.findIndex((a) => a.name === target);
            v.step[axis] = Math.min(Math.max(value, 0), v.axes[axis].size - 1);
            accept(v.step[axis]);
        } else if (scope === 'layer') {
            const layer = this.layers.find((l) => l.layer_id === target);
            if (key === 'name')
                layer.name = value;
            else
                layer.controls[key] = value;
            accept(value);
            for (const other of this.#state)
                this.#topic(other, 'notify.layers', key === 'name' ? { layer_id: target, name: value } : { layer_id: target, controls: { [key]: value } });
            v.revision++;
            this.repaint();
            return;
        } else {
            ack('rejected', { error: { code: 'state.invalid', message: `unsupported ${scope} key ${key}` } });
            return;
        }
        this.changed(peer.session);
    }

    #play() {
        clearInterval(this.playing);
        const { play, axes } = this.view;
        if (!play)
            return;
        const axis = axes.findIndex((a) => a.name === play.axis);
        this.playing = setInterval(() => {
            this.view.step[axis] = (this.view.step[axis] + 1) % axes[axis].size;
            this.changed();
        }, 1000 / play.fps);
    }

    #command(peer, frame) {
        const { command, kwargs } = frame.payload;
        const reply = (result) => this.#say(peer, 'reply.command', { in_reply_to: frame.frame_id, status: 'ok', result });
        const at = this.layers.findIndex((l) => l.layer_id === kwargs.layer_id);
        switch (command) {
        case 'napari.probe':
            this.probes = (this.probes ?? 0) + 1;
            this.mostProbes = Math.max(this.mostProbes ?? 0, this.probes);
            setTimeout(() => this.probes-- && reply({ position: kwargs.position, dims: this.probeDims ?? kwargs.dims,
                layers: this.layers.slice().reverse().map((l, i) => ({ layer_id: l.layer_id, index: [0, 20, 1, 2], value: 1043 + i, level: 0 })) }),
            this.probeDelay ?? 0);
            return;
        case 'napari.layer.auto_contrast':
            this.layers[at].controls.contrast_limits = [200, 2500];
            for (const other of this.#state)
                this.#topic(other, 'notify.layers', { layer_id: kwargs.layer_id, controls: { contrast_limits: [200, 2500] } });
            reply({ contrast_limits: [200, 2500] });
            return;
        case 'napari.layer.range':
            reply({ min: 3, max: 4090, low: 40, high: 3300, bins: Array.from({ length: 256 }, (_, i) =>
                Math.round(9000 * Math.exp(-((i / 12) ** 2)) + 700 * Math.exp(-(((i - 90) / 40) ** 2)) + 60 * Math.exp(-(((i - 200) / 20) ** 2)))) });
            return;
        case 'napari.layer.move':
            this.layers.splice(kwargs.index, 0, ...this.layers.splice(at, 1));
            break;
        case 'napari.layer.remove':
            this.removed.set(kwargs.layer_id, [at, ...this.layers.splice(at, 1)]);
            break;
        case 'napari.layer.restore': {
            const [index, layer] = this.removed.get(kwargs.layer_id);
            this.layers.splice(index, 0, layer);
            break;
        }
        case 'fs.listdir':
            reply({ path: kwargs.path || '/data', has_more: false, entries: [
                { name: 'embryo.ome.zarr', path: '/data/embryo.ome.zarr', is_dir: true, size: 0, mtime: 0, zarr_metadata: { is_dataset: true, has_multiscales: true, dataset_children: [] } },
                { name: 'plates', path: '/data/plates', is_dir: true, size: 0, mtime: 0, zarr_metadata: { is_dataset: false, has_multiscales: false, dataset_children: [] } }] });
            return;
        case 'napari.load_zarr':
            if (!kwargs.path.includes('embryo')) {
                this.#say(peer, 'error.command', { in_reply_to: frame.frame_id, status: 'error', code: 'fs.not_found', message: `${kwargs.path}: no such file` });
                return;
            }
            this.layers = createLayers();
            break;
        }
        reply({});
        if (command !== 'napari.pixel.request_keyframe')
            this.notifyScene();
    }

    // Pixel channel

    #attachPixel(peer) {
        Object.assign(peer, { seq: 0, unacked: [], visible: true, dirty: true, needKey: true, encoder: createEncoder(),
            session: peer.url.searchParams.get('session'), codecs: (peer.url.searchParams.get('codecs') ?? 'h264').split(',') });
        this.lastPixelUrl = peer.url;
        this.#pixel.add(peer);
        peer.on('close', () => this.#pixel.delete(peer));
        peer.on('message', (text) => {
            const message = JSON.parse(text);
            this.pixelLog.push({ at: performance.now(), ...message });
            if (message.type === 'shown')
                peer.unacked = peer.unacked.filter((seq) => seq > message.seq);
            else if (message.type === 'key' && !this.deaf)
                peer.needKey = peer.dirty = true;
            else if (message.type === 'visible') {
                peer.visible = message.value;
                peer.needKey = peer.dirty = true;
            }
            this.#pump(peer);
        });
        this.#pump(peer);
    }

    repaint() {
        for (const peer of this.#pixel) {
            peer.dirty = true;
            this.#pump(peer);
        }
    }

    #pump(peer) {
        if (peer.timer || !peer.dirty || !peer.visible || !this.layers.length || this.mute || !peer.open)
            return;
        if (peer.unacked.length >= 2) {
            // A key picture breaks a jam: what was underway is lost to the page anyway.
            if (!peer.needKey)
                return;
            peer.unacked = [];
        }
        peer.timer = setTimeout(() => {
            peer.timer = null;
            if (!peer.dirty || !peer.visible || !peer.open)
                return;
            peer.dirty = false;
            this.#send(peer);
            this.#pump(peer);
        }, 16);
    }

    #send(peer) {
        const view = structuredClone(this.view);
        const [w, h] = view.canvas.size;
        const rgba = paint(view, this.layers, this.style);
        const rev = this.lastRev?.[peer.session] ?? 0;
        let bytes, key = true, codec = 7;
        if (this.codec === 'h264' && peer.codecs.includes('h264')) {
            ({ key, bytes } = peer.encoder.encode(rgba, w, h, peer.needKey));
            codec = 1;
        } else {
            bytes = png(rgba, w, h);
        }
        peer.needKey = false;
        const sends = [this.message(peer, view, rev, { codec, key, bytes })];
        if (this.stills && codec === 1)
            sends.push(this.message(peer, view, rev, { codec: 7, key: true, still: true, bytes: png(rgba, w, h) }));
        for (const message of sends)
            this.deliver(peer, message);
    }

    deliver(peer, { seq, data }) {
        const send = () => {
            if (this.lose?.(seq)) {
                return;
            }
            peer.unacked.push(seq);
            this.mostUnacked = Math.max(this.mostUnacked, peer.unacked.length);
            peer.send(data);
        };
        if (this.delay)
            setTimeout(send, this.delay);
        else
            send();
    }

    /** A pixel message with the extended header. */
    message(peer, view, rev, { codec, key, bytes, still = false, width, height }) {
        const head = Buffer.alloc(160);
        const seq = peer.seq++;
        head.writeUInt32BE(seq, 0);
        head.writeDoubleBE(Date.now() / 1000, 4);
        head.writeUInt32BE(width ?? view.canvas.size[0], 12);
        head.writeUInt32BE(height ?? view.canvas.size[1], 16);
        head.writeUInt8(codec, 20);
        head.writeUInt8(key ? 1 : 0, 21);
        head.writeUInt16BE(136, 22);
        head.writeUInt16BE(1, 24);
        head.writeUInt16BE((this.coarse ? 0 : 2) | (still ? 4 : 0) | (this.fullRange ? 16 : 0), 26);
        head.writeUInt8(view.ndisplay, 28);
        head.writeUInt8(1, 29);
        head.writeUInt16BE(this.coarse ? 2 : 0, 30);
        head.writeUInt16BE(3, 32);
        head.writeUInt16BE(this.coarse ? 30000 : 65535, 34);
        head.writeBigUInt64BE(BigInt(still ? this.frame : (this.frame = (this.frame ?? 0) + 1)), 40);
        head.writeBigUInt64BE(BigInt(view.revision), 48);
        head.writeBigUInt64BE(BigInt(rev), 56);
        const { center, zoom, quat, fov } = view.camera;
        [...center, zoom, ...quat, fov].forEach((v, i) => head.writeDoubleBE(v, 64 + i * 8));
        [300, 4200, 1100, 100, 2600, 200].forEach((v, i) => head.writeUInt32BE(v, 136 + i * 4));
        return { seq, data: Buffer.concat([head, bytes]) };
    }

    /** Each pixel connection, for a test that wants to send something odd. */
    pixels() {
        return [...this.#pixel];
    }

    /** state.update frames of a row, newest last. */
    updates(row) {
        return this.log.filter((f) => f.type === 'state.update' && `${f.payload.scope}.${f.payload.key}` === row).map((f) => f.payload);
    }

    calls(command) {
        return this.log.filter((f) => f.type === 'call.command' && f.payload.command === command).map((f) => f.payload.kwargs);
    }
}
