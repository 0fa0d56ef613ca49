import { describe, expect, it } from 'vitest';

import { assertApart, mountPath } from './volume-mount.ts';

describe('the place of a mount', () => {
  it.each([
    ['/models/', '/models'],
    ['/a//b/./c', '/a/b/c'],
    ['/root/.cache/x', '/root/.cache/x'],
    ['./data/models', 'data/models'],
    ['/opt/models', '/opt/models'],
  ])('%s has the form %s', (path, form) => {
    expect(mountPath(path)).toBe(form);
  });

  it.each([
    '/',
    '',
    '.',
    '/root',
    '/tmp',
    '/usr/lib/x',
    '/proc/1',
    '/opt/gantry/x',
    '/a/../b',
    '/a:b',
    '/a,b',
    '/a\nb',
  ])('%j is refused', (path) => {
    expect(() => mountPath(path)).toThrow('a volume cannot be at');
  });

  it('is neither that of another one nor inside of it', () => {
    expect(() => assertApart('function "f"', ['/a', '/a/'])).toThrow('function "f": two volumes are at "/a"');
    expect(() => assertApart('function "f"', ['/b', '/a/b', '/a'])).toThrow('"/a/b" is inside of "/a"');
    expect(() => assertApart('function "f"', ['/a', '/ab', 'a'])).not.toThrow();
  });
});
