// SPDX-License-Identifier: BSD-3-Clause
// Modules exchanged in a running server while a real browser looks at a scene that moves: every codec it decodes, the
// scene module, a file that was replaced, the transport. No decoder fails, no socket is opened again, and no more than
// two pictures in a row are missing on the screen.
//
//   swap.mjs BUILD
import assert from 'node:assert/strict';
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { Viewer, browser, example, pause, serve } from './harness.mjs';

const SWAPS = Array.from({ length: 20 }, (_, i) => ['openh264', 'jpeg', 'vpx', 'x264'][i % 4]);
const MOST_MISSING = 2;

/** What the page's own code does is watched from below: sockets, decoders, and which picture was shown when. */
function watch() {
  const seen = { sockets: 0, closed: 0, errors: [], numbers: new Map(), shown: [], codecs: new Set() };
  window.seen = seen;
  window.WebSocket = class extends WebSocket {
    constructor(...args) {
      super(...args);
      if (window.testing) return; // a connection of the test's own
      seen.sockets++;
      this.addEventListener('close', () => seen.closed++);
      this.addEventListener('message', ({ data }) => {
        if (!(data instanceof ArrayBuffer)) return;
        const view = new DataView(data);
        if (view.getUint16(26) & 4) return; // a still beside the video
        seen.numbers.set(view.getUint32(0), Number(view.getBigUint64(40)));
        seen.codecs.add(view.getUint8(20));
      });
    }
    send(data) {
      super.send(data);
      if (typeof data !== 'string' || !data.includes('"shown"')) return;
      const { seq } = JSON.parse(data);
      if (seen.numbers.has(seq)) seen.shown.push([performance.now(), seen.numbers.get(seq), seq]);
    }
  };
  window.VideoDecoder = class extends VideoDecoder {
    constructor(init) {
      super({ ...init, error: (error) => { seen.errors.push(String(error)); init.error(error); } });
    }
  };
}

/** The most pictures in a row that were sent or drawn but not shown, and the longest time, since `from`. */
const worst = (viewer, from) => viewer.page.evaluate((from) => {
  const rows = window.seen.shown.filter(([at]) => at >= from).sort((a, b) => a[0] - b[0]);
  let missing = 0;
  let ms = 0;
  for (let i = 1; i < rows.length; i++) {
    missing = Math.max(missing, rows[i][1] - rows[i - 1][1] - 1);
    ms = Math.max(ms, rows[i][0] - rows[i - 1][0]);
  }
  return { missing, ms, count: rows.length, rate: rows.length > 1 ? (rows.length - 1) / (rows.at(-1)[0] - rows[0][0]) * 1e3 : 0 };
}, from);

const folder = mkdtempSync(join(tmpdir(), 'oriel-swap-'));
const own = join(folder, 'modules');
mkdirSync(own);
const file = join(own, 'encode-x264.so');
copyFileSync(join(process.env.ORIEL_MODULE_PATH, 'encode-x264.so'), file);
/** Plays along an axis, by a state connection of the test's own. */
const play = (viewer, value) => viewer.page.evaluate(async (value) => {
  window.testing = true;
  const socket = new WebSocket(new URL('state', document.baseURI.replace(/^http/, 'ws')));
  const send = (type, payload, more) => socket.send(JSON.stringify({ type, version: 2, frame_id: type, timestamp: 1, payload, ...more }));
  socket.onopen = () => send('session.hello', { protocols: [2], client: { name: 'oriel-e2e', version: '1', platform: '-' },
    features: { 'notify.scene': true, 'notify.layers': true, 'notify.stream': true, oriel: true },
    resume_tokens: { 'notify.scene': null, 'notify.layers': null, 'notify.stream': null } });
  await new Promise((resolve) => {
    socket.onmessage = ({ data }) => {
      const frame = JSON.parse(data);
      if (frame.type === 'session.welcome')
        send('state.update', { scope: 'view', target: 'main', key: 'play', value }, { session: frame.session, intent_id: 'play' });
      else if (frame.type === 'ack.state') resolve();
    };
  });
  socket.close();
}, value);

