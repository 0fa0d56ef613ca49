import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import {
  bucketPosition,
  DICT_TABLE,
  findInBucket,
  machineTimeMs,
  tableHeader,
  validUntilMs,
  withEntry,
  withoutEntry,
} from './dict-table.ts';

const empty = new Uint8Array(DICT_TABLE.bucketBytes);
const text = (bytes: Uint8Array | undefined) => bytes && Buffer.from(bytes).toString();
const entry = (key: string, value: string) => ({ key, value: Buffer.from(value), readUntilS: 7 });
const keys = fc.constantFrom('a', 'b', '"ключ"', 'x'.repeat(60), '{"a":1}');
const changes = fc.array(fc.record({ key: keys, value: fc.option(fc.string({ maxLength: 400 })) }), {
  maxLength: 30,
});

describe('a bucket of a table', () => {
  it('has the value that was written last of each key, and none of a removed one', () => {
    fc.assert(
      fc.property(changes, (all) => {
        const expected = new Map<string, string>();
        let bucket: Uint8Array = empty;
        for (const { key, value } of all) {
          if (value === null) expected.delete(key);
          else expected.set(key, value);
          bucket = value === null ? withoutEntry(bucket, key) : withEntry(bucket, entry(key, value));
          expect(bucket).toHaveLength(DICT_TABLE.bucketBytes);
        }
        for (const key of ['a', 'b', '"ключ"', 'x'.repeat(60), '{"a":1}'])
          expect(text(findInBucket(bucket, key)?.value)).toBe(expected.get(key));
      }),
    );
  });

  it('loses those first that were written first where there is no room, and never the new one', () => {
    let bucket: Uint8Array = empty;
    for (let number = 0; number < 100; number++)
      bucket = withEntry(bucket, entry(`k${number}`, 'v'.repeat(500)));
    const kept = Array.from({ length: 100 }, (_, number) => number).filter((number) =>
      findInBucket(bucket, `k${number}`),
    );
    expect(kept).toEqual([93, 94, 95, 96, 97, 98, 99]);
  });

  it('does not have what does not fit, nor what was there of its key before', () => {
    const bucket = withEntry(
      withEntry(empty, entry('a', 'old')),
      entry('a', 'x'.repeat(DICT_TABLE.bucketBytes)),
    );
    expect(findInBucket(bucket, 'a')).toBeUndefined();
    expect(findInBucket(withEntry(empty, entry('k'.repeat(1_025), 'v')), 'k'.repeat(1_025))).toBeUndefined();
  });

  it('read while it is written shows a value of before or after, or nothing', () => {
    fc.assert(
      fc.property(changes, keys, fc.nat(DICT_TABLE.bucketBytes), fc.boolean(), (all, key, at, newFirst) => {
        let before: Uint8Array = empty;
        for (const { key: each, value } of all) before = withEntry(before, entry(each, value ?? ''));
        const after = withEntry(before, entry(key, 'new'));
        const [first, second] = newFirst ? [after, before] : [before, after];
        const torn = Buffer.concat([first.subarray(0, at), second.subarray(at)]);
        for (const each of ['a', 'b', '"ключ"', 'x'.repeat(60), '{"a":1}']) {
          const found = text(findInBucket(torn, each)?.value);
          const allowed = [before, after].map((bucket) => text(findInBucket(bucket, each)?.value));
          expect([undefined, ...allowed]).toContain(found);
        }
      }),
      { numRuns: 500 },
    );
  });

  it('of which a part is read shows nothing that is not there as a whole', () => {
    const bucket = withEntry(empty, entry('a', 'value'));
    for (let length = 0; length < 22; length++)
      expect(findInBucket(bucket.subarray(0, length), 'a')).toBeUndefined();
    expect(findInBucket(bucket.subarray(0, 22), 'a')).toMatchObject({ readUntilS: 7 });
  });
});

describe('a table', () => {
  it('has buckets at whole pages behind its header', () => {
    fc.assert(
      fc.property(fc.string(), (key) => {
        const position = bucketPosition(key);
        expect(position % 4096).toBe(0);
        expect(position).toBeGreaterThanOrEqual(DICT_TABLE.headerBytes);
        expect(position).toBeLessThan(DICT_TABLE.headerBytes + DICT_TABLE.buckets * DICT_TABLE.bucketBytes);
      }),
    );
  });

  it('says until when it is valid, by a clock that goes on', () => {
    const now = machineTimeMs();
    expect(validUntilMs(tableHeader(now))).toBe(now);
    expect(validUntilMs(new Uint8Array())).toBe(0);
    expect(machineTimeMs()).toBeGreaterThan(now);
  });
});
