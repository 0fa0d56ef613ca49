import { Duplex, PassThrough } from 'node:stream';

import { describe, expect, it } from 'vitest';

import { FrameChannel } from './frame-channel.ts';

interface Note {
  text: string | Uint8Array;
}

/** A stream that keeps each write apart. */
class Recorder extends Duplex {
  readonly writes: Buffer[] = [];
  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.writes.push(chunk);
    done();
  }
  override _read(): void {}
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

function listening(): { stream: PassThrough; heard: Note[]; closed: () => number } {
  const stream = new PassThrough();
  const heard: Note[] = [];
  let closed = 0;
  new FrameChannel<Note, Note>(stream).listen({
    onMessage: (message) => heard.push(message),
    onClose: () => closed++,
  });
  return { stream, heard, closed: () => closed };
}

function frameOf(...messages: Note[]): Buffer {
  const channel = new FrameChannel<Note, Note>(new Recorder());
  for (const message of messages) channel.send(message);
  return channel.takeFrame() ?? Buffer.alloc(0);
}

describe('a frame channel', () => {
  it('sends everything of one turn in one write', async () => {
    const recorder = new Recorder();
    const channel = new FrameChannel<Note, Note>(recorder);
    channel.send({ text: 'a' });
    channel.send({ text: 'b' });
    expect(recorder.writes).toHaveLength(0);
    await turn();
    expect(recorder.writes).toHaveLength(1);
    channel.send({ text: 'c' });
    await turn();
    expect(recorder.writes).toHaveLength(2);
  });

  it('sends what follows from a frame before the turn ends, in one write', async () => {
    const recorder = new Recorder();
    const channel = new FrameChannel<Note, Note>(recorder);
    const writesAtEnd: number[] = [];
    channel.listen({
      onMessage: ({ text }) => {
        setImmediate(() => writesAtEnd.push(recorder.writes.length));
        void Promise.resolve().then(() => {
          channel.send({ text });
          void Promise.resolve().then(() => channel.send({ text: 'and what follows' }));
        });
      },
      onClose: () => undefined,
    });
    // As when the system has it: not in a promise, and not as a tick.
    setImmediate(() => recorder.emit('data', frameOf({ text: 'a' })));
    await turn();
    await turn();
    expect(writesAtEnd).toEqual([1]);
    expect(Buffer.concat(recorder.writes)).toEqual(frameOf({ text: 'a' }, { text: 'and what follows' }));
  });

  it('hurries once for each frame that came', async () => {
    const recorder = new Recorder();
    const channel = new FrameChannel<Note, Note>(recorder);
    channel.listen({ onMessage: () => undefined, onClose: () => undefined });
    recorder.push(frameOf({ text: 'a' }));
    await turn();
    const tick = (): Promise<void> => new Promise((resolve) => process.nextTick(resolve));
    channel.send({ text: 'early' });
    await tick();
    expect(recorder.writes).toHaveLength(1);
    for (const text of ['b', 'c']) {
      channel.send({ text });
      await tick();
    }
    expect(recorder.writes).toHaveLength(1);
    await turn();
    expect(recorder.writes).toHaveLength(2);
  });

  it('reads frames however they are cut', async () => {
    const { stream, heard } = listening();
    const bytes = Buffer.concat([frameOf({ text: 'a' }, { text: 'b' }), frameOf({ text: 'c' })]);
    for (const byte of bytes) stream.write(Buffer.of(byte));
    await turn();
    expect(heard.map((message) => message.text)).toEqual(['a', 'b', 'c']);
  });

  it('reads a frame that spans many chunks', async () => {
    const { stream, heard } = listening();
    const large = new Uint8Array(300_000).fill(9);
    const bytes = frameOf({ text: large });
    for (let at = 0; at < bytes.length; at += 65_536) stream.write(bytes.subarray(at, at + 65_536));
    await turn();
    expect(heard).toHaveLength(1);
    expect(Buffer.compare(heard[0]?.text as Uint8Array, large)).toBe(0);
  });

  it('reports the end once', async () => {
    const { stream, closed } = listening();
    stream.end();
    await turn();
    stream.destroy();
    await turn();
    expect(closed()).toBe(1);
  });

  it.each([
    ['an absurd length', Buffer.of(0xff, 0xff, 0xff, 0xff, 0)],
    ['what is no CBOR array', Buffer.of(0, 0, 0, 1, 0xff)],
  ])('closes on %s', async (_, bytes) => {
    const { stream, heard, closed } = listening();
    stream.write(bytes);
    await turn();
    expect(heard).toEqual([]);
    expect(closed()).toBe(1);
  });

  it('calls back from flush() also when there is nothing to write, or nobody to read', () => {
    const recorder = new Recorder();
    const channel = new FrameChannel<Note, Note>(recorder);
    let calls = 0;
    channel.flush(() => calls++);
    recorder.destroy();
    channel.send({ text: 'late' });
    channel.flush(() => calls++);
    expect(calls).toBe(2);
  });
});
