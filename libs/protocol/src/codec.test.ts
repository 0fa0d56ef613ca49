import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { decodeFrame, encodeCanonical, encodeFrame } from './codec.ts';
import type { ClientMessage } from './session-messages.ts';

describe('a frame', () => {
  it('carries messages with bytes and undefined fields', () => {
    const messages: ClientMessage[] = [
      { type: 'ping' },
      {
        type: 'submit',
        callId: 'fc-1',
        functionId: 'fu-1',
        method: '',
        parameters: undefined,
        kind: 'remote',
        inputs: [{ inputId: 'in-1', index: 0, args: new Uint8Array([1, 2, 3]) }],
      },
    ];
    expect(decodeFrame(Uint8Array.from(encodeFrame(messages)))).toEqual(messages);
  });

  it('carries any JSON value', () => {
    fc.assert(
      fc.property(fc.jsonValue({ noUnicodeString: false }), (value) => {
        fc.pre(!JSON.stringify(value).includes('__proto__'));
        expect(decodeFrame(encodeFrame(value))).toEqual(JSON.parse(JSON.stringify(value)));
      }),
    );
  });

  it('stands alone: a second one needs nothing of the first', () => {
    const message = { some: 'record', of: ['fields'] };
    encodeFrame(message);
    const second = encodeFrame(message);
    expect(decodeFrame(Uint8Array.from(second))).toEqual(message);
  });

  it('that is cut short is a DeserializationError', () => {
    const frame = encodeFrame(['a message', { of: 'some length' }]);
    for (let length = 0; length < frame.length; length++) {
      expect(() => decodeFrame(frame.slice(0, length))).toThrow('could not be decoded');
    }
  });
});

describe('the canonical encoding', () => {
  it('does not depend on the order of the keys', () => {
    const record = fc.dictionary(fc.string(), fc.oneof(fc.string(), fc.integer(), fc.boolean()));
    fc.assert(
      fc.property(record, (data) => {
        const reversed = Object.fromEntries(Object.entries(data).reverse());
        expect(encodeCanonical(reversed)).toEqual(encodeCanonical(data));
      }),
    );
  });

  it('differs for data that differs', () => {
    expect(encodeCanonical({ a: 1 })).not.toEqual(encodeCanonical({ a: '1' }));
    expect(encodeCanonical({ a: 1 })).not.toEqual(encodeCanonical({ b: 1 }));
    expect(encodeCanonical({ a: 1n })).not.toEqual(encodeCanonical({ a: 2n }));
    expect(encodeCanonical({ a: new Uint8Array([1]) })).not.toEqual(
      encodeCanonical({ a: new Uint8Array([2]) }),
    );
  });
});
