// SPDX-License-Identifier: BSD-3-Clause
// Flat patches of known colours, through every encoder, come back in the browser within three levels.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { Viewer, browser, serve } from './harness.mjs';

const PATCH = 80;
const COLUMNS = 4;
const colours = [
  [0, 0, 0], [255, 255, 255], [128, 128, 128], [64, 64, 64], [255, 0, 0], [0, 255, 0], [0, 0, 255], [255, 255, 0],
  [0, 255, 255], [255, 0, 255], [200, 100, 50], [30, 90, 160],
];
const width = PATCH * COLUMNS;
const height = PATCH * Math.ceil(colours.length / COLUMNS);

/** One uint8 plane for each of red, green and blue. */
function planes() {
  const data = Buffer.alloc(3 * width * height);
  for (let c = 0; c < 3; c++)
    for (let y = 0; y < height; y++)
      for (let x = 0; x < width; x++)
        data[(c * height + y) * width + x] = colours[Math.floor(y / PATCH) * COLUMNS + Math.floor(x / PATCH)][c];
  const header = `{'descr': '|u1', 'fortran_order': False, 'shape': (3, ${height}, ${width}), }`.padEnd(117) + '\n';
  return Buffer.concat([Buffer.from([0x93]), Buffer.from('NUMPY'), Buffer.from([1, 0, 118, 0]),
    Buffer.from(header), data]);
}

const folder = mkdtempSync(join(tmpdir(), 'oriel-e2e-'));
writeFileSync(join(folder, 'patches.npy'), planes());
const scene = {
  oriel_scene: 1,
  dims: { ndisplay: 2 },
  layers: ['red', 'green', 'blue'].map((colormap, c) => ({
    type: 'image', name: colormap, source: { uri: 'patches.npy', index: [c, null, null] },
    controls: { colormap, blending: 'additive', contrast_limits: [0, 255], interpolation: 'nearest' },
  })),
};
const sceneFile = join(folder, 'scene.json');
writeFileSync(sceneFile, JSON.stringify(scene));

const encoders = [
  ['encode/openh264'], ['encode/x264'], ['encode/vpx', 'encode/vpx.codec=vp8'], ['encode/vpx', 'encode/vpx.codec=vp9'],
  ['encode/jpeg'],
];

const chrome = await browser(process.argv[2]);
try {
  for (const [encoder, ...sets] of encoders) {
    const server = await serve('--scene', sceneFile, '--set', `modules.encoder=["${encoder}"]`,
      '--set', 'modules.still=[]', ...sets.flatMap((set) => ['--set', set]));
    const viewer = await Viewer.open(chrome, server.url);
    try {
      const [w, h] = await viewer.rest();
      const { camera } = await viewer.call('napari.scene.get');
      const [, cy, cx] = camera.center.length === 3 ? camera.center : [0, ...camera.center];
      let worst = 0;
      for (const [i, want] of colours.entries()) {
        const x = (i % COLUMNS) * PATCH + PATCH / 2 - 0.5;
        const y = Math.floor(i / COLUMNS) * PATCH + PATCH / 2 - 0.5;
        const got = await viewer.colour(Math.round(w / 2 + (x - cx) * camera.zoom),
          Math.round(h / 2 + (y - cy) * camera.zoom));
        const off = Math.max(...got.map((v, k) => Math.abs(v - want[k])));
        assert.ok(off <= 3, `${encoder} ${sets}: ${want} came back as ${got.map((v) => v.toFixed(1))}`);
        worst = Math.max(worst, off);
      }
      console.log(`${encoder} ${sets}: worst ${worst.toFixed(2)} levels`);
    } catch (error) {
      console.log(server.log());
      throw error;
    } finally {
      await viewer.page.close();
      await server.stop();
    }
  }
} finally {
  await chrome.close();
  rmSync(folder, { recursive: true });
}
