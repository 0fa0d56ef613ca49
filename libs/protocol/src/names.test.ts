import { describe, expect, it } from 'vitest';

import { InvalidError } from './errors.ts';
import { assertName, assertRunName, assertTag } from './names.ts';

describe('a name', () => {
  it.each(['a', 'shop', 'my-app_2.0', 'A'.repeat(64), 'ap-short'])('is accepted: %s', (name) => {
    expect(() => assertName('app', name)).not.toThrow();
  });

  it.each(['', 'with space', 'a/b', 'ünïcode', 'a'.repeat(65), 'line\nbreak', 'tail\n'])(
    'is refused: %j',
    (name) => {
      expect(() => assertName('app', name)).toThrow(InvalidError);
    },
  );

  it('that looks like an app id is refused for apps alone', () => {
    const id = 'ap-0123456789abcdefghijkl';
    expect(() => assertName('app', id)).toThrow('looks like an app id');
    expect(() => assertName('environment', id)).not.toThrow();
  });

  it('of an app that is only run may be any printable text but an app id', () => {
    for (const name of ['my app!', 'prüfung: 2. Lauf', 'a'.repeat(64)]) {
      expect(() => assertRunName(name)).not.toThrow();
    }
    for (const name of ['', 'a'.repeat(65), 'bell\u0007', 'line\nbreak', 5, 'ap-0123456789abcdefghijkl']) {
      expect(() => assertRunName(name)).toThrow(InvalidError);
    }
  });

  it('that is refused is named, with its kind', () => {
    expect(() => assertName('environment', 'a b')).toThrow('the environment name "a b" is not valid');
  });
});

describe('the tag of a deployment', () => {
  it('has at most 50 characters', () => {
    expect(() => assertTag('v'.repeat(50))).not.toThrow();
    expect(() => assertTag('v'.repeat(51))).toThrow('the tag has 51 characters, 50 may be used');
  });
});
