import { InvalidError } from '@gantry/protocol';
import { afterEach, describe, expect, test, vi } from 'vitest';

import { createLogger } from './create-logger.ts';
import type { LoggerOptions, LogLevel } from './logger.ts';

function capture(options: Partial<LoggerOptions> = {}) {
  const lines: string[] = [];
  const destination = { write: (line: string) => void lines.push(line) };
  return { lines, log: createLogger({ name: 'worker', destination, ...options }) };
}

afterEach(() => vi.unstubAllEnvs());

describe('createLogger', () => {
  test('writes one JSON line per message, with the level as a word', () => {
    const { lines, log } = capture();

    log.info({ containerId: 'ta-1' }, 'container is ready');

    expect(lines).toHaveLength(1);
    expect(JSON.parse(lines[0] ?? '')).toMatchObject({
      level: 'info',
      name: 'worker',
      msg: 'container is ready',
      containerId: 'ta-1',
    });
  });

  test('takes the level from GANTRY_LOG_LEVEL unless one is given', () => {
    vi.stubEnv('GANTRY_LOG_LEVEL', 'error');

    const fromEnvironment = capture();
    fromEnvironment.log.warn('not shown');
    const given = capture({ level: 'debug' });
    given.log.debug('shown');

    expect(fromEnvironment.lines).toEqual([]);
    expect(given.lines).toHaveLength(1);
  });

  test('refuses an unknown level and lists the known ones', () => {
    expect(() => capture({ level: 'loud' as LogLevel })).toThrow(InvalidError);
    expect(() => capture({ level: 'loud' as LogLevel })).toThrow('"loud"');
  });

  test('adds the fields of a child to each of its lines', () => {
    const { lines, log } = capture();

    log.child({ appId: 'ap-1' }).warn('stopped');

    expect(JSON.parse(lines[0] ?? '')).toMatchObject({ appId: 'ap-1', msg: 'stopped', level: 'warn' });
  });

  test('keeps message and stack of an error', () => {
    const { lines, log } = capture();

    log.error({ err: new Error('disk is full') }, 'commit failed');

    const line = JSON.parse(lines[0] ?? '') as { err: { message: string; stack: string } };
    expect(line.err.message).toBe('disk is full');
    expect(line.err.stack).toContain('create-logger.test.ts');
  });

  test('writes short lines for people when asked to', () => {
    const { lines, log } = capture({ pretty: true });

    log.warn({ app: 'shop', text: 'two words', count: 3 }, 'scaled up');
    log.error({ err: new Error('boom') }, 'failed');

    expect(lines[0]).toMatch(
      /^\d\d:\d\d:\d\d\.\d{3} warn {2}worker {3}scaled up app=shop text="two words" count=3\n$/,
    );
    expect(lines[1]).toContain('\n    Error: boom\n        at ');
  });
});
