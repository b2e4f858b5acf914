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
    'napari.layer.move', 'napari.layer.remove', 'napari.layer.restore', 'fs.listdir', 'napari.load_zarr', 'napari.layer.add',
    'napari.scene.get', 'napari.scene.save', 'napari.scene.load', 'napari.scene.list', 'napari.close', 'napari.screenshot',
    'napari.view.fork', 'napari.view.follow', 'oriel.modules', 'oriel.streams', 'oriel.describe'];
/** What a viewer may call. */
const READING = ['napari.pixel.request_keyframe', 'napari.probe', 'napari.layer.range', 'fs.listdir', 'napari.scene.get', 'napari.scene.list',
    'napari.screenshot', 'napari.view.fork', 'napari.view.follow', 'oriel.modules', 'oriel.streams', 'oriel.describe'];

export class Stub {
    view = createView();
    /** Views of single sessions, by id. */
    forks = new Map();
    mostForks = 4;
    /** Role by token; null: everybody is an editor. */
    tokens = null;
    /** Role of those without a token, where there are tokens. */
    anonymous = '';
    serverSeq = 0;
    /** Writes of keys, newest: "layer-0/gamma", "main/step". */
    versions = new Map();
    scenes = new Map();
    folder = null;
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
        this.versions.clear();
        this.serverSeq = 0;
    }

    /** An orderly end: everybody is told, then cut off. */
    goodbye(message = 'The server is shutting down') {
        this.broadcast('session.goodbye', { code: 'shutdown', message, reason: 'shutdown' });
        this.drop();
    }

    role(token) {
        return this.tokens ? this.tokens[token] ?? this.anonymous : 'editor';
    }

    /** The view that a session looks through. */
    viewOf(session) {
        return this.forks.get(this.peer(session)?.viewId) ?? this.view;
    }

    peer(session) {
        return [...this.#state].find((peer) => peer.session === session);
    }

    /** A write of a key: its version. */
    write(key, session = '', payload = {}) {
        const version = { version: (this.versions.get(key)?.version ?? 0) + 1, server_seq: ++this.serverSeq, source_client_id: session,
            source_client_seq: payload.client_seq, interaction_id: payload.interaction_id, phase: payload.phase };
        this.versions.set(key, version);
        return version;
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
        peer.viewId = 'main';
        peer.on('close', () => {
            this.#state.delete(peer);
            this.forks.delete(peer.viewId);
        });
        peer.on('message', (text) => this.#receive(peer, JSON.parse(text)));
    }

    #say(peer, type, payload, more = {}) {
        peer.send(JSON.stringify({ type, version: 2, session: peer.session, frame_id: `s-${++peer.count}`, timestamp: Date.now() / 1000, ...more, payload }));
    }

    #topic(peer, type, payload) {
        this.#say(peer, type, payload, { seq: ++this.serverSeq, delta_token: `${type} ${this.serverSeq}` });
    }

    broadcast(type, payload) {
        for (const peer of this.#state)
            if (peer.session)
                this.#say(peer, type, payload);
    }

    #receive(peer, frame) {
        this.log.push(frame);
        if (frame.type === 'session.hello') {
            peer.role = this.role(frame.payload.auth?.token);
            if (!peer.role) {
                this.#say(peer, 'session.reject', { code: 'unauthorized', message: 'This server wants a token' });
                peer.close();
                return;
            }
            if (this.badTokens && Object.values(frame.payload.resume_tokens).some((token) => token)) {
                this.#say(peer, 'session.reject', { code: 'invalid_resume_token', message: 'not known here', details: { topic: 'notify.scene' } });
                peer.close();
                return;
            }
            peer.session = `session-${++this.sessions}`;
            peer.count = 0;
            this.#say(peer, 'session.welcome', {
                protocol_version: 2, session: { id: peer.session, heartbeat_s: 15, ack_timeout_ms: 250 },
                features: { 'notify.scene': { enabled: true, version: 1 }, oriel: { enabled: true, version: 1, resume: true, role: peer.role, pixel_ticket: `ticket of ${peer.session}` },
                    'call.command': { enabled: true, version: 1, commands: this.commands } },
            });
            this.#topic(peer, 'notify.scene', this.scene());
            this.#say(peer, 'notify.view', this.viewFrame());
            this.#say(peer, 'notify.status', { revision: 1, renderer: 'llvmpipe (LLVM 15, 256 bits)', software: true, version: '0.1.0',
                stream: { codec: 'h264', encoder: 'encode/openh264', reason: 'first usable' } });
        } else if (frame.type === 'state.update') {
            this.#update(peer, frame);
        } else if (frame.type === 'call.command') {
            this.#command(peer, frame);
        } else if (frame.type === 'cancel.command') {
            this.#say(peer, 'error.command', { in_reply_to: frame.payload.in_reply_to, status: 'error', code: 'command.cancelled', message: 'cancelled' });
        }
    }

    viewFrame(id = 'main') {
        const view = this.forks.get(id) ?? this.view;
        const versions = {};
        for (const [key, version] of this.versions) {
            if (key.startsWith(`${id}/`))
                versions[key.slice(id.length + 1)] = version;
        }
        return { ...view, view: id, versions };
    }

    versionsOf(id, keys) {
        return Object.fromEntries(keys.filter((key) => this.versions.has(`${id}/${key}`)).map((key) => [key, this.versions.get(`${id}/${key}`)]));
    }

    scene() {
        const layers = this.layers.map((layer) => ({ ...layer, control_versions: this.versionsOf(layer.layer_id, Object.keys(layer.controls)) }));
        return { viewer: {}, layers, policies: {}, metadata: { status: this.layers.length ? 'ready' : 'idle' } };
    }

    /** The view changed: tell everybody and paint. */
    changed(session = '', rev = undefined) {
        const id = this.peer(session)?.viewId ?? 'main';
        const view = this.forks.get(id) ?? this.view;
        view.revision++;
        if (session)
            view.origin = { session, rev: rev ?? this.lastRev?.[session] ?? 0 };
        for (const peer of this.#state) {
            if (peer.session && peer.viewId === id)
                this.#say(peer, 'notify.view', this.viewFrame(id));
        }
        this.repaint();
    }

    /** Somebody else writes a control. */
    control(id, key, value, session = 'somebody') {
        const layer = this.layers.find((l) => l.layer_id === id);
        layer.controls[key] = value;
        this.write(`${id}/${key}`, session);
        this.notifyControl(id, key);
    }

    notifyControl(id, key) {
        const layer = this.layers.find((l) => l.layer_id === id);
        for (const other of this.#state) {
            this.#topic(other, 'notify.layers', { layer_id: id, controls: { [key]: layer.controls[key] }, control_versions: this.versionsOf(id, [key]) });
        }
        this.view.revision++;
        this.repaint();
    }

    thumbnail(id, rgba, w, h) {
        for (const peer of this.#state)
            this.#topic(peer, 'notify.layers', { layer_id: id, thumbnail: { png: png(rgba, w, h).toString('base64'), shape: [h, w, 4], generated_at: 1 } });
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
        const v = this.viewOf(peer.session);
        const accept = (applied, name = key) => ack('accepted', { version: v.revision, applied_value: applied,
            control_version: this.write(`${scope === 'layer' ? target : peer.viewId}/${name}`, peer.session, frame.payload) });
        const [w, h] = v.canvas.size;
        const own = peer.viewId !== 'main' && scope !== 'layer';
        if (peer.role === 'viewer' && !own && row !== 'view.canvas') {
            ack('rejected', { error: { code: 'state.forbidden', message: `a viewer may not change ${row} of the shared scene` } });
            return;
        }
        if (this.reject === row) {
            ack('rejected', { error: { code: 'state.invalid', message: `${row} is refused here` } });
            return;
        }
        if (row === 'view.pose') {
            (this.lastRev ??= {})[peer.session] = value.rev;
            if (value.ndisplay === v.ndisplay) {
                const { center, quat, fov } = value;
                v.camera = { center, zoom: Math.min(value.zoom, this.mostZoom ?? Infinity), quat, fov };
                this.write(`${peer.viewId}/camera`, peer.session, frame.payload);
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
            this.write(`${peer.viewId}/camera`, peer.session, frame.payload);
            accept(value);
        } else if (row === 'view.reset') {
            v.camera = { ...v.camera, center: v.ndisplay === 3 ? [199.5, 149.5, 19.5] : [199.5, 149.5, 0], zoom: HOME[v.ndisplay](w, h), quat: [1, 0, 0, 0] };
            accept({}, 'camera');
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
            accept(v.step[axis], 'step');
        } else if (scope === 'layer') {
            const layer = this.layers.find((l) => l.layer_id === target);
            if (key === 'name')
                layer.name = value;
            else
                layer.controls[key] = value;
            const said = () => {
                accept(value);
                if (key !== 'name') {
                    this.notifyControl(target, key);
                    return;
                }
                for (const other of this.#state)
                    this.#topic(other, 'notify.layers', { layer_id: target, name: value });
            };
            if (this.ackDelay)
                setTimeout(said, this.ackDelay);
            else
                said();
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
        const fail = (code, message) => this.#say(peer, 'error.command', { in_reply_to: frame.frame_id, status: 'error', code, message });
        if (peer.role === 'viewer' && !READING.includes(command)) {
            fail('command.forbidden', `a viewer may not call ${command}`);
            return;
        }
        if (this.hold?.(command))
            return;
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
        case 'fs.listdir': {
            const entry = (name, dataset) => ({ name, path: `/data/${name}`, is_dir: true, size: 0, mtime: 0,
                zarr_metadata: { is_dataset: dataset, has_multiscales: dataset, dataset_children: [] } });
            const all = this.folder ?? [entry('embryo.ome.zarr', true), entry('plates', false)];
            const from = Number(kwargs.cursor ?? 0);
            const to = from + (kwargs.limit ?? 1000);
            reply({ path: kwargs.path || '/data', entries: all.slice(from, to).map((e) => (typeof e === 'string' ? entry(e, false) : e)),
                has_more: to < all.length, cursor: to < all.length ? String(to) : null });
            return;
        }
        case 'napari.layer.add': {
            if (!kwargs.path.includes('embryo')) {
                fail('fs.not_found', `${kwargs.path}: no such file`);
                return;
            }
            const [layer] = createLayers(['added']);
            this.layers.push({ ...layer, layer_id: `layer-${this.layers.length}` });
            break;
        }
        case 'napari.scene.save':
            this.scenes.set(kwargs.name, { mtime: Date.now() / 1000, layers: structuredClone(this.layers) });
            reply({ name: kwargs.name, path: `/state/scenes/${kwargs.name}.json` });
            return;
        case 'napari.scene.list':
            reply({ scenes: [...this.scenes].map(([name, { mtime }]) => ({ name, mtime })) });
            return;
        case 'napari.scene.get':
            reply({ layers: structuredClone(this.layers) });
            return;
        case 'napari.scene.load':
            this.layers = structuredClone((kwargs.scene ?? this.scenes.get(kwargs.name)).layers);
            break;
        case 'napari.close':
            this.layers = [];
            break;
        case 'napari.screenshot': {
            const [w, h] = kwargs.size ?? this.viewOf(peer.session).canvas.size;
            const view = structuredClone(this.viewOf(peer.session));
            view.canvas.size = [w, h];
            reply({ png: png(paint(view, this.layers, this.style), w, h).toString('base64'), width: w, height: h, revision: view.revision });
            return;
        }
        case 'napari.view.fork': {
            if (this.forks.size >= this.mostForks) {
                fail('view.limit', `all ${this.mostForks} own views of this server are in use`);
                return;
            }
            const id = `v${++this.sessions}`;
            this.forks.set(id, structuredClone(this.view));
            peer.viewId = id;
            reply({ view: id });
            this.#say(peer, 'notify.view', this.viewFrame(id));
            return;
        }
        case 'napari.view.follow':
            this.forks.delete(peer.viewId);
            peer.viewId = 'main';
            reply({ view: 'main' });
            this.#say(peer, 'notify.view', this.viewFrame());
            return;
        case 'oriel.modules':
            reply({ modules: [{ id: 'encode/openh264', kind: 'encode', version: '2.3.1', result: 'usable', description: 'H.264 in software' },
                { id: 'encode/nvenc', kind: 'encode', version: '13.0', result: 'refused', reason: 'no CUDA device' }], missing: [] });
            return;
        case 'oriel.streams':
            reply({ streams: ['main', ...this.forks.keys()].map((view) => ({ view, codec: 'h264', encoder: 'encode/openh264', reason: 'first usable',
                size: this.view.canvas.size, fps: 12.5, bitrate: 1e6, clients: [{ peer: '127.0.0.1:50000', branch: 'main' }] })) });
            return;
        case 'oriel.describe':
            reply({ view: this.viewFrame(peer.viewId), layers: this.scene().layers, status: {},
                sessions: [...this.#state].map((p) => ({ id: p.session, peer: '127.0.0.1:50000', name: 'oriel-web', role: p.role, view: p.viewId })) });
            return;
        case 'napari.load_zarr':
            if (!kwargs.path.includes('embryo')) {
                fail('fs.not_found', `${kwargs.path}: no such file`);
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
        if (peer.url.searchParams.get('ticket') !== `ticket of ${peer.session}`) {
            peer.close();
            return;
        }
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
        const view = structuredClone(this.viewOf(peer.session));
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
