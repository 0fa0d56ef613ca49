import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { encodeFrame } from './codec.ts';
import { FRAME_HEADER_BYTES, FrameReader } from './frame-reader.ts';

const MOST_BYTES = 1024;

function joined(pieces: readonly Uint8Array[]): Uint8Array {
  return Uint8Array.from(pieces.flatMap((piece) => [...piece]));
}

function aReader<TMessage>() {
  return new FrameReader<TMessage, Uint8Array>({ mostBytes: MOST_BYTES, join: joined });
}

function framed(...messages: unknown[]): Uint8Array {
  const body = encodeFrame(messages);
  const header = new Uint8Array(FRAME_HEADER_BYTES);
  new DataView(header.buffer).setUint32(0, body.length);
  return joined([header, body]);
}

describe('a reader of frames', () => {
  it('finds all messages in order, however the stream is cut', () => {
    fc.assert(
      fc.property(
        fc.array(fc.array(fc.nat(), { maxLength: 5 }), { maxLength: 8 }),
        fc.array(fc.integer({ min: 1, max: 12 }), { minLength: 1 }),
        (frames, cuts) => {
          const stream = joined(frames.map((messages) => framed(...messages)));
          const reader = aReader<number>();
          const heard: number[] = [];
          for (let at = 0, cut = 0; at < stream.length; cut++) {
            const end = at + (cuts[cut % cuts.length] ?? 1);
            reader.read(stream.slice(at, end), (message) => heard.push(message));
            at = end;
          }
          expect(heard).toEqual(frames.flat());
        },
      ),
    );
  });

  it('copies nothing of a piece that holds whole frames', () => {
    const reader = new FrameReader<{ bytes: Uint8Array }, Uint8Array>({
      mostBytes: MOST_BYTES,
      join: () => expect.unreachable(),
    });
    const heard: Uint8Array[] = [];
    for (const text of ['one', 'two']) {
      reader.read(framed({ bytes: new TextEncoder().encode(text) }), ({ bytes }) => heard.push(bytes));
    }
    expect(heard.map((bytes) => new TextDecoder().decode(bytes))).toEqual(['one', 'two']);
  });

  it('gives bytes of the kind that it was given', () => {
    const whole = framed({ bytes: Uint8Array.of(1, 2) });
    const kindOf = (bytes: Uint8Array) => bytes.constructor.name;
    const kinds: string[] = [];
    const plain = aReader<{ bytes: Uint8Array }>();
    plain.read(Uint8Array.from(whole), ({ bytes }) => kinds.push(kindOf(bytes)));
    const buffers = new FrameReader<{ bytes: Uint8Array }, Buffer>({
      mostBytes: MOST_BYTES,
      join: (pieces) => Buffer.concat(pieces),
    });
    buffers.read(Buffer.from(whole), ({ bytes }) => kinds.push(kindOf(bytes)));
    buffers.read(Buffer.from(whole.subarray(0, 6)), () => expect.unreachable());
    buffers.read(Buffer.from(whole.subarray(6)), ({ bytes }) => kinds.push(kindOf(bytes)));
    expect(kinds).toEqual(['Uint8Array', 'Buffer', 'Buffer']);
  });

  it.each([
    ['an absurd length', Uint8Array.of(0xff, 0xff, 0xff, 0xff, 0), /4294967295 bytes is too long/],
    ['what is no array of messages', Uint8Array.of(0, 0, 0, 1, 1), /no list of messages/],
    ['what is cut short', Uint8Array.of(0, 0, 0, 1, 0x82), /could not be decoded/],
  ])('refuses %s', (_what, bytes, why) => {
    expect(() => aReader().read(bytes, () => expect.unreachable())).toThrow(why);
  });
});
