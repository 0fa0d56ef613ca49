import { BLOCK_BYTES, type VolumeFile } from '@gantry/protocol';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { BlockMemory, type HeldBlock } from './block-memory.ts';
import { FileReads } from './file-reads.ts';

/** A file of which each block repeats its number; and what was read of it. */
function numberedFile(sizeBytes: number) {
  const blocks = Array.from({ length: Math.ceil(sizeBytes / BLOCK_BYTES) }, (_, index) => `block-${index}`);
  const file: VolumeFile = { type: 'file', mode: 0o644, mtimeMs: 0, sizeBytes, blocks };
  const reads: number[] = [];
  const memory = new BlockMemory();
  const read = async (digest: string, size = 0): Promise<HeldBlock> => {
    const index = Number(digest.slice('block-'.length));
    reads.push(index);
    const block = memory.place(size);
    block.bytes.fill(index);
    block.bytes = block.bytes.subarray(0, sizeBytes - index * BLOCK_BYTES);
    return block;
  };
  return { file, reads, blocks: { read } };
}

describe('reads of files', () => {
  it('have the bytes of any range, and none behind the end', async () => {
    const sizeBytes = 2 * BLOCK_BYTES + 1_000;
    const { file, blocks } = numberedFile(sizeBytes);
    const reads = new FileReads(blocks);
    const offset = fc.oneof(fc.nat({ max: sizeBytes + 10 }), fc.constantFrom(BLOCK_BYTES, BLOCK_BYTES - 1));
    await fc.assert(
      fc.asyncProperty(offset, fc.nat({ max: 1024 * 1024 }), async (at, length) => {
        const read = await reads.read(file, at, length);
        const bytes = Buffer.concat(read.parts);
        read.release();
        expect(bytes.length).toBe(Math.max(0, Math.min(length, sizeBytes - at)));
        for (const probe of [0, bytes.length - 1])
          if (bytes.length > 0) expect(bytes[probe]).toBe(Math.floor((at + probe) / BLOCK_BYTES));
      }),
      { numRuns: 50 },
    );
  });

  it('in order get the next blocks ahead, more of them the longer it goes, and never too many', async () => {
    const { file, reads: asked, blocks } = numberedFile(20 * BLOCK_BYTES);
    const reads = new FileReads(blocks, { readAhead: 4 });
    for (let index = 0; index < 10; index++) {
      await reads.read(file, index * BLOCK_BYTES, 1024);
      expect(Math.max(...asked) - index).toBe([1, 2, 4][index] ?? 4);
    }
    expect(new Set(asked).size).toBe(asked.length);
  });

  it('at random get nothing ahead', async () => {
    const { file, reads: asked, blocks } = numberedFile(20 * BLOCK_BYTES);
    const reads = new FileReads(blocks);
    for (const index of [7, 3, 12, 18, 5]) await reads.read(file, index * BLOCK_BYTES, 1024);
    expect(asked).toEqual([7, 3, 12, 18, 5]);
  });

  it('keep what was read last in memory, within bounds', async () => {
    const { file, reads: asked, blocks } = numberedFile(20 * BLOCK_BYTES);
    const reads = new FileReads(blocks, { memoryBytes: 3 * BLOCK_BYTES });
    for (const index of [7, 3, 7, 12, 18, 7, 3]) await reads.read(file, index * BLOCK_BYTES, 1024);
    expect(asked).toEqual([7, 3, 12, 18, 3]);
  });

  it('are not overwritten by later ones until they are released, however little is kept', async () => {
    const { file, blocks } = numberedFile(20 * BLOCK_BYTES);
    const reads = new FileReads(blocks, { memoryBytes: 0 });
    const both = await Promise.all([reads.read(file, 0, 4096), reads.read(file, 4096, 4096)]);
    both[0].release();
    for (const index of [7, 3, 12]) (await reads.read(file, index * BLOCK_BYTES, 1024)).release();
    expect(both[1].parts[0]).toEqual(Buffer.alloc(4096, 0));
    both[1].release();
    const next = await reads.read(file, 9 * BLOCK_BYTES, 4096);
    expect(next.parts[0]).toEqual(Buffer.alloc(4096, 9));
  });

  it('fail where a block is shorter than its file says', async () => {
    const { file, blocks } = numberedFile(1_000);
    const reads = new FileReads(blocks);
    await expect(reads.read({ ...file, sizeBytes: 2_000 }, 0, 10)).rejects.toThrow(
      'block "block-0" has 1000 bytes',
    );
  });

  it('of many at a time ask for a block once', async () => {
    const { file, reads: asked, blocks } = numberedFile(BLOCK_BYTES);
    const reads = new FileReads(blocks);
    await Promise.all(Array.from({ length: 50 }, (_, index) => reads.read(file, index * 1000, 1000)));
    expect(asked).toEqual([0]);
  });
});
