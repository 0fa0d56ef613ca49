import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import {
  type Attributes,
  attributesBody,
  entryBody,
  errorReply,
  initBody,
  Listing,
  noEntryBody,
  reply,
} from './reply.ts';

const LIMITS = { maxReadBytes: 1024 * 1024, maxReadahead: 4096, maxBackground: 64, maxWriteBytes: 4096 };
const attributes: fc.Arbitrary<Attributes> = fc.record({
  node: fc.nat({ max: 500_002 }),
  mode: fc.nat({ max: 0o177777 }),
  sizeBytes: fc.nat({ max: Number.MAX_SAFE_INTEGER }),
  mtimeMs: fc.integer({ min: -62_135_596_800_000, max: 253_402_300_799_000 }),
  ownerId: fc.nat({ max: 2 ** 32 - 1 }),
});

/** As struct fuse_attr has them. */
function readAttributes(bytes: Buffer): Attributes {
  return {
    node: Number(bytes.readBigUInt64LE(0)),
    sizeBytes: Number(bytes.readBigUInt64LE(8)),
    mtimeMs: Number(bytes.readBigInt64LE(32)) * 1000 + bytes.readUInt32LE(52) / 1_000_000,
    mode: bytes.readUInt32LE(60),
    ownerId: bytes.readUInt32LE(68),
  };
}

/** As the kernel reads a listing: until no whole entry is left. */
function* readListing(bytes: Buffer, withAttributes: boolean) {
  const before = withAttributes ? 128 : 0;
  for (let at = 0; at < bytes.length;) {
    const nameLength = bytes.readUInt32LE(at + before + 16);
    const nameAt = at + before + 24;
    yield {
      node: Number(bytes.readBigUInt64LE(at + before)),
      next: Number(bytes.readBigUInt64LE(at + before + 8)),
      kind: bytes.readUInt32LE(at + before + 20),
      name: bytes.subarray(nameAt, nameAt + nameLength),
      attributes: withAttributes ? readAttributes(bytes.subarray(at + 40)) : undefined,
    };
    at += before + Math.ceil((24 + nameLength) / 8) * 8;
  }
}

describe('answers to the kernel', () => {
  it('say how long they are, and what they answer', () => {
    const [head, body] = reply(7, [Buffer.from('abc')]) as [Buffer, Buffer];
    expect(head.readUInt32LE(0)).toBe(19);
    expect(head.readInt32LE(4)).toBe(0);
    expect(head.readBigUInt64LE(8)).toBe(7n);
    expect(body.toString()).toBe('abc');
    const [error] = errorReply(9, 'EIO') as [Buffer];
    expect(error.readInt32LE(4)).toBe(-5);
  });

  it('have attributes where the kernel looks for them, times before 1970 among them', () => {
    fc.assert(
      fc.property(attributes, (each) => {
        expect(readAttributes(attributesBody(each).subarray(16))).toEqual(each);
        expect(readAttributes(entryBody(each).subarray(40))).toEqual(each);
      }),
    );
  });

  it('agree to nothing that the kernel did not offer', () => {
    const offered = fc.nat({ max: 2 ** 32 - 1 });
    fc.assert(
      fc.property(offered, (flags) => {
        const agreed = initBody({ flags, maxReadahead: 1 }, LIMITS).readUInt32LE(12);
        expect((agreed & ~flags) >>> 0).toBe(0);
      }),
    );
  });

  it('tell of a missing name with the node 0', () => {
    expect(noEntryBody().readBigUInt64LE(0)).toBe(0n);
  });

  it('list what there is room for, whole, with and without attributes', () => {
    const name = fc.uint8Array({ minLength: 1, maxLength: 255 });
    const entry = fc.record({ name, next: fc.nat(), attributes });
    fc.assert(
      fc.property(
        fc.array(entry, { maxLength: 30 }),
        fc.nat({ max: 4096 }),
        fc.boolean(),
        (all, sizeBytes, plus) => {
          const listing = new Listing({ sizeBytes, withAttributes: plus });
          const added = all.slice(0, all.findIndex((each) => !listing.add(each)) >>> 0);
          expect(listing.body.length).toBeLessThanOrEqual(sizeBytes);
          expect([...readListing(listing.body, plus)]).toEqual(
            added.map((each) => ({
              node: each.attributes.node,
              next: each.next,
              kind: each.attributes.mode >>> 12,
              name: Buffer.from(each.name),
              attributes:
                plus && !/^\.\.?$/.test(Buffer.from(each.name).toString())
                  ? each.attributes
                  : plus
                    ? expect.anything()
                    : undefined,
            })),
          );
        },
      ),
    );
  });
});
