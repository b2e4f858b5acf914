// SPDX-License-Identifier: BSD-3-Clause
// Experiments while real browsers look at a scene that moves: one whose encoder changes every second, two that see
// different ones. No decoder fails, no socket is opened again, no more than two pictures in a row are missing, and the
// server knows how long the pages took to decode and to show.
//
//   experiments.mjs BUILD
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { Viewer, browser, example, pause, serve } from './harness.mjs';
import { play, watch, worst } from './watching.mjs';

const MOST_MISSING = 2;
const folder = mkdtempSync(join(tmpdir(), 'oriel-experiments-'));

/** The arguments of a server with an experiment. */
function experiment(name, fields) {
  const rows = join(folder, `${name}.ndjson`);
  const file = join(folder, `${name}.json`);
  writeFileSync(file, JSON.stringify({ experiments: [{ name, rows, ...fields }], 'stream.prefer': 'order',
    'modules.encoder': ['encode/openh264', 'encode/x264', 'encode/vpx', 'encode/jpeg'] }));
  return { rows, args: ['--config', file] };
}

async function look(chrome, server) {
  const context = await chrome.newContext({ viewport: { width: 640, height: 460 } });
  const viewer = new Viewer(await context.newPage());
  await viewer.page.addInitScript(watch);
  await viewer.page.goto(server.url);
  await viewer.page.waitForFunction(() => window.seen.shown.length > 0, null, { timeout: 60000 });
  await viewer.page.evaluate(() => (window.testing = true)); // connections from now on are the test's own
  return viewer;
}

/** What a page has seen since `from`, with nothing wrong about it. */
async function check(viewer, from, still) {
  const seen = await viewer.page.evaluate(() => ({ errors: window.seen.errors, closed: window.seen.closed, codecs: [...window.seen.codecs] }));
  const one = await worst(viewer, from);
  assert.deepEqual(seen.errors, []);
  assert.equal(seen.closed, 0);
  assert.deepEqual(viewer.errors, []);
  assert.ok(one.missing <= MOST_MISSING + still.missing, `${one.missing} missing in a row, ${still.missing} without the experiment`);
  return { ...one, codecs: seen.codecs };
}

/** Rows of frames that a page has reported about. */
function reported(file, arm) {
  const rows = readFileSync(file, 'utf8').trim().split('\n').map((line) => JSON.parse(line));
  return rows.filter((row) => row.arm === arm && row.reports > 0 && row.decode_ms > 0 && row.present_ms >= 0 && row.back_ms > 0);
}

const ARMS = [['openh264', 'encode/openh264'], ['vpx', 'encode/vpx'], ['x264', 'encode/x264'], ['jpeg', 'encode/jpeg']]
  .map(([label, module]) => ({ label, module }));
const chrome = await browser(process.argv[2]);
let server;
try {
  let test = experiment('slices', { mode: 'interleave', slice_s: 1, start: false, arms: ARMS });
  server = await serve(example, ...test.args);
  const viewer = await look(chrome, server);
  const now = () => viewer.page.evaluate(() => performance.now());
  await play(viewer, { axis: 'z', fps: 30, mode: 'loop' });
  let from = await now();
  await pause(3000);
  const still = await worst(viewer, from);
  from = await now();
  await viewer.call('experiments.start', { name: 'slices' });
  await pause(13000);
  const { experiments: [state] } = await viewer.call('experiments.stop', { name: 'slices' });
  const slices = await check(viewer, from, still);
  assert.equal(state.rows.lost, 0);
  assert.ok(slices.codecs.includes(1) && slices.codecs.includes(6), slices.codecs.join());
  const times = ARMS.map(({ label }) => `${label} ${reported(test.rows, label).length}`);
  console.log(`  slices: ${slices.count} pictures shown, ${slices.missing} missing in a row (${still.missing} without), ` +
    `${slices.ms.toFixed(0)} ms at most; with times of the page: ${times.join(', ')}`);
  for (const { label } of ARMS) assert.ok(reported(test.rows, label).length > 10, label);
  await viewer.page.context().close();
  await server.stop();

  test = experiment('split', { mode: 'split', arms: [ARMS[0], ARMS[3]] });
  server = await serve(example, ...test.args);
  const viewers = [];
  let both = false;
  for (let i = 0; i < 12 && !both; i++) { // names are random: until there is one of each
    viewers.push(await look(chrome, server));
    const { experiments: [now] } = await viewers[0].call('experiments.list', {});
    both = now.arms.every((arm) => arm.clients > 0);
  }
  assert.ok(both, 'all were given the same arm');
  await play(viewers[0], { axis: 'z', fps: 15, mode: 'loop' });
  await pause(3000);
  const seen = [];
  for (const one of viewers) seen.push((await check(one, 0, { missing: 1e9 })).codecs.join()); // many pages share two cores
  assert.ok(seen.includes('1') && seen.includes('6'), seen.join(' '));
  console.log(`  split: ${viewers.length} pages, codecs ${seen.join(' ')}`);
} catch (error) {
  console.log(server?.log());
  throw error;
} finally {
  await chrome.close();
  await server?.stop();
  rmSync(folder, { recursive: true });
}
console.log('experiments in a browser: fine');
