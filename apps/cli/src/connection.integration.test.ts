import { writeFile } from 'node:fs/promises';
import path from 'node:path';

import { temporaryDirectory, type TemporaryDirectory } from '@gantry/testing';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { findConnection } from 'gantry/internal';

const STORED = {
  serverUrl: 'http://127.0.0.1:7420/',
  token: 'stored',
  environment: 'main',
  caPath: '/ca.pem',
};

let directory: TemporaryDirectory;

beforeEach(async () => {
  directory = await temporaryDirectory('gantry-cli-');
});

afterEach(() => directory.remove());

async function store(content: string): Promise<{ GANTRY_DATA_DIR: string }> {
  await writeFile(path.join(directory.path, 'connection.json'), content);
  return { GANTRY_DATA_DIR: directory.path };
}

test('reads what "gantry up" wrote', async () => {
  const env = await store(JSON.stringify(STORED));

  expect(findConnection(env)).toEqual({ ...STORED, serverUrl: 'http://127.0.0.1:7420' });
});

test('environment variables win over the file, flags over both', async () => {
  const env = { ...(await store(JSON.stringify(STORED))), GANTRY_TOKEN: 'mine', GANTRY_ENVIRONMENT: 'dev' };

  expect(findConnection(env)).toMatchObject({ token: 'mine', environment: 'dev' });
  expect(findConnection(env, { environment: 'staging' })).toMatchObject({ environment: 'staging' });
});

test('needs no file when the variables say everything', () => {
  const env = {
    GANTRY_DATA_DIR: directory.path,
    GANTRY_SERVER_URL: 'https://gantry.test',
    GANTRY_TOKEN: 't',
  };

  expect(findConnection(env)).toEqual({ serverUrl: 'https://gantry.test', token: 't', environment: 'main' });
});

test('says how to start a platform when none is known', () => {
  expect(() => findConnection({ GANTRY_DATA_DIR: directory.path })).toThrow(
    expect.objectContaining({
      code: 'CONNECTION_LOST',
      hint: expect.stringContaining('gantry up') as string,
    }),
  );
});

test('names a damaged file', async () => {
  const env = await store('{');

  expect(() => findConnection(env)).toThrow('connection.json" is not valid JSON');
});
