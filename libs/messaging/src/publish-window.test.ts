import { expect, it } from 'vitest';

import { PublishWindow } from './publish-window.ts';

it('lets so many tasks be under way, the others in their order as soon as one ends, however it ends', async () => {
  const window = new PublishWindow(2);
  const begun: number[] = [];
  const ends: { resolve: () => void; reject: (error: Error) => void }[] = [];
  const results = [0, 1, 2, 3].map((index) =>
    window.run(() => {
      begun.push(index);
      return new Promise<void>((resolve, reject) => (ends[index] = { resolve, reject }));
    }),
  );
  const settled = Promise.allSettled(results);

  expect(begun).toEqual([0, 1]);
  ends[1]?.reject(new Error('refused'));
  await expect(results[1]).rejects.toThrow('refused');
  await expect.poll(() => begun).toEqual([0, 1, 2]);
  ends[0]?.resolve();
  await expect.poll(() => begun).toEqual([0, 1, 2, 3]);
  ends[2]?.resolve();
  ends[3]?.resolve();
  const outcomes = (await settled).map(({ status }) => status);
  expect(outcomes).toEqual(['fulfilled', 'rejected', 'fulfilled', 'fulfilled']);
});
