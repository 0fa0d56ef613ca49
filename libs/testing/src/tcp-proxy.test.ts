import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { afterEach, beforeEach, expect, test } from 'vitest';

import { freePort } from './free-port.ts';
import { TcpProxy } from './tcp-proxy.ts';
import { waitUntil } from './wait-until.ts';

const echo = createServer((socket) => {
  socket.on('error', () => undefined);
  socket.pipe(socket);
});
let proxy: TcpProxy;
let sockets: Socket[];

beforeEach(async () => {
  echo.listen(0, '127.0.0.1');
  await once(echo, 'listening');
  proxy = await TcpProxy.open(await freePort(), (echo.address() as AddressInfo).port);
  sockets = [];
});

afterEach(async () => {
  await proxy.close();
  for (const socket of sockets) socket.destroy();
  echo.close();
});

function open(): { socket: Socket; heard: () => string; isClosed: () => boolean } {
  const socket = connect(proxy.port, '127.0.0.1');
  sockets.push(socket);
  let text = '';
  let isClosed = false;
  socket.setEncoding('utf8').on('data', (part: string) => (text += part));
  socket.on('error', () => undefined).on('close', () => (isClosed = true));
  return { socket, heard: () => text, isClosed: () => isClosed };
}

test('it passes connections on, and skips a target that refuses', async () => {
  const client = open();
  client.socket.write('hello');

  await waitUntil(() => client.heard() === 'hello');
});

test('cut, it resets connections, old and new, until it is healed', async () => {
  const old = open();
  old.socket.write('hello');
  await waitUntil(() => old.heard() === 'hello');

  proxy.cut();
  const refused = open();
  await waitUntil(() => old.isClosed() && refused.isClosed());
  proxy.heal();
  const after = open();
  after.socket.write('again');

  await waitUntil(() => after.heard() === 'again');
});

test('held, it lets nothing through, and afterwards everything', async () => {
  const old = open();
  old.socket.write('hello');
  await waitUntil(() => old.heard() === 'hello');

  proxy.hold();
  const made = open();
  old.socket.write(' world');
  made.socket.write('new');
  await new Promise((resolve) => setTimeout(resolve, 50));
  const meanwhile = [old.heard(), made.heard()];
  proxy.heal();

  await waitUntil(() => old.heard() === 'hello world' && made.heard() === 'new');
  expect(meanwhile).toEqual(['hello', '']);
});

test('a lost connection stays silent, and new ones work', async () => {
  const lost = open();
  lost.socket.write('hello');
  await waitUntil(() => lost.heard() === 'hello');

  proxy.lose();
  lost.socket.write(' world');
  const made = open();
  made.socket.write('new');

  await waitUntil(() => made.heard() === 'new');
  expect(lost.heard()).toBe('hello');
  expect(lost.isClosed()).toBe(false);
});
