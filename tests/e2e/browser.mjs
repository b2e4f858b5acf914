// SPDX-License-Identifier: BSD-3-Clause
// A real browser on a real server: every dataset is opened, scrolled, zoomed, turned, adjusted and resized,
// and what the canvas shows at rest is compared with `oriel render` of the same scene.
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readdirSync } from 'node:fs';
import { basename, join } from 'node:path';

import { Viewer, browser, example, render, serve } from './harness.mjs';

const shots = process.env.ORIEL_SHOTS_DIR;
if (shots) mkdirSync(shots, { recursive: true });

async function compare(viewer, what) {
  const [width, height] = await viewer.rest();
  const scene = await viewer.call('napari.scene.get');
  const level = await viewer.psnr(render(scene, width + (width & 1), height + (height & 1)));
  console.log(`  ${what}: ${level.toFixed(1)} dB`);
  assert.ok(level >= 35, `${what}: ${level.toFixed(1)} dB`);
  return scene;
}

async function visit(chrome, dataset) {
  const name = basename(dataset);
  console.log(name);
  const server = await serve(dataset);
  const viewer = await Viewer.open(chrome, server.url);
  const { page } = viewer;
  try {
    const first = await compare(viewer, 'as opened');
    if (shots) await page.screenshot({ path: join(shots, `${name}.png`) });
    const canvas = page.locator('canvas[role=application]');
    const box = await canvas.boundingBox();
    const middle = [box.x + box.width / 2, box.y + box.height / 2];

    await canvas.focus();
    for (let i = 0; i < 4; i++) await page.keyboard.press('ArrowRight');
    const scrolled = await compare(viewer, 'scrolled');
    const slider = first.dims.current_step.length > 2;
    if (slider) assert.notDeepEqual(scrolled.dims.current_step, first.dims.current_step);

    await page.mouse.move(...middle);
    await page.mouse.wheel(0, -300);
    const zoomed = await compare(viewer, 'zoomed');
    assert.ok(Math.abs(zoomed.camera.zoom / scrolled.camera.zoom - 1.2328 ** 3) < 0.01);

    await page.mouse.down();
    await page.mouse.move(middle[0] + 90, middle[1] - 40, { steps: 6 });
    await page.mouse.up();
    const panned = await compare(viewer, 'panned');
    assert.notDeepEqual(panned.camera.center, zoomed.camera.center);

    const limit = page.getByRole('slider', { name: /limit/i }).last();
    await limit.focus();
    for (let i = 0; i < 12; i++) await page.keyboard.press('ArrowLeft');
    const adjusted = await compare(viewer, 'contrast');
    assert.notDeepEqual(adjusted.layers.map((l) => l.controls.contrast_limits),
      panned.layers.map((l) => l.controls.contrast_limits));

    await page.setViewportSize({ width: 900, height: 640 });
    const resized = await compare(viewer, 'resized');
    assert.notDeepEqual(resized.canvas.size, adjusted.canvas.size);

    if (slider) {
      await canvas.focus();
      await page.keyboard.press('Control+y');
      const volume = await compare(viewer, '3-D');
      assert.equal(volume.dims.ndisplay, 3);
      await page.mouse.move(box.x + 300, box.y + 250);
      await page.mouse.down();
      await page.mouse.move(box.x + 420, box.y + 300, { steps: 8 });
      await page.mouse.up();
      const turned = await compare(viewer, 'turned');
      assert.notDeepEqual(turned.camera.angles, volume.camera.angles);
      if (shots) await page.screenshot({ path: join(shots, `${name}-3d.png`) });
    }
    assert.deepEqual(viewer.errors, []);
  } catch (error) {
    if (shots) await page.screenshot({ path: join(shots, `${name}-failed.png`) });
    console.log(server.log());
    throw error;
  } finally {
    await page.close();
    await server.stop();
  }
}

const datasets = [example];
const more = process.env.ORIEL_TEST_DATA && join(process.env.ORIEL_TEST_DATA, 'real');
if (more && existsSync(more)) datasets.push(...readdirSync(more).sort().map((name) => join(more, name)));
else console.log('left out: the datasets of ORIEL_TEST_DATA/real (not there)');

const chrome = await browser(process.argv[2]);
try {
  for (const dataset of datasets) await visit(chrome, dataset);
} finally {
  await chrome.close();
}
console.log(`${datasets.length} datasets: fine`);
