import type { LogBatch } from '@gantry/protocol';
import { describe, expect, it } from 'vitest';

import { silentLog } from '../inputs/input-doubles.ts';
import { LogForwarder } from './log-forwarder.ts';

function forwarding(stored = Promise.resolve()) {
  const batches: LogBatch[] = [];
  const forwarder = new LogForwarder(
    {
      append: (_app, _container, batch) => {
        batches.push(batch);
        return stored;
      },
    },
    silentLog,
  );
  const log = forwarder.open({ appId: 'ap-1', containerId: 'ta-1', functionName: 'square' });
  const texts = (): string[] => batches.flatMap((batch) => batch.entries.map((entry) => entry.text));
  return { forwarder, log, batches, texts };
}

describe('the log forwarder', () => {
  it('cuts text into lines and sends those of a moment together', async () => {
    const { forwarder, log, batches } = forwarding();
    log.write('stdout', 'one\ntwo\r\nthr', 'in-1');
    log.write('stdout', 'ee\n', 'in-1');
    await forwarder.flush();
    expect(batches).toHaveLength(1);
    expect(batches[0]?.entries).toMatchObject([
      { text: 'one', stream: 'stdout', inputId: 'in-1', containerId: 'ta-1', functionName: 'square' },
      { text: 'two' },
      { text: 'three' },
    ]);
  });

  it('does not mix lines of different inputs', async () => {
    const { forwarder, log, texts } = forwarding();
    log.write('stdout', 'a1 ', 'in-1');
    log.write('stdout', 'b1 ', 'in-2');
    log.write('stdout', 'a2\n', 'in-1');
    log.write('stdout', 'b2\n', 'in-2');
    await forwarder.flush();
    expect(texts()).toEqual(['a1 a2', 'b1 b2']);
  });

  it('keeps an unfinished line until it ends, or the container does', async () => {
    const { forwarder, log, texts } = forwarding();
    log.write('stderr', 'no line end');
    await forwarder.flush();
    expect(texts()).toEqual([]);
    log.end();
    await forwarder.flush();
    expect(texts()).toEqual(['no line end']);
  });

  it('splits what is too much for one message', async () => {
    const { forwarder, log, batches } = forwarding();
    log.write('stdout', `${'x'.repeat(600_000)}\n`);
    await forwarder.flush();
    expect(batches.length).toBeGreaterThan(1);
    const total = batches
      .flatMap((batch) => batch.entries)
      .reduce((sum, entry) => sum + entry.text.length, 0);
    expect(total).toBe(600_000);
  });

  it('keeps all of a burst of 50,000 lines in one moment', async () => {
    const { forwarder, log, texts } = forwarding();
    for (let count = 0; count < 50_000; count++) log.write('stdout', `${count} ${'x'.repeat(100)}\n`);
    await forwarder.flush();
    expect(texts()).toHaveLength(50_000);
    expect(texts().at(-1)).toContain('49999 ');
  });

  it('sends much at once, and waits a moment with little', () => {
    const { log, texts } = forwarding();
    log.write('stdout', 'little\n');
    expect(texts()).toEqual([]);
    log.write('stdout', `${'x'.repeat(2_000_000)}\n`);
    expect(texts()[0]).toBe('little');
  });

  it('cuts what the store does not take as fast as it comes, and says how many lines are missing', async () => {
    const stuck = Promise.withResolvers<void>();
    const { forwarder, log, texts, batches } = forwarding(stuck.promise);
    const line = `${'x'.repeat(30_000)}\n`;
    for (let count = 0; count < 1_000; count++) log.write('stdout', line);
    log.system('still heard');
    const flushed = forwarder.flush();
    const kept = texts().filter((text) => text.startsWith('x')).length;
    expect(kept).toBeLessThan(1_000);
    expect(texts()).toContain('still heard');
    stuck.resolve();
    await flushed;
    await forwarder.flush();
    expect(texts().filter((text) => text.startsWith('x'))).toHaveLength(kept);
    expect(batches.at(-1)?.entries.at(-1)).toMatchObject({
      text: `${1_000 - kept} lines were dropped: they came faster than they can be stored`,
      lostLines: 1_000 - kept,
    });
  });
});
