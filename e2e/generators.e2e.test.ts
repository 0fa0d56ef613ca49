import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

import { temporaryDirectory, waitUntil } from '@gantry/testing';
import { Cls, RemoteFunction } from 'gantry';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { startPlatformWith } from './deployed-platform.ts';
import { fetchHttps, runCli, type Platform } from './platform.ts';
import type { count, counted, failing, large, Speaker } from './generator-app.ts';

const ENTRY = join(import.meta.dirname, 'generator-app.ts');
const WINDOW = 64;
/** A consumer tells how far it is after so many values. */
const CREDIT_EVERY = 16;

let platform: Platform;
let folder: Awaited<ReturnType<typeof temporaryDirectory>>;
let files = 0;

beforeAll(async () => {
  // Its functions write to files of this machine, and are killed by their process ids.
  platform = await startPlatformWith(ENTRY, ['--driver', 'process']);
  folder = await temporaryDirectory('gantry-generators-');
});

afterAll(async () => {
  await platform[Symbol.asyncDispose]();
  await folder.remove();
});

const remoteCount = () => RemoteFunction.fromName<typeof count>('generators', 'count');
const remoteCounted = () => RemoteFunction.fromName<typeof counted>('generators', 'counted');
const newFile = () => join(folder.path, `lines-${files++}`);

async function linesOf(path: string): Promise<string[]> {
  return (await readFile(path, 'utf8').catch(() => '')).split('\n').slice(0, -1);
}

const numbers = (count: number) => Array.from({ length: count }, (_, n) => n);

describe('a remote generator', () => {
  test('yields 10,000 values in order, and its result', async () => {
    const values = remoteCount().remoteGen(10_000);
    const taken: number[] = [];
    let step = await values.next();
    for (; !step.done; step = await values.next()) taken.push(step.value);

    expect(taken).toEqual(numbers(10_000));
    expect(step.value).toBe('counted to 10000');
  });

  test('stops within the window while its consumer pauses, and goes on afterwards', async () => {
    const path = newFile();
    const values = remoteCounted().remoteGen(path, 0);
    const taken: number[] = [];
    const take = async () => taken.push((await values.next()).value?.n ?? -1);
    for (let i = 0; i < 100; i++) await take();
    let before = -1;
    const produced = await waitUntil(
      async () => {
        const { length } = await linesOf(path);
        if (length === before) return length;
        before = length;
        return undefined;
      },
      { intervalMs: 300 },
    );

    expect(produced).toBeGreaterThanOrEqual(100);
    expect(produced).toBeLessThanOrEqual(100 + WINDOW + CREDIT_EVERY);
    for (let i = 0; i < 200; i++) await take();
    expect(taken).toEqual(numbers(300));
    await values.return(undefined);
  });

  test('runs its finally blocks when the loop is left early', async () => {
    const path = newFile();
    for await (const { n } of remoteCounted().remoteGen(path, 5)) if (n === 3) break;

    const lines = await waitUntil(async () => {
      const found = await linesOf(path);
      return found.includes('finally') ? found : undefined;
    });
    expect(lines.length).toBeLessThan(2_000);
    expect(lines.filter((line) => line === 'finally')).toHaveLength(1);
  });

  test('throws after the values that came before the error', async () => {
    const remote = RemoteFunction.fromName<typeof failing>('generators', 'failing');
    const taken: number[] = [];
    const failure = await (async () => {
      for await (const n of remote.remoteGen(100)) taken.push(n);
    })().catch((error: unknown) => error);

    expect(taken).toEqual(numbers(100));
    expect(failure).toMatchObject({ name: 'RangeError', message: 'no more than 100' });
    expect((failure as Error).stack).toContain('generator-app.ts');
  });

  test('goes on without gap or repetition when its container is killed', async () => {
    const taken: number[] = [];
    const pids = new Set<number>();
    for await (const { n, pid } of remoteCounted().remoteGen(newFile(), 2)) {
      taken.push(n);
      pids.add(pid);
      if (n === 150) process.kill(pid, 'SIGKILL');
      if (n === 600) break;
    }

    expect(taken).toEqual(numbers(601));
    expect(pids.size).toBe(2);
  });

  test('does not mix with another one that runs at the same time', async () => {
    const order: string[] = [];
    const consume = async (name: string) => {
      const taken: number[] = [];
      const inputs = new Set<string | undefined>();
      for await (const { n, inputId } of remoteCounted().remoteGen(newFile(), 5)) {
        taken.push(n);
        inputs.add(inputId);
        order.push(name);
        if (n === 99) break;
      }
      expect(inputs.size).toBe(1);
      return taken;
    };
    const [a, b] = await Promise.all([consume('a'), consume('b')]);

    expect(a).toEqual(numbers(100));
    expect(b).toEqual(numbers(100));
    expect(order.lastIndexOf('a')).toBeGreaterThan(order.indexOf('b'));
    expect(order.lastIndexOf('b')).toBeGreaterThan(order.indexOf('a'));
  });

  test('carries values of any size', async () => {
    const remote = RemoteFunction.fromName<typeof large>('generators', 'large');
    const sizes = [10, 3_000_000, 20, 700_000, 400_000, 400_000, 400_000, 5_000_000, 1];
    const taken: Uint8Array[] = [];
    for await (const bytes of remote.remoteGen(sizes)) taken.push(bytes);

    expect(taken.map(({ length }) => length)).toEqual(sizes);
    expect(taken.map((bytes) => bytes.at(-1))).toEqual(numbers(sizes.length));
  });

  test('may be a method', async () => {
    const speaker = Cls.fromName<typeof Speaker>('generators', 'Speaker').instance();
    const said: string[] = [];
    for await (const word of speaker.say.remoteGen(['to', 'be'])) said.push(word);

    expect(said).toEqual(['to', 'be']);
  });

  test('is refused as a call with a single result', async () => {
    const untyped = remoteCount() as unknown as RemoteFunction<[number], number>;

    await expect(untyped.remote(1)).rejects.toThrow('"count" is a generator');
  });

  test('streams through an endpoint', async () => {
    const url = `${platform.ready.gatewayUrl.replace('://', '://local--generators-speaker-countdown.')}/?from=5`;

    const answer = await fetchHttps({ url, caPath: platform.ready.caPath });

    expect(answer.status, answer.body).toBe(200);
    expect(answer.body).toBe('5 4 3 2 1 ');
  });

  test('is printed line by line by gantry run', async () => {
    const result = await runCli(['run', '--quiet', `${ENTRY}::count`, '--to', '3'], platform.env);

    expect(result.code, result.stderr).toBe(0);
    expect(result.stdout).toBe('0\n1\n2\n');
  });
});
