// SPDX-License-Identifier: BSD-3-Clause
// Runs the oriel binary and a headless Chromium for a test.
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { findBrowser, installTools } from '../web/setup.mjs';

const binary = process.env.ORIEL_BINARY;
export const source = process.env.ORIEL_SOURCE_DIR;
export const example = join(source, 'examples', 'colin27.ome.zarr');

/** `oriel serve` on free loopback ports, unless the arguments name one. @param {string[]} args */
export const serve = (...args) => start('serve', ...args);

/** The same of another command that serves. @param {string} command @param {string[]} args */
export async function start(command, ...args) {
  const folder = mkdtempSync(join(tmpdir(), 'oriel-e2e-'));
  const ready = join(folder, 'ready.json');
  let log = '';
  const port = args.includes('--port') ? [] : ['--port', '0'];
  const child = spawn(binary, [command, ...args, ...port, '--ready-file', ready], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  child.stderr.on('data', (data) => (log += data));
  const gone = new Promise((resolve) => child.once('exit', resolve));
  for (let i = 0; !existsSync(ready); i++) {
    if (child.exitCode !== null || i > 3000) throw new Error(`oriel ${command} ${args.join(' ')}:\n${log}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return {
    url: JSON.parse(readFileSync(ready, 'utf8')).http,
    pid: child.pid,
    log: () => log,
    async stop() {
      child.kill('SIGTERM');
      const status = await gone;
      rmSync(folder, { recursive: true });
      if (status !== 0) throw new Error(`exit status ${status}:\n${log}`);
    },
  };
}

/** The PNG of `oriel render` for a scene, as a data URL. */
export function render(scene, width, height) {
  const folder = mkdtempSync(join(tmpdir(), 'oriel-e2e-'));
  try {
    const file = join(folder, 'scene.json');
    const out = join(folder, 'out.png');
    writeFileSync(file, JSON.stringify(scene));
    const done = spawnSync(binary, ['render', '--scene', file, '--size', `${width}x${height}`, '-o', out]);
    if (done.status !== 0) throw new Error(`oriel render: ${done.stderr}`);
    return `data:image/png;base64,${readFileSync(out).toString('base64')}`;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** @param {string} build the build folder, where the tools are installed */
export async function browser(build, ...flags) {
  const executablePath = findBrowser();
  const { chromium } = createRequire(join(installTools(build), 'package.json'))('playwright-core');
  return chromium.launch({
    executablePath,
    args: ['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run',
      '--disable-background-networking', '--disable-component-update', '--disable-sync', ...flags],
  });
}

export const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** A page of the server, with what the checks ask of it. */
export class Viewer {
  constructor(page) {
    this.page = page;
    this.errors = [];
    page.on('console', (message) => {
      if (message.type() === 'error') this.errors.push(message.text());
    });
    page.on('pageerror', (error) => this.errors.push(String(error)));
  }

  static async open(chrome, url, size = { width: 1100, height: 800 }) {
    const viewer = new Viewer(await chrome.newPage({ viewport: size }));
    await viewer.page.goto(url);
    return viewer;
  }

  /** Waits until the canvas has shown the same, not empty picture for 1.2 s; its size. */
  async rest(seconds = 30) {
    let last = '';
    let same = 0;
    for (let i = 0; i < seconds * 5; i++) {
      const now = await this.page.evaluate(() => {
        const canvas = document.querySelector('canvas[role=application]');
        if (!canvas || !canvas.width) return '';
        const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
        let hash = 0;
        let lit = 0;
        for (let k = 0; k < data.length; k += 4) {
          hash = (Math.imul(hash, 31) + data[k] + 256 * data[k + 1] + 65536 * data[k + 2]) | 0;
          lit += data[k] + data[k + 1] + data[k + 2] > 24 ? 1 : 0;
        }
        return lit > 50 ? `${canvas.width}x${canvas.height}:${hash}` : '';
      });
      same = now && now === last ? same + 1 : 0;
      if (same >= 6) return now.split(':')[0].split('x').map(Number);
      last = now;
      await pause(200);
    }
    throw new Error(`no picture at rest (${last || 'empty'}); console: ${this.errors.join(' | ')}`);
  }

  /** A command over a state connection of the test's own. */
  async call(command, kwargs = {}) {
    return this.page.evaluate(async ([command, kwargs]) => {
      const socket = new WebSocket(new URL('state', document.baseURI.replace(/^http/, 'ws')));
      const answer = new Promise((resolve, reject) => {
        socket.onerror = () => reject(new Error('no state connection'));
        socket.onmessage = ({ data }) => {
          const frame = JSON.parse(data);
          if (frame.type === 'session.welcome')
            socket.send(JSON.stringify({ type: 'call.command', version: 2, session: frame.session,
              frame_id: 'cmd-1', timestamp: Date.now() / 1000, payload: { command, args: [], kwargs } }));
          else if (frame.type === 'reply.command') resolve(frame.payload.result);
          else if (frame.type === 'error.command') reject(new Error(frame.payload.message));
        };
      });
      await new Promise((resolve) => (socket.onopen = resolve));
      socket.send(JSON.stringify({ type: 'session.hello', version: 2, frame_id: 'hello-1', timestamp: 1,
        payload: { protocols: [2], client: { name: 'oriel-e2e', version: '1', platform: '-' },
          features: { 'notify.scene': true, 'notify.layers': true, 'notify.stream': true, oriel: true },
          resume_tokens: { 'notify.scene': null, 'notify.layers': null, 'notify.stream': null } } }));
      const result = await answer;
      socket.close();
      return result;
    }, [command, kwargs]);
  }

  /** Peak signal-to-noise ratio of the canvas against a picture, dB. Pictures have even sides: a canvas with an
      odd one leaves out their last row or column. */
  async psnr(picture) {
    return this.page.evaluate(async (picture) => {
      const image = new Image();
      image.src = picture;
      await image.decode();
      const canvas = document.querySelector('canvas[role=application]');
      const size = [canvas.width, canvas.height];
      if (image.width - size[0] > 1 || image.height - size[1] > 1 || image.width < size[0] || image.height < size[1])
        throw new Error(`canvas ${size} against ${image.width},${image.height}`);
      const other = new OffscreenCanvas(...size).getContext('2d', { alpha: false });
      other.drawImage(image, 0, 0);
      const a = canvas.getContext('2d').getImageData(0, 0, ...size).data;
      const b = other.getImageData(0, 0, ...size).data;
      let sum = 0;
      for (let i = 0; i < a.length; i++) sum += i % 4 === 3 ? 0 : (a[i] - b[i]) ** 2;
      return sum === 0 ? 99 : 10 * Math.log10(255 ** 2 / (sum / (a.length * 0.75)));
    }, picture);
  }

  /** The mean colour of a box around a point of the canvas. */
  async colour(x, y, radius = 6) {
    return this.page.evaluate(([x, y, radius]) => {
      const context = document.querySelector('canvas[role=application]').getContext('2d');
      const { data } = context.getImageData(x - radius, y - radius, 2 * radius, 2 * radius);
      const sum = [0, 0, 0];
      for (let i = 0; i < data.length; i += 4) for (let k = 0; k < 3; k++) sum[k] += data[i + k];
      return sum.map((v) => v / (data.length / 4));
    }, [x, y, radius]);
  }
}
