import { PassThrough } from 'node:stream';

import type { ExecProcess } from '@gantry/containers';
import {
  decodeFrame,
  EXEC_SILENCE_MS,
  NumberedFrames,
  type ExecFrame,
  type ExecInput,
  type ExecInputRelay,
  type ExecOutput,
  type ExecOutputRelay,
} from '@gantry/protocol';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';

import { ExecSession } from './exec-session.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** A session with a program that runs until it is killed. */
function setUp() {
  let kill: () => void = () => undefined;
  const exited = new Promise<{ code: null; signal: 'SIGKILL' }>((resolve) => {
    kill = () => resolve({ code: null, signal: 'SIGKILL' });
  });
  const streams = { stdin: new PassThrough(), stdout: new PassThrough(), stderr: new PassThrough() };
  const program: ExecProcess = {
    ...streams,
    exited,
    resize: () => undefined,
    signal: () => undefined,
    kill: () => {
      streams.stdout.end();
      streams.stderr.end();
      kill();
    },
  };
  const sent: ExecOutput[] = [];
  let receive: (relay: ExecInputRelay) => void = () => undefined;
  const session = new ExecSession({
    execId: 'x',
    messaging: {
      publish: (_subject, relay) =>
        sent.push(decodeFrame<ExecFrame<ExecOutput>>((relay as ExecOutputRelay).frame).message),
      subscribe: (_subject, listener) => {
        receive = listener as typeof receive;
        return { stop: () => undefined };
      },
    },
    open: () => Promise.resolve(program),
    containerEnded: new Promise(() => undefined),
  });
  const frames = new NumberedFrames<ExecInput, ExecOutput>();
  return { session, sent, hear: (message: ExecInput) => receive({ frame: frames.wrap(message) }) };
}

describe('a program whose client is silent', () => {
  test('is ended, but not one whose client shows that it is there', async () => {
    const { session, sent, hear } = setUp();
    const over = session.run();
    for (let elapsedMs = 0; elapsedMs < 3 * EXEC_SILENCE_MS; elapsedMs += EXEC_SILENCE_MS / 3) {
      await vi.advanceTimersByTimeAsync(EXEC_SILENCE_MS / 3);
      hear({ type: 'alive' });
    }
    expect(new Set(sent.map(({ type }) => type))).toEqual(new Set(['started', 'alive']));
    await vi.advanceTimersByTimeAsync(2 * EXEC_SILENCE_MS);
    await over;
    expect(sent.at(-1)).toMatchObject({ type: 'failed', error: { code: 'CONNECTION_LOST' } });
  });
});
