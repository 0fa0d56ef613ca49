import { decodeFrame, type ClientMessage } from '@gantry/protocol';
import { describe, expect, it } from 'vitest';

import { FrameQueue } from './frame-queue.ts';

const submit = (bytes: number): ClientMessage => ({
  type: 'submit',
  callId: 'fc-1',
  functionId: 'fu-1',
  method: '',
  kind: 'remote',
  inputs: [{ inputId: 'in-1', index: 0, args: new Uint8Array(bytes) }],
});

function queue(): { frames: number[]; queue: FrameQueue } {
  const frames: number[] = [];
  return { frames, queue: new FrameQueue((frame) => frames.push(decodeFrame<unknown[]>(frame).length)) };
}

describe('a frame queue', () => {
  it('joins what one turn brings, through any number of promises', async () => {
    const { frames, queue: frameQueue } = queue();
    const late = async (depth: number): Promise<void> => {
      for (let i = 0; i < depth; i++) await undefined;
      frameQueue.push({ type: 'ping' });
    };
    void Promise.all([0, 1, 5, 50].map(late));
    await new Promise(setImmediate);
    expect(frames).toEqual([4]);
    frameQueue.push({ type: 'ping' });
    await new Promise(setImmediate);
    expect(frames).toEqual([4, 1]);
  });

  it('sends before the turn ends, without a timer', async () => {
    const { frames, queue: frameQueue } = queue();
    const order: string[] = [];
    setImmediate(() => order.push(`immediate after ${frames.length}`));
    frameQueue.push({ type: 'ping' });
    await new Promise(setImmediate);
    expect(order).toEqual(['immediate after 1']);
  });

  it('splits above a megabyte, and never a message', async () => {
    const { frames, queue: frameQueue } = queue();
    for (const bytes of [400_000, 400_000, 400_000, 3_000_000, 10]) frameQueue.push(submit(bytes));
    await new Promise(setImmediate);
    expect(frames).toEqual([2, 1, 1, 1]);
  });

  it('forgets what was cleared', async () => {
    const { frames, queue: frameQueue } = queue();
    frameQueue.push({ type: 'ping' });
    frameQueue.clear();
    await new Promise(setImmediate);
    expect(frames).toEqual([]);
  });
});
