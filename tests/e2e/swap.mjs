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
import { play, watch, worst } from './watching.mjs';

const SWAPS = Array.from({ length: 20 }, (_, i) => ['openh264', 'jpeg', 'vpx', 'x264'][i % 4]);
const MOST_MISSING = 2;

const folder = mkdtempSync(join(tmpdir(), 'oriel-swap-'));
const own = join(folder, 'modules');
mkdirSync(own);
const file = join(own, 'encode-x264.so');
copyFileSync(join(process.env.ORIEL_MODULE_PATH, 'encode-x264.so'), file);
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
  const still = { missing: 0, ms: 0 };
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
      // The same time in which nothing is exchanged says what the machine is good for.
      const begin = await now();
      await pause(800);
      const other = await worst(viewer, begin);
      still.missing = Math.max(still.missing, other.missing);
      still.ms = Math.max(still.ms, other.ms);
    },
    async conclude(name, wanted) {
      console.log(`  ${name}, without swaps: ${still.missing} missing in a row, ${still.ms.toFixed(0)} ms at most`);
      for (const [what, row] of rows)
        console.log(`    ${what}: ${row.missing.length} times, ${Math.max(...row.missing)} missing in a row, ${row.ms.toFixed(0)} ms at most from one picture to the next`);
      const seen = await viewer.page.evaluate(() => ({ errors: window.seen.errors, closed: window.seen.closed, sockets: window.seen.sockets,
        shown: window.seen.shown.length, codecs: [...window.seen.codecs] }));
      console.log(`    ${seen.shown} pictures shown, codecs ${seen.codecs.join(', ')}, ${seen.errors.length} decoder errors, ${seen.sockets - sockets} sockets more`);
      assert.deepEqual(seen.errors, []);
      assert.equal(seen.sockets, sockets);
      assert.equal(seen.closed, 0);
      for (const codecs of wanted) assert.ok(codecs.some((codec) => seen.codecs.includes(codec)), seen.codecs.join());
      for (const [what, row] of rows)
        assert.ok(Math.max(...row.missing) <= MOST_MISSING + still.missing, `${what}: ${row.missing} missing`);
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
