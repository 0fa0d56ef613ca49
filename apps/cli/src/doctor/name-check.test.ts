import { expect, test } from 'vitest';

import { checkNames } from './name-check.ts';

const GATEWAY = 'https://gantry.localhost:8443';

test('says that endpoints are found by their names', async () => {
  const asked: string[] = [];
  const checks = await checkNames(GATEWAY, async (name) => asked.push(name));
  expect([asked, checks]).toMatchObject([['doctor.gantry.localhost'], [{ status: 'ok' }]]);
});

test('says which programs do not find them, and what helps', async () => {
  const [check] = await checkNames(GATEWAY, () => Promise.reject(new Error('ENOTFOUND')));
  expect(check).toMatchObject({
    status: 'warn',
    detail: expect.stringContaining("Node's fetch does not") as string,
    hint: expect.stringContaining('libnss-myhostname') as string,
  });
});

test.each([['https://functions.example.com'], [undefined]])(
  'leaves names of %s to their owner',
  async (url) => {
    expect(await checkNames(url, () => Promise.reject(new Error('asked')))).toEqual([]);
  },
);
