import type { FunctionSpec, Manifest } from '@gantry/protocol';
import { describe, expect, test } from 'vitest';

import { chooseShellFunction, manifestForShell } from './shell-function.ts';

const site = { file: 'app.ts', line: 1 };

function spec(name: string, kind: FunctionSpec['kind'] = 'function'): FunctionSpec {
  return { name, kind, site, options: {}, methods: [], parameters: [], hooks: { enter: [], exit: [] } };
}

function built(...functions: FunctionSpec[]) {
  const file = { path: 'bundle.mjs', digest: 'sha256-0', sizeBytes: 1 };
  const manifest: Manifest = {
    schemaVersion: 1,
    sdkVersion: '0.1.0',
    bundle: file,
    sourceMap: file,
    functions,
    entrypoints: [{ name: 'main', params: [], site }],
  };
  return { manifest, exportNames: ['shop'] };
}

describe('the function that a shell is for', () => {
  test.each([
    ['square', 'square'],
    ['app.square', 'square'],
    ['shop.square', 'square'],
    ['Ocr', 'Ocr'],
    ['Ocr.read', 'Ocr'],
    ['shop.Ocr.read', 'Ocr'],
  ])('%s means %s', async (name, expected) => {
    const app = built(spec('square'), spec('Ocr', 'class'));
    expect((await chooseShellFunction(app, name)).name).toBe(expected);
  });

  test('is the only one where none is named', async () => {
    expect((await chooseShellFunction(built(spec('square')), undefined)).name).toBe('square');
  });

  test('is one of the app', async () => {
    await expect(chooseShellFunction(built(spec('square')), 'cube')).rejects.toMatchObject({
      message: 'the app has no function or class "cube"',
      hint: 'Choose from: square.',
    });
  });
});

describe('what is published for a shell', () => {
  test('is that function, with all that its containers are made of and nothing that starts by itself', () => {
    const full: FunctionSpec = {
      ...spec('square'),
      options: { minContainers: 2, bufferContainers: 1, cpu: 2, env: { A: '1' } },
      schedule: { type: 'period', hours: 1 } as never,
      methods: [
        {
          name: '',
          handlerKind: 'async',
          callable: true,
          params: [],
          site,
          web: { type: 'endpoint', method: 'GET', docs: false },
        },
      ],
    };
    const { manifest } = built(spec('other'), full);
    const only = manifestForShell(manifest, full);
    expect(only).toEqual({
      ...manifest,
      entrypoints: [],
      functions: [
        {
          ...spec('square'),
          options: { cpu: 2, env: { A: '1' } },
          methods: [{ name: '', handlerKind: 'async', callable: true, params: [], site }],
        },
      ],
    });
  });
});
