import { writeSync } from 'node:fs';
import { Socket } from 'node:net';

import type { RunnerToWorker, WorkerToRunner } from '@gantry/protocol';

import { FrameChannel } from './frame-channel.ts';
import { captureOutput } from './output-capture.ts';
import { Runner } from './runner.ts';

const CHANNEL_FD = 3;
const READ_BYTES = 64 * 1024;

export interface RunnerOptions {
  /** It loads what some functions need while nobody needs it. */
  isStartedAhead: boolean;
  /** Has this program compiled for later processes. */
  keepCompiled(): void;
}

/** Makes this process a runner: connects it to its worker over file descriptor 3. */
export function startRunner({ isStartedAhead, keepCompiled }: RunnerOptions): void {
  const channel = new FrameChannel<WorkerToRunner, RunnerToWorker>(openChannel());
  const runner = new Runner(channel, keepCompiled);
  captureOutput((stream, text) => runner.print(stream, text));
  process.on('SIGTERM', () => runner.stop());
  // For the listeners of user code alone: the worker decides when its containers end.
  process.on('SIGINT', () => undefined);
  process.on('uncaughtException', (thrown) => runner.crash(thrown));
  process.on('unhandledRejection', (thrown) => runner.crash(thrown));
  process.on('exit', (code) => {
    runner.exiting(code);
    writeRest(channel);
  });
  runner.start();
  if (isStartedAhead) runner.preload();
}

/**
 * Reads into one buffer, and copies what came: a buffer of 64 KiB for each of many small messages, and what a stream does for
 * each of them, takes more of the time of a round trip.
 */
function openChannel(): Socket {
  const buffer = Buffer.allocUnsafeSlow(READ_BYTES);
  const callback = (bytes: number): boolean => socket.emit('data', Buffer.from(buffer.subarray(0, bytes)));
  const socket: Socket = new Socket({ fd: CHANNEL_FD, onread: { buffer, callback } });
  return socket;
}

/** User code may call `process.exit`: what was to be said before must still arrive. */
function writeRest(channel: FrameChannel<WorkerToRunner, RunnerToWorker>): void {
  const frame = channel.takeFrame();
  // Behind a half-written frame nothing can be added.
  if (!frame || channel.unwrittenBytes > 0) return;
  let written = 0;
  try {
    while (written < frame.length) written += writeSync(CHANNEL_FD, frame, written);
  } catch {
    // The worker is gone, or does not keep up.
  }
}
