// SPDX-License-Identifier: BSD-3-Clause
// An encoder in a process of its own that is killed, crashes, hangs and leaks, again and again, while a real browser
// and two clients like the desktop's look on: each of them has pictures again within half a second, none is
// disconnected, nothing fails to decode.
//
//   remote.mjs BUILD FIXTURE [CASE]
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

import { Viewer, browser, example, pause, serve, source } from '../e2e/harness.mjs';
import { play, watch, worst } from '../e2e/watching.mjs';

const [BUILD, FIXTURE, ONLY = ''] = process.argv.slice(2);
const LIMIT_MS = 500;
const TIMES = 3;
const CLIENTS = 2;
const modules = process.env.ORIEL_MODULE_PATH;
for (const name of ['remote', 'x264', 'openh264']) {
  if (existsSync(join(modules, `encode-${name}.so`))) continue;
  console.log(`skipped: encode/${name} is not built`);
  process.exit(77);
}
process.env.ORIEL_FAULTY_MODULE = join(modules, 'encode-x264.so');

const now = () => Number(process.hrtime.bigint()) / 1e6; // CLOCK_MONOTONIC, as the other clients have it

/** The clients that are not in the browser. */
function look(url) {
  const child = spawn('/usr/bin/python3', ['-B', join(source, 'tests', 'contain', 'lookers.py'), url, String(CLIENTS)],
    { stdio: ['pipe', 'pipe', 'inherit'], env: { ...process.env, PYTHONPATH: join(source, 'tests', 'e2e') } });
  const gone = new Promise((resolve) => child.once('exit', resolve));
  const times = Array.from({ length: CLIENTS }, () => []);
  const wrong = [];
  createInterface(child.stdout).on('line', (line) => {
    const row = JSON.parse(line);
    if (row.wrong) wrong.push(row);
    else times[row.client].push(row.at);
  });
  return {
    times, wrong,
    /** The longest time without a picture since then, for each. */
    worst: (from) => times.map((row) => row.filter((at) => at >= from)).map((row) =>
      row.reduce((most, at, i) => (i ? Math.max(most, at - row[i - 1]) : most), row.length > 1 ? 0 : Infinity)),
    async leave() {
      child.stdin.end();
      assert.equal(await gone, 0);
    },
  };
}

async function until(condition, what, seconds = 60) {
  for (const deadline = now() + seconds * 1e3; !condition(); await pause(20))
    assert.ok(now() < deadline, `${what} did not come`);
}

/** Processes of the server. */
function children(pid) {
  return readdirSync(`/proc/${pid}/task`).flatMap((thread) => {
    try {
      return readFileSync(`/proc/${pid}/task/${thread}/children`, 'utf8').split(' ').filter(Boolean).map(Number);
    } catch {
      return []; // the thread has just gone
    }
  });
}

/** Everybody looks at a server while its encoder fails as `harm` does it or as the environment says. */
async function endure(chrome, what, faulty, harm, ...more) {
  if (faulty) process.env.ORIEL_FAULTY = faulty;
  const server = await serve(example, '--set', 'modules.encoder=["encode/remote","encode/openh264"]',
    '--set', 'stream.prefer=order', '--set', 'stream.retry_ms=400', '--set', 'modules.still=[]',
    '--set', `encode/remote.module=${faulty ? FIXTURE : 'encode/x264'}`, ...more);
  delete process.env.ORIEL_FAULTY;
  const failures = () => server.log().split('encode/remote failed').length - 1;
  const context = await chrome.newContext({ viewport: { width: 640, height: 460 } });
  const viewer = new Viewer(await context.newPage());
  const others = look(server.url);
  try {
    await viewer.page.addInitScript(watch);
    await viewer.page.goto(server.url);
    await viewer.page.waitForFunction(() => window.seen.shown.length > 0, null, { timeout: 60000 });
    await until(() => others.times.every((row) => row.length > 0), 'pictures for all');
    await play(viewer, { axis: 'z', fps: 30, mode: 'loop' });
    await until(() => others.times.every((row) => row.length > 20), 'pictures for all');
    const sockets = await viewer.page.evaluate(() => window.seen.sockets);
    const gaps = [];
    for (let i = 0; i < TIMES; i++) {
      const there = await viewer.page.evaluate(() => performance.now());
      const here = now();
      const before = failures();
      if (harm) await harm(server);
      await until(() => failures() > before, `failure ${i + 1}`);
      await pause(700);
      gaps.push([(await worst(viewer, there - 100)).ms, ...others.worst(here - 100)]);
    }
    const seen = await viewer.page.evaluate(() => ({ errors: window.seen.errors, closed: window.seen.closed,
      sockets: window.seen.sockets, shown: window.seen.shown.length }));
    const most = gaps[0].map((_, k) => Math.max(...gaps.map((row) => row[k])));
    console.log(`  ${what}, ${TIMES} times: at most ${most[0].toFixed(0)} ms without a picture in the browser, ` +
      `${most.slice(1).map((ms) => ms.toFixed(0)).join(' and ')} ms in the others; ${seen.errors.length} decoder errors, ` +
      `${seen.closed} connections lost, ${seen.shown} pictures shown`);
    assert.ok(Math.max(...most) < LIMIT_MS, `${what}: ${JSON.stringify(gaps)}`);
    assert.deepEqual(seen.errors, []);
    assert.equal(seen.closed, 0);
    assert.equal(seen.sockets, sockets);
    assert.deepEqual(viewer.errors, []);
    await others.leave();
    assert.deepEqual(others.wrong, []);
  } catch (error) {
    console.log(server.log().split('\n').slice(-40).join('\n'));
    throw error;
  } finally {
    await context.close();
    await server.stop();
  }
}

/** Its process, once it has been at work for a while. */
async function at_work(server) {
  await until(() => children(server.pid).length > 0, 'the next process');
  await pause(800);
  return children(server.pid)[0];
}

const by = (signal) => async (server) => process.kill(await at_work(server), signal);

/** It hangs for a while, in whatever process: in what is started meanwhile as well. */
const stuck = (before) => async (server) => {
  const pid = await at_work(server);
  writeFileSync(sign, '');
  before(pid);
  await pause(3000);
  rmSync(sign);
};

const folder = mkdtempSync(join(tmpdir(), 'oriel-remote-'));
const sign = join(folder, 'stuck');
process.env.ORIEL_FAULTY_WHILE = sign;
const cases = [
  ['SIGKILL', null, by('SIGKILL')],
  ['SIGSEGV', null, by('SIGSEGV')],
  ['SIGSTOP', null, by('SIGSTOP')],
  ['a crash in the module', 'segv=60'],
  ['an endless loop', 'loop=60'],
  ['a leak, picture by picture', 'drip=60', null, '--set', 'encode/remote.memory_mb=256'],
  ['a leak, all at once', 'leak=60'],
  ['stuck, and so whenever it is tried again', 'stuck-encode', stuck(() => {})],
  ['killed, and stuck whenever it is started again', 'stuck-create', stuck((pid) => process.kill(pid, 'SIGKILL'))],
];
const chrome = await browser(BUILD);
try {
  for (const [what, ...how] of cases) {
    if (what.includes(ONLY)) await endure(chrome, what, ...how);
  }
} finally {
  await chrome.close();
  rmSync(folder, { recursive: true });
}
console.log('an encoder in a process of its own, in a browser: fine');
