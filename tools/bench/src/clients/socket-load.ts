import { once } from 'node:events';

import WebSocket from 'ws';

import { here } from './bulk-load.ts';

const OPENED_AT_ONCE = 20;

/** Holds WebSockets open, each of which was echoed to. */
export async function openSockets(
  url: URL,
  count: number,
): Promise<{ echo(): Promise<void>; close(): Promise<void> }> {
  const sockets: WebSocket[] = [];
  while (sockets.length < count) {
    const more = Math.min(OPENED_AT_ONCE, count - sockets.length);
    sockets.push(...(await Promise.all(Array.from({ length: more }, () => openSocket(url)))));
  }
  const echo = async (): Promise<void> => {
    for (let at = 0; at < count; at += OPENED_AT_ONCE) {
      await Promise.all(sockets.slice(at, at + OPENED_AT_ONCE).map(echoed));
    }
  };
  const close = async (): Promise<void> => {
    await Promise.all(sockets.map((socket) => (socket.close(), once(socket, 'close'))));
  };
  return { echo, close };
}

async function openSocket(url: URL): Promise<WebSocket> {
  const address = new URL(url);
  address.protocol = 'wss:';
  const socket = new WebSocket(address, {
    lookup: here,
    rejectUnauthorized: false,
    perMessageDeflate: false,
  });
  await once(socket, 'open');
  return socket;
}

async function echoed(socket: WebSocket): Promise<void> {
  const answer = once(socket, 'message');
  socket.send('hello');
  const [data] = (await answer) as [Buffer];
  if (data.toString() !== 'hello') throw new Error(`a WebSocket said ${data.toString()}`);
}
