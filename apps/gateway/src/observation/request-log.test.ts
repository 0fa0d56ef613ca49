import type { LogEntry } from '@gantry/protocol';
import { expect, test } from 'vitest';

import type { GatewayConfig } from '../config.ts';
import { RequestLog } from './request-log.ts';

const ENDED = {
  appId: 'ap-1',
  functionName: 'f',
  containerId: 'ta-1',
  verb: 'GET',
  path: '/',
  status: 200,
  durationMs: 1,
};

function open() {
  const written: { appId: string; under: string; texts: string[] }[] = [];
  const append = async (
    appId: string,
    under: string,
    { entries }: { entries: LogEntry[] },
  ): Promise<void> => {
    written.push({ appId, under, texts: entries.map(({ text }) => text) });
  };
  return { log: new RequestLog({ append }, {} as GatewayConfig), written };
}

test('lines of requests are written together, under their containers', async () => {
  const { log, written } = open();
  log.write(ENDED);
  log.write({ ...ENDED, containerId: '', status: 429, path: `/${'a'.repeat(300)}` });
  log.write({ ...ENDED, verb: 'POST' });
  await log.flush();
  expect(written).toEqual([
    { appId: 'ap-1', under: 'ta-1', texts: ['GET / 200 in 1 ms', 'POST / 200 in 1 ms'] },
    { appId: 'ap-1', under: 'system', texts: [`GET /${'a'.repeat(199)}… 429 in 1 ms`] },
  ]);
  await log.flush();
  expect(written).toHaveLength(2);
});

test('an app that answers thousands of requests a second has a count for most of them', async () => {
  const { log, written } = open();
  for (let i = 0; i < 5_000; i++) log.write(ENDED);
  await log.flush();
  const texts = written.flatMap((each) => each.texts);
  expect(texts).toHaveLength(251);
  expect(texts.at(-1)).toBe('… and 4750 more requests in 250 ms');
});
