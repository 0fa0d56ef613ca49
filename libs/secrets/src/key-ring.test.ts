import { describe, expect, test } from 'vitest';

import { KeyRing } from './key-ring.ts';

const [old, fresh] = [KeyRing.newKey(), KeyRing.newKey()];
const value = Buffer.from('hunter22');

describe('sealed values', () => {
  test('open with the key and the context that they were sealed with', () => {
    const ring = KeyRing.parse(old, 'a test');
    expect(Buffer.from(ring.open(ring.seal(value, 'here'), 'here')).toString()).toBe('hunter22');
  });

  test('hold nothing of the value, and are different each time', () => {
    const ring = KeyRing.parse(old, 'a test');
    const [first, second] = [ring.seal(value, 'here'), ring.seal(value, 'here')];
    expect(Buffer.from(first).includes(value)).toBe(false);
    expect(first).not.toEqual(second);
  });

  test.each(['elsewhere', ''])('do not open in another context: %j', (context) => {
    const ring = KeyRing.parse(old, 'a test');
    expect(() => ring.open(ring.seal(value, 'here'), context)).toThrow('are damaged');
  });

  test('do not open when a byte of them was changed', () => {
    const ring = KeyRing.parse(old, 'a test');
    const sealed = ring.seal(value, 'here');
    for (const at of [0, 10, 25, sealed.length - 1]) {
      const changed = Uint8Array.from(sealed, (byte, index) => (index === at ? byte ^ 1 : byte));
      expect(() => ring.open(changed, 'here')).toThrow('are damaged');
    }
  });

  test('of an older key open with a ring that still has it, and name it where it is missing', () => {
    const sealed = KeyRing.parse(old, 'a test').seal(value, 'here');
    const both = KeyRing.parse(`${fresh}\n${old}\n`, 'a test');
    expect(Buffer.from(both.open(sealed, 'here'))).toEqual(value);
    expect(both.id).toBe(KeyRing.parse(fresh, 'a test').id);
    expect(() => KeyRing.parse(fresh, 'a test').open(sealed, 'here')).toThrow(
      `lacks the key "${KeyRing.parse(old, 'a test').id}"`,
    );
  });
});

describe('keys as text', () => {
  test.each(['', 'too short', Buffer.alloc(31).toString('base64'), `${old}!`])(
    'that are none are refused without being shown: %j',
    (text) => {
      let message = '';
      try {
        KeyRing.parse(text, '"secrets.key"');
      } catch (error) {
        message = (error as Error).message;
      }
      expect(message).toMatch(/^"secrets.key" holds/);
      expect(message).not.toContain(old);
    },
  );
});
