import { expect, test } from 'vitest';

import { AtOnce } from './at-once.ts';

test('so many at a time, the others in their order, whether those before succeed or fail', async () => {
  const atOnce = new AtOnce(2);
  const begun: number[] = [];
  const ends: { resolve: () => void; reject: (error: Error) => void }[] = [];
  const all = [0, 1, 2, 3, 4].map((index) =>
    atOnce.run(() => {
      begun.push(index);
      return new Promise<void>((resolve, reject) => (ends[index] = { resolve, reject }));
    }),
  );
  const results = Promise.allSettled(all);

  expect(begun).toEqual([0, 1]);
  ends[1]?.reject(new Error('failed'));
  await expect.poll(() => begun).toEqual([0, 1, 2]);
  ends[0]?.resolve();
  await expect.poll(() => begun).toEqual([0, 1, 2, 3]);
  ends[2]?.resolve();
  ends[3]?.resolve();
  await expect.poll(() => begun).toEqual([0, 1, 2, 3, 4]);
  ends[4]?.resolve();
  expect((await results).map(({ status }) => status)).toEqual([
    ...['fulfilled', 'rejected', 'fulfilled', 'fulfilled', 'fulfilled'],
  ]);
});

test('there is a place again when all are done', async () => {
  const atOnce = new AtOnce(1);
  await atOnce.run(async () => undefined);
  await expect(atOnce.run(async () => 'done')).resolves.toBe('done');
});