/** A page that looks at a server, and what exchanging modules costs it. */
async function look(chrome, server, prepare) {
  const context = await chrome.newContext({ viewport: { width: 640, height: 460 } });
  const viewer = new Viewer(await context.newPage());
  await viewer.page.addInitScript(watch);
  await viewer.page.goto(server.url);
  await viewer.page.waitForFunction(() => window.seen.shown.length > 0, null, { timeout: 60000 });
  await viewer.page.evaluate(() => (window.testing = true));
  await prepare(viewer);
  await viewer.page.waitForFunction(() => window.seen.shown.length > 20, null, { timeout: 60000 });
  const now = () => viewer.page.evaluate(() => performance.now());
  const begin = await now();
  await pause(4000);
  const still = await worst(viewer, begin);
  const sockets = await viewer.page.evaluate(() => window.seen.sockets);
  const rows = new Map();
  return {
    async swap(what, kind, to) {
      const from = await now();
      const result = await viewer.call('modules.swap', { kind, to });
      assert.ok(result.refused.length === 0 && result.swapped.length > 0, JSON.stringify(result));
      await pause(700);
      const one = await worst(viewer, from - 100);
      const row = rows.get(what) ?? { missing: [], ms: 0 };
      rows.set(what, { missing: [...row.missing, one.missing], ms: Math.max(row.ms, one.ms) });
    },
    async conclude(name, wanted) {
      console.log(`  ${name}, without swaps: ${still.rate.toFixed(1)} pictures/s on the screen, ${still.missing} missing in a row, ${still.ms.toFixed(0)} ms at most`);
      for (const [what, row] of rows)
        console.log(`    ${what}: ${row.missing.length} times, ${Math.max(...row.missing)} missing in a row, ${row.ms.toFixed(0)} ms at most from one picture to the next`);
      const seen = await viewer.page.evaluate(() => ({ errors: window.seen.errors, closed: window.seen.closed, sockets: window.seen.sockets,
        shown: window.seen.shown.length, codecs: [...window.seen.codecs] }));
      console.log(`    ${seen.shown} pictures shown, codecs ${seen.codecs.join(', ')}, ${seen.errors.length} decoder errors, ${seen.sockets - sockets} sockets more`);
      assert.deepEqual(seen.errors, []);
      assert.equal(seen.sockets, sockets);
      assert.equal(seen.closed, 0);
      for (const codecs of wanted) assert.ok(codecs.some((codec) => seen.codecs.includes(codec)), seen.codecs.join());
      for (const [what, row] of rows) {
        // One of them may have met a moment in which the machine did something else.
        const counted = row.missing.sort((a, b) => a - b).at(row.missing.length > 1 ? -2 : -1);
        assert.ok(counted <= MOST_MISSING + still.missing, `${what}: ${row.missing} missing`);
      }
      assert.deepEqual(viewer.errors, []);
      await context.close();
    },
  };
}

const replace = () => { // the same code, and some bytes behind it
  writeFileSync(join(own, 'new'), Buffer.concat([readFileSync(file), Buffer.alloc(64)]));
  renameSync(join(own, 'new'), file);
};
const options = ['--set', `modules.path=["${own}"]`, '--set', 'stream.prefer=order',
  '--set', 'modules.encoder=["encode/x264","encode/openh264","encode/vpx","encode/jpeg"]'];
const chrome = await browser(process.argv[2]);
let server = await serve(example, ...options);
try {
  let one = await look(chrome, server, (viewer) => play(viewer, { axis: 'z', fps: 30, mode: 'loop' }));
  for (const name of SWAPS) await one.swap(`to ${name}`, 'encoder', `encode/${name}`);
  for (let i = 0; i < 5; i++) await one.swap('scene', 'scene', 'scene/napari');
  for (let i = 0; i < 3; i++) {
    replace();
    await one.swap('a new file', 'encoder', 'encode/x264');
  }
  for (let i = 0; i < 3; i++) await one.swap('transport', 'transport', 'transport/websocket');
  await one.conclude('slices that play', [[1], [4, 5], [6]]);
  await server.stop();

  server = await serve(example, ...options, '--set', 'view.ndisplay=3', '--set', 'render.animate=true');
  one = await look(chrome, server, () => {});
  for (const name of SWAPS.slice(0, 4)) await one.swap(`to ${name}`, 'encoder', `encode/${name}`);
  for (let i = 0; i < 2; i++) await one.swap('scene', 'scene', 'scene/napari');
  await one.conclude('a volume that turns', [[1], [4, 5], [6]]);
} catch (error) {
  console.log(server.log());
  throw error;
} finally {
  await chrome.close();
  await server.stop();
  rmSync(folder, { recursive: true });
}
console.log('swaps in a browser: fine');
