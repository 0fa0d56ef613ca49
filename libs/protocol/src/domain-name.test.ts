import { expect, test } from 'vitest';

import { coversDomain, isCustomDomain, wildcardOf } from './domain-name.ts';

test('a custom domain is an apex, a subdomain, or a wildcard of any depth', () => {
  for (const name of [
    'example.com',
    'api.example.com',
    '*.example.com',
    '*.a.b.example.com',
    'xn--bcher-kva.example',
  ])
    expect(isCustomDomain(name), name).toBe(true);
  const wrong = [
    'com',
    '*.com*',
    'Example.com',
    'a.*.com',
    '*',
    '*.',
    '-a.com',
    'a..com',
    'a.com.',
    'a_b.com',
  ];
  for (const name of [
    ...wrong,
    'bücher.example',
    '',
    `${'a'.repeat(64)}.com`,
    'a/b.com',
    `${'a.'.repeat(126)}com`,
  ])
    expect(isCustomDomain(name), name).toBe(false);
});

test('a wildcard stands for one level', () => {
  expect(coversDomain('*.example.com', 'api.example.com')).toBe(true);
  expect(coversDomain('*.example.com', '*.example.com')).toBe(true);
  for (const other of ['example.com', 'a.b.example.com', 'api.example.org'])
    expect(coversDomain('*.example.com', other)).toBe(false);
  expect(coversDomain('example.com', 'example.com')).toBe(true);
  expect(coversDomain('example.com', 'api.example.com')).toBe(false);
  expect(wildcardOf('localhost')).toBeUndefined();
});
