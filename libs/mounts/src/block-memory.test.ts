import { BLOCK_BYTES } from '@gantry/protocol';
import { describe, expect, it } from 'vitest';

import { BlockLoads, BlockMemory, heldBlock, type HeldBlock } from './block-memory.ts';

describe('memory of blocks', () => {
  it('is used again when the last who held a block has released it, and not before', () => {
    const memory = new BlockMemory();
    const block = memory.place(BLOCK_BYTES);
    block.hold();
    block.release();
    expect(memory.place(BLOCK_BYTES).bytes.buffer).not.toBe(block.bytes.buffer);
    block.release();
    const next = memory.place(BLOCK_BYTES - 1);
    expect(next.bytes.buffer).toBe(block.bytes.buffer);
    expect(next.bytes.length).toBe(BLOCK_BYTES - 1);
  });

  it('keeps no more places than it may, and none of small blocks', () => {
    const memory = new BlockMemory(1);
    const blocks = [memory.place(BLOCK_BYTES), memory.place(BLOCK_BYTES), memory.place(1024)];
    const buffers = blocks.map(({ bytes }) => bytes.buffer);
    for (const block of blocks) block.release();
    expect(memory.place(1024).bytes.buffer).not.toBe(buffers[2]);
    expect(memory.place(BLOCK_BYTES).bytes.buffer).toBe(buffers[0]);
    expect(buffers).not.toContain(memory.place(BLOCK_BYTES).bytes.buffer);
  });

  it('takes no release too many, and no hold too late', () => {
    const block = heldBlock(new Uint8Array(1));
    block.release();
    expect(() => block.release()).toThrow('released more often');
    expect(() => block.hold()).toThrow('held again');
  });
});

describe('loads of blocks', () => {
  it('are joined by all who come meanwhile, each of whom holds the block', async () => {
    const loads = new BlockLoads();
    let isFree = false;
    let begun = 0;
    const load = async (): Promise<HeldBlock> => {
      begun++;
      return heldBlock(new Uint8Array(1), () => (isFree = true));
    };
    const readers = await Promise.all(Array.from({ length: 3 }, () => loads.join('a', load)));
    expect(begun).toBe(1);
    for (const block of readers) {
      expect(isFree).toBe(false);
      block.release();
    }
    expect(isFree).toBe(true);
    expect(loads.has('a')).toBe(false);
  });

  it('that fail fail for all of them, and begin anew for the next', async () => {
    const loads = new BlockLoads();
    const fail = (): Promise<HeldBlock> => Promise.reject(new Error('out'));
    const results = await Promise.allSettled([loads.join('a', fail), loads.join('a', fail)]);
    expect(results.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    await expect(loads.join('a', async () => heldBlock(new Uint8Array(7)))).resolves.toMatchObject({
      bytes: { length: 7 },
    });
  });
});
