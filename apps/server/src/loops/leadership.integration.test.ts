import { connectMessaging, type Messaging } from '@gantry/messaging';
import { createLogger } from '@gantry/telemetry';
import { startNats, waitUntil } from '@gantry/testing';
import { afterAll, beforeAll, expect, it } from 'vitest';

import { Leadership } from './leadership.ts';

const log = createLogger({ name: 'test', level: 'silent' });
let nats: Awaited<ReturnType<typeof startNats>>;
let connections: Messaging[];

beforeAll(async () => {
  nats = await startNats();
  connections = await Promise.all(['a', 'b'].map((name) => connectMessaging({ url: nats.url, name })));
  await connections[0]?.ensureStreams();
});

afterAll(async () => {
  await Promise.all(connections.map((connection) => connection.close()));
  await nats.stop();
});

it('passes to another server within 5 s of a crash, and never to two at a time', async () => {
  const [first, second] = connections.map((messaging, index) => {
    return new Leadership({ leases: messaging.leases, holder: `server-${index}`, log });
  });
  let secondLeads = 0;
  first?.start(() => undefined);
  await waitUntil(() => first?.fence !== undefined);
  const firstFence = first?.fence ?? 0;
  second?.start(() => {
    secondLeads = Date.now();
    // By its own clock the first one has stopped deciding.
    expect(first?.fence).toBeUndefined();
  });
  // Some renewals later, the first server falls silent without giving the lease back.
  await new Promise((resolve) => setTimeout(resolve, 3_000));
  expect(second?.fence).toBeUndefined();
  expect(first?.fence).toBeGreaterThan(firstFence);
  const crashedAtMs = Date.now();
  await connections[0]?.close();
  await waitUntil(() => secondLeads > 0, { timeoutMs: 8_000 });
  expect(secondLeads - crashedAtMs).toBeLessThan(5_000);
  expect(second?.fence).toBeGreaterThan(first?.fence ?? firstFence);
  await first?.stop();
  await second?.stop();
});
