import { once } from 'node:events';
import { connect } from 'node:net';
import { expect, test } from 'vitest';
import { isRunning } from './is-running.ts';
import { startNats } from './nats.ts';
import { waitUntil } from './wait-until.ts';

test('a started nats-server greets clients with JetStream on, keeps its port over a kill and a restart, and is gone after stop', async () => {
  const nats = await startNats({ syncAlways: true });
  const { url, pid } = nats;
  const before = await greeting(url);

  nats.kill();
  await nats.restart();
  const after = await greeting(url);
  const secondPid = nats.pid;
  await nats.stop();

  expect(before).toContain('"jetstream":true');
  expect(after).toContain('"jetstream":true');
  expect(secondPid).not.toBe(pid);
  expect(nats.url).toBe(url);
  await waitUntil(() => !isRunning(pid) && !isRunning(secondPid), { what: 'both processes are gone' });
});

async function greeting(url: string): Promise<string> {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname);
  try {
    const [chunk] = (await once(socket, 'data')) as [Buffer];
    return chunk.toString('utf8');
  } finally {
    socket.destroy();
  }
}
