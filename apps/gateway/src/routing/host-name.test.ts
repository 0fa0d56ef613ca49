import { describe, expect, test } from 'vitest';

import { isOwnHost, parseHost } from './host-name.ts';

describe('parseHost', () => {
  test('drops port, case and trailing dot', () => {
    expect(parseHost('Local--Shop.Gantry.localhost:7443')).toBe('local--shop.gantry.localhost');
    expect(parseHost('a.example.')).toBe('a.example');
    expect(parseHost('[::1]:7443')).toBe('::1');
  });

  test('refuses what is no host name', () => {
    for (const text of [
      undefined,
      '',
      ':80',
      '../etc',
      'a b',
      'ü.example',
      'x'.repeat(300),
      '[::1',
      '.',
      'a:b',
      'a:80/x',
      'a:80@b',
      '[a]b',
    ]) {
      expect(parseHost(text)).toBeUndefined();
    }
  });
});

test('the bare domain and plain addresses belong to the gateway, names below the domain do not', () => {
  for (const host of ['gantry.localhost', 'localhost', '127.0.0.1', '::1']) {
    expect(isOwnHost(host, 'gantry.localhost')).toBe(true);
  }
  for (const host of ['a.gantry.localhost', 'example.com'])
    expect(isOwnHost(host, 'gantry.localhost')).toBe(false);
});
