import { readFile } from 'node:fs/promises';
import path from 'node:path';

import { temporaryDirectory, type TemporaryDirectory } from '@gantry/testing';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';

import { checkResultPath, writeResult } from './write-result.ts';

let directory: TemporaryDirectory;

beforeEach(async () => {
  directory = await temporaryDirectory('gantry-cli-');
});

afterEach(() => directory.remove());

describe('--write-result', () => {
  test.each<[string, string | Uint8Array, string]>([
    ['text', 'grüß', 'grüß'],
    ['bytes', new Uint8Array([104, 105]), 'hi'],
  ])('writes %s into the file', async (_kind, result, content) => {
    const file = path.join(directory.path, 'result');

    await writeResult(file, result);

    expect(await readFile(file, 'utf8')).toBe(content);
  });

  test.each([
    [undefined, 'nothing'],
    [{ a: 1 }, '{ a: 1 }'],
    [42, '42'],
  ])('refuses any other result, such as %j', async (result, shown) => {
    await expect(writeResult(path.join(directory.path, 'result'), result)).rejects.toThrow(
      `--write-result takes text or bytes, and the result is ${shown}`,
    );
  });

  test('says which file cannot be written', async () => {
    await expect(writeResult(path.join(directory.path, 'no/such/folder'), 'text')).rejects.toThrow(
      `cannot be written to "${path.join(directory.path, 'no/such/folder')}"`,
    );
  });

  test('is refused before anything runs where no file can be', async () => {
    await expect(checkResultPath(path.join(directory.path, 'result'))).resolves.toBeUndefined();
    await expect(checkResultPath(directory.path)).rejects.toThrow('is a folder');
    await expect(checkResultPath(path.join(directory.path, 'no/result'))).rejects.toThrow(
      `there is no folder "${path.join(directory.path, 'no')}"`,
    );
  });
});
