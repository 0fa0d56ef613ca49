import { describe, expect, test } from 'vitest';

import { SecretMask } from './secret-mask.ts';

const mask = new SecretMask({
  PASSWORD: 'p@ss/word+1',
  LONGER: 'p@ss/word+1-and-more',
  PORT: '8080',
  PEM: '-----BEGIN KEY-----\nMIIBVgIBADANBg\n-----END KEY-----\n',
});

describe('masked text', () => {
  test('shows no value, wherever it stands and however often', () => {
    expect(mask.apply('a p@ss/word+1, again p@ss/word+1!')).toBe('a ***, again ***!');
  });

  test('shows no rest of a value that begins with another one', () => {
    expect(mask.apply('p@ss/word+1-and-more')).toBe('***');
  });

  test('keeps values that are too short to be secrets', () => {
    expect(mask.apply('listens on 8080')).toBe('listens on 8080');
  });

  test('shows no line of a value of several lines', () => {
    expect(mask.apply('-----BEGIN KEY-----\nMIIBVgIBADANBg\n-----END KEY-----\n')).toBe('***\n***\n***\n');
  });

  test.each([
    [
      'JSON',
      JSON.stringify({ pem: '-----BEGIN KEY-----\nMIIBVgIBADANBg\n-----END KEY-----\n' }),
      '{"pem":"***"}',
    ],
    ['a URL', `https://a:${encodeURIComponent('p@ss/word+1')}@host/`, 'https://a:***@host/'],
    ['base64', `Basic ${Buffer.from('p@ss/word+1').toString('base64')}`, 'Basic ***='],
  ])('shows no value that %s encodes', (_form, text, masked) => {
    expect(mask.apply(text)).toBe(masked);
  });

  test('shows no value, however long it is', () => {
    const longest = 'correct-horse'.repeat(5_000);
    const many = Object.fromEntries(
      Array.from({ length: 500 }, (_, at) => [`K${at}`, `${at}${'x'.repeat(120)}`]),
    );
    const text = `a ${longest}, ${many['K7'] ?? ''} b`;
    expect(new SecretMask({ longest, ...many }).apply(text)).toBe('a ***, *** b');
  });

  test('is the same as before without secrets', () => {
    expect(new SecretMask().apply('p@ss/word+1')).toBe('p@ss/word+1');
    expect(new SecretMask({}).openChars('p@ss')).toBe(0);
  });
});

describe('an unfinished text', () => {
  test('says how much of its end may be the beginning of a value', () => {
    expect(mask.openChars('the password is p@ss')).toBe(4);
    expect(mask.openChars('the password is p@ss\n')).toBe(0);
    expect(mask.openChars('nothing of it')).toBe(0);
  });

  test('that ends for good shows no large part of a value', () => {
    expect(mask.close('p@ss/wor')).toBe('***');
    expect(mask.close('p@')).toBe('p@');
  });
});
