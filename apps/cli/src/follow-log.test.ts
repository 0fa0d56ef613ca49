import { ConnectionError, type LogEntry, NotFoundError } from '@gantry/protocol';
import { describe, expect, it } from 'vitest';

import { followLog } from './follow-log.ts';

const BROKEN = new TypeError('terminated');
const entry = (position: number, text: string): LogEntry => ({
  ...{ atMs: 0, stream: 'stdout', text, containerId: 'ta-1', functionName: 'square', position },
});
const LOG = [entry(3, 'a'), entry(3, 'b'), entry(3, 'c'), entry(7, 'd'), entry(9, 'e')];

/** Reads a log whose connection breaks after so many entries each time; `null` for a server that is away. */
async function read(
  breaks: (number | null)[],
  follow = true,
): Promise<{ texts: string[]; asked: unknown[] }> {
  const asked: unknown[] = [];
  const open = async (from: number | undefined): Promise<AsyncIterable<LogEntry>> => {
    asked.push(from);
    const after = breaks.shift();
    if (after === null) throw new ConnectionError('the server cannot be reached');
    const rest = LOG.filter(({ position = 0 }) => position >= (from ?? 0));
    return (async function* () {
      yield* rest.slice(0, after);
      if (after !== undefined) throw BROKEN;
    })();
  };
  const texts: string[] = [];
  for await (const { text } of followLog(open, { follow, pause: async () => undefined })) texts.push(text);
  return { texts, asked };
}

describe('a log that is followed', () => {
  it('comes whole, each entry once, wherever the connection breaks', async () => {
    for (let first = 0; first <= LOG.length; first++) {
      for (let second = 0; second <= LOG.length; second++) {
        expect((await read([first, second, null, null])).texts).toEqual(['a', 'b', 'c', 'd', 'e']);
      }
    }
  });

  it('goes on where it was', async () => {
    expect((await read([2, null, 1, 2])).asked).toEqual([undefined, 3, 3, 3, 3]);
  });

  it('is given up when the server stays away for a minute, or says that there is none', async () => {
    await expect(read([1, ...Array.from({ length: 100 }, () => null)])).rejects.toBe(BROKEN);
    const gone = new NotFoundError('no such app');
    const answers = [() => Promise.resolve(broken()), () => Promise.reject(gone)];
    const log = followLog(() => answers.shift()?.() ?? expect.fail(), {
      ...{ follow: true, pause: async () => undefined },
    });
    await expect(log.next()).rejects.toBe(gone);
  });

  it('that is only read ends with what broke it', async () => {
    await expect(read([1], false)).rejects.toBe(BROKEN);
  });
});

async function* broken(): AsyncGenerator<LogEntry> {
  throw BROKEN;
}
