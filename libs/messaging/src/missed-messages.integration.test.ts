import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';

import { newCallId } from '@gantry/protocol';
import { startNats, waitUntil } from '@gantry/testing';
import { expect, it } from 'vitest';

import { connectMessaging } from './index.ts';
import { newInput, outputOf, sessionKey } from './sample-inputs.ts';

/** A way to nats-server that can be cut for one connection while others go on. */
class Cable {
  readonly #sockets = new Set<Socket>();
  readonly #targetPort: number;
  readonly #server = createServer((socket) => this.#join(socket));

  constructor(targetUrl: string) {
    this.#targetPort = Number(new URL(targetUrl).port);
  }

  async plug(port = 0): Promise<number> {
    this.#server.listen(port, '127.0.0.1');
    await once(this.#server, 'listening');
    return (this.#server.address() as AddressInfo).port;
  }

  async cut(): Promise<void> {
    const closed = new Promise((resolve) => this.#server.close(resolve));
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }

  #join(socket: Socket): void {
    const onward = connect(this.#targetPort, '127.0.0.1');
    for (const [from, to] of [
      [socket, onward],
      [onward, socket],
    ] as const) {
      this.#sockets.add(from);
      from.on('error', () => undefined).on('close', () => to.destroy());
      from.pipe(to);
    }
  }
}

it('outputs that were stored while a watcher had no connection reach it when it is back, and later ones too', async () => {
  await using nats = await startNats();
  const cable = new Cable(nats.url);
  const port = await cable.plug();
  const [worker, server] = await Promise.all([
    connectMessaging({ url: nats.url, name: 'worker' }),
    connectMessaging({ url: `nats://127.0.0.1:${port}`, name: 'server', onError: () => undefined }),
  ]);
  await worker.ensureStreams();
  const callId = newCallId(sessionKey);
  const store = (index: number) => worker.outputs.store(outputOf(newInput({ callId, index })));
  const seen = new Set<number>();
  const seenByCall = new Set<number>();
  let reconnects = 0;
  server.onReconnect(() => reconnects++);
  const watches = [
    server.outputs.watchSession(sessionKey, ({ index }) => seen.add(index)),
    server.outputs.watchCall(callId, ({ index }) => seenByCall.add(index)),
  ];
  await server.request('nobody', {}).catch(() => undefined);
  await store(0);
  await waitUntil(() => seen.size === 1);

  await cable.cut();
  await Promise.all([store(1), store(2), store(3)]);
  expect([...seen]).toEqual([0]);
  await cable.plug(port);

  await waitUntil(() => seen.size === 4 && seenByCall.size === 4, { timeoutMs: 15_000 });
  expect(reconnects).toBe(1);
  await store(4);
  await waitUntil(() => seen.has(4));
  for (const watch of watches) watch.stop();
  await Promise.all([worker.close(), server.close()]);
  await cable.cut();
});
