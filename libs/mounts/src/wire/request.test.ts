import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { parseRequest } from './request.ts';
import { numbers, requestBytes } from './wire.fixture.ts';

const LOOKUP = 1;
const READ = 15;
const WRITE = 16;
const INIT = 26;
const READDIRPLUS = 44;
const counter = fc.nat({ max: Number.MAX_SAFE_INTEGER });

describe('requests of the kernel', () => {
  it('say what they are about, and under what they are answered', () => {
    fc.assert(
      fc.property(counter, counter, counter, fc.nat(), (unique, node, offset, sizeBytes) => {
        const body = numbers(0n, BigInt(offset), sizeBytes, 0, 0n, 0, 0);
        expect(parseRequest(requestBytes(READ, body, { unique, node }))).toEqual({
          unique,
          node,
          call: { op: 'read', offset, sizeBytes },
        });
        expect(parseRequest(requestBytes(READDIRPLUS, body))?.call).toEqual({
          op: 'readdir',
          offset,
          sizeBytes,
          withAttributes: true,
        });
      }),
    );
  });

  it('have names as bytes, up to their end', () => {
    const name = fc.uint8Array({ minLength: 1, maxLength: 255 }).filter((bytes) => !bytes.includes(0));
    fc.assert(
      fc.property(name, (bytes) => {
        const call = parseRequest(requestBytes(LOOKUP, Buffer.concat([bytes, Buffer.of(0)])))?.call;
        expect(call).toEqual({ op: 'lookup', name: Buffer.from(bytes) });
      }),
    );
  });

  it('begin with what the kernel can do', () => {
    const call = parseRequest(requestBytes(INIT, numbers(7, 45, 131_072, 0xffff_ffff)))?.call;
    expect(call).toEqual({ op: 'init', major: 7, minor: 45, maxReadahead: 131_072, flags: 0xffff_ffff });
  });

  it('that change something are known as such', () => {
    expect(parseRequest(requestBytes(WRITE, Buffer.alloc(40)))?.call).toEqual({ op: 'change' });
  });

  it('that nobody knows are told apart from bytes that are none', () => {
    expect(parseRequest(requestBytes(9999, Buffer.alloc(0)))?.call).toEqual({ op: 'unknown', opcode: 9999 });
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 80 }), fc.nat({ max: 60 }), (bytes, opcode) => {
        const cut = requestBytes(opcode, bytes).subarray(0, -1);
        expect(parseRequest(cut)).toBeUndefined();
        expect(() => parseRequest(Buffer.from(bytes))).not.toThrow();
        expect(() => parseRequest(requestBytes(opcode, bytes))).not.toThrow();
      }),
    );
  });
});
