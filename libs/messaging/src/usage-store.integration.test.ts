import { type HourUsage, NO_USAGE } from '@gantry/protocol';
import { startNats, type TestNats } from '@gantry/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { connectMessaging, type Messaging } from './index.ts';

const HOUR_MS = 3_600_000;
const NOW_MS = Math.floor(Date.now() / HOUR_MS) * HOUR_MS;
const EVER = { fromMs: 0, toMs: NOW_MS + 10 * HOUR_MS };
let nats: TestNats;
let messaging: Messaging;

beforeAll(async () => {
  nats = await startNats();
  messaging = await connectMessaging({ url: nats.url, name: 'test' });
  await messaging.ensureStreams();
});

afterAll(async () => {
  await messaging.close();
  await nats.stop();
});

function usage(hourMs: number, source: string, containerSeconds: number): HourUsage {
  const of = { environment: 'en-1', appId: 'ap-1', functionName: 'work' };
  return { hourMs, source, functions: [{ ...NO_USAGE, ...of, containerSeconds }] };
}

describe('what containers took up', () => {
  it('is what each process said last of each hour', async () => {
    await messaging.usage.keep(usage(NOW_MS, 'one', 1));
    await messaging.usage.keep(usage(NOW_MS, 'two', 10));
    await messaging.usage.keep(usage(NOW_MS, 'one', 2));
    await messaging.usage.keep(usage(NOW_MS + HOUR_MS, 'one', 3));
    const found = await messaging.usage.read(EVER);
    const said = found.map(({ source, functions }) => `${source} ${functions[0]?.containerSeconds}`);
    expect(said.sort()).toEqual(['one 2', 'one 3', 'two 10']);
  });

  it('is read for the hours that began in a time', async () => {
    await messaging.usage.keep(usage(NOW_MS + 5 * HOUR_MS, 'three', 1));
    const hours = async (fromMs: number, toMs: number) =>
      (await messaging.usage.read({ fromMs, toMs })).filter(({ source }) => source === 'three').length;
    expect(await hours(NOW_MS, NOW_MS + 5 * HOUR_MS)).toBe(0);
    expect(await hours(NOW_MS, NOW_MS + 6 * HOUR_MS)).toBe(1);
  });
});
