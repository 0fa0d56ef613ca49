import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

import { startNats, waitUntil } from '@gantry/testing';
import { describe, expect, it } from 'vitest';

import { connectMessaging } from './index.ts';

/** Stands between a client and nats-server, and can swallow what the server answers. */
class Between {
  readonly #server;
  readonly #sockets = new Set<Socket>();
  #isMute = false;

  constructor(natsUrl: string) {
    const { hostname, port } = new URL(natsUrl);
    this.#server = createServer((client) => {
      const nats = connect(Number(port), hostname);
      for (const socket of [client, nats]) {
        this.#sockets.add(socket);
        socket.on('error', () => socket.destroy());
      }
      client.on('data', (data) => {
        nats.write(data);
      });
      nats.on('data', (data) => !this.#isMute && client.write(data));
    });
  }

  async listen(): Promise<string> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    return `nats://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  mute(): void {
    this.#isMute = true;
  }

  /** Cuts all connections; new ones hear everything. */
  cut(): void {
    this.#isMute = false;
    for (const socket of this.#sockets) socket.destroy();
    this.#sockets.clear();
  }

  close(): void {
    this.cut();
    this.#server.close();
  }
}

describe('the registry while nats-server dies and comes back', () => {
  it('answers what the former server took and did not answer', async () => {
    const nats = await startNats();
    const messaging = await connectMessaging({ url: nats.url, name: 'crash', onError: () => undefined });
    await messaging.ensureStreams();
    const { registry } = messaging;
    await registry.put('app.a', 'first');
    const entry = await registry.get('app.a');

    process.kill(nats.pid, 'SIGSTOP');
    const asked = Promise.all([
      registry.list('app.*'),
      registry.put('app.b', 1),
      registry.create('app.c', 1),
      registry.update('app.a', 'second', entry?.revision ?? 0),
      registry.create('app.a', 'third'),
      registry.delete('app.d'),
    ]);
    // One turn of the event loop writes the requests into the socket.
    await new Promise((resolve) => setTimeout(resolve, 50));
    nats.kill();
    await nats.restart();
    const [listed, put, created, updated, createdAgain] = await asked;
    expect(listed.map(({ key }) => key)).toContain('app.a');
    expect(put).toBeGreaterThan(0);
    expect([created, updated, createdAgain]).toEqual([true, true, false]);
    expect((await registry.get('app.a'))?.value).toBe('second');
    await messaging.close();
    await nats.stop();
  });

  it('reports no conflict with what an earlier try of the same request wrote', async () => {
    const nats = await startNats();
    const between = new Between(nats.url);
    const url = await between.listen();
    const messaging = await connectMessaging({ url, name: 'crash', onError: () => undefined });
    const witness = await connectMessaging({ url: nats.url, name: 'witness', onError: () => undefined });
    await messaging.ensureStreams();
    const { registry } = messaging;
    const revision = await registry.put('app.old', 'old');
    const held = await registry.put('app.held', 'theirs');

    between.mute();
    const asked = Promise.all([
      registry.update('app.old', { version: 2 }, revision),
      registry.create('app.new', { version: 1 }),
      registry.update('app.held', 'ours', held - 1),
      registry.create('app.held', 'ours'),
    ]);
    await waitUntil(
      async () =>
        (await witness.registry.get('app.new')) !== undefined &&
        (await witness.registry.get('app.old'))?.revision !== revision,
    );
    between.cut();
    expect(await asked).toEqual([true, true, false, false]);
    expect(await registry.get('app.held')).toMatchObject({ value: 'theirs', revision: held });
    for (const one of [messaging, witness]) await one.close();
    between.close();
    await nats.stop();
  });
});
