// SPDX-License-Identifier: BSD-3-Clause
// What a page does with the pictures it gets, seen from below it.

/** What the page's own code does is watched from below: sockets, decoders, and which picture was shown when. */
export function watch() {
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
export const worst = (viewer, from) => viewer.page.evaluate((from) => {
  const rows = window.seen.shown.filter(([at]) => at >= from).sort((a, b) => a[0] - b[0]);
  let missing = 0;
  let ms = 0;
  for (let i = 1; i < rows.length; i++) {
    missing = Math.max(missing, rows[i][1] - rows[i - 1][1] - 1);
    ms = Math.max(ms, rows[i][0] - rows[i - 1][0]);
  }
  return { missing, ms, count: rows.length };
}, from);

/** Plays along an axis, by a state connection of the test's own. */
export const play = (viewer, value) => viewer.page.evaluate(async (value) => {
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
