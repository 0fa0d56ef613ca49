import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

import { findProgram } from '@gantry/testing';
import { expect, test } from 'vitest';

import { TestPlatform } from './gateway.fixture.ts';

const H2SPEC = findProgram('h2spec', 'GANTRY_H2SPEC');
const CASES = 145;

/**
 * Cases that a gateway does not pass, by the section and number that h2spec gives them. What they ask for is done, or not, by
 * nghttp2 in Node before the gateway hears of it. None of them lets a request in that was not sent.
 */
const NOT_PASSED: Record<string, string> = {
  'http2/5.1/8': 'nghttp2 forgets closed streams at once, and drops what still comes for them',
  'http2/5.1/9': 'the same, with a head',
  'http2/5.1/11': 'the same, after both sides ended',
  'http2/5.1/12': 'the same, with a head after both sides ended',
  'http2/5.1.1/2': 'a number below the last one is a closed stream for nghttp2: its head is dropped',
  'http2/5.3.1/2': 'RFC 9113 has no priorities any more: nghttp2 reads none',
  'http2/6.3/1': 'RFC 9113 has no priorities any more: nghttp2 reads none',
  'http2/6.7/2': 'Node closes a connection that acknowledges a ping which nobody sent',
  'http2/6.9.1/3': 'nghttp2 ends the connection, as RFC 9113 5.4 allows, and not the stream alone',
};

interface Outcome {
  /** Such as `http2/5.1/8`. */
  id: string;
  title: string;
  failure: string | undefined;
}

/** Runs cases against `https://localhost:port`; all of them by default. */
async function runH2spec(
  { port, folder }: { port: number; folder: string },
  ids: string[],
  timeoutS: number,
) {
  const report = join(folder, 'h2spec.xml');
  const target = ['-t', '-k', '-h', 'localhost', '-p', String(port)];
  const args = [...target, '-o', String(timeoutS), '-j', report, ...ids];
  // It ends with 1 where a case fails, of which the report says more.
  await new Promise((resolve) => execFile(H2SPEC ?? '', args, { maxBuffer: 2 ** 24 }, resolve));
  return readReport(await readFile(report, 'utf8'));
}

function readReport(xml: string): Outcome[] {
  const counts = new Map<string, number>();
  const cases = xml.matchAll(/<testcase package="([^"]*)" classname="([^"]*)"[^>]*>(.*?)<\/testcase>/gs);
  return [...cases].map(([, section = '', title = '', rest = '']) => {
    const number = (counts.get(section) ?? 0) + 1;
    counts.set(section, number);
    return { id: `${section}/${number}`, title, failure: rest.trim() === '' ? undefined : rest.trim() };
  });
}

test.skipIf(!H2SPEC)(
  `a gateway passes h2spec over TLS${H2SPEC ? '' : ' (there is no program "h2spec": set-up builds it where Go is)'}`,
  { timeout: 240_000 },
  async () => {
    await using platform = await TestPlatform.start();
    const run = () => ({
      async fetch(request: Request) {
        await request.arrayBuffer();
        return new Response('hello, '.repeat(100));
      },
    });
    const { record } = await platform.serve({ web: { type: 'asgi' }, run }, { maxInputs: 100 });
    const route = { functionId: record.id, appId: 'ap-test', method: '', ephemeral: false, createdAtMs: 0 };
    platform.setRoute({ ...route, host: 'localhost' });
    expect((await platform.ask('localhost')).status).toBe(200);

    const target = { port: platform.port, folder: platform.dataDir };
    const first = await runH2spec(target, [], 1);
    expect(first.length).toBe(CASES);
    const unexpected = first.filter(({ id, failure }) => failure !== undefined && !(id in NOT_PASSED));
    const failures: Outcome[] = [];
    // A second is little for a busy machine.
    for (const { id, title } of unexpected) {
      const [again] = await runH2spec(target, [id], 30);
      if (again?.failure !== undefined) failures.push({ ...again, id, title });
    }
    expect(failures).toEqual([]);
  },
);
