import { describe, expect, test } from 'vitest';

import { tarEnd, tarEntry } from './tar.ts';

const text = (bytes: Uint8Array, from: number, to: number): string =>
  Buffer.from(bytes.subarray(from, to)).toString().replace(/\0.*$/s, '');

describe('a tar entry', () => {
  test('is a header and the content, both in whole blocks', () => {
    const [header, content, padding] = tarEntry({
      path: 'a/b.js',
      executable: false,
      content: Buffer.from('hello'),
    });

    expect([header?.length, content?.length, padding?.length]).toEqual([512, 5, 507]);
    expect(text(header ?? new Uint8Array(), 0, 100)).toBe('a/b.js');
    expect(text(header ?? new Uint8Array(), 124, 136)).toBe('00000000005');
  });

  test('keeps the permission to execute and nothing else of the file', () => {
    const mode = (executable: boolean): string =>
      text(tarEntry({ path: 'a', executable, content: new Uint8Array() })[0] ?? new Uint8Array(), 100, 108);

    expect([mode(true), mode(false)]).toEqual(['0000755', '0000644']);
  });

  test('splits a path of more than 100 bytes between name and prefix', () => {
    const path = `${'folder/'.repeat(20)}file.js`;
    const [header = new Uint8Array()] = tarEntry({ path, executable: false, content: new Uint8Array() });

    expect(`${text(header, 345, 500)}/${text(header, 0, 100)}`).toBe(path);
  });

  test('puts a path that fits nowhere into a record of its own', () => {
    const path = `${'x'.repeat(120)}.js`;
    const blocks = tarEntry({ path, executable: false, content: new Uint8Array() });

    expect(text(blocks[0] ?? new Uint8Array(), 156, 157)).toBe('x');
    expect(Buffer.from(blocks[1] ?? []).toString()).toBe(`133 path=${path}\n`);
  });

  test('has the checksum that readers verify', () => {
    const [header = new Uint8Array()] = tarEntry({ path: 'a', executable: false, content: new Uint8Array() });
    const blank = Buffer.from(header);
    blank.fill(' ', 148, 156);

    expect(Number.parseInt(text(header, 148, 154), 8)).toBe(blank.reduce((sum, byte) => sum + byte, 0));
  });
});

test('an archive ends with two empty blocks', () => {
  expect(Buffer.compare(tarEnd(), Buffer.alloc(1024))).toBe(0);
});
