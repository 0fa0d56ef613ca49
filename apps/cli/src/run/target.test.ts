import type { FunctionSpec, Manifest } from '@gantry/protocol';
import { describe, expect, test } from 'vitest';

import { UsageError } from '../usage-error.ts';
import { appPartOf, chooseTarget, parseTarget, targetName } from './target.ts';

const SITE = { file: 'src/app.ts', line: 1 };
const FILE = { path: 'bundle.mjs', digest: 'sha256-0', sizeBytes: 1 };

function aFunction(name: string, more: Partial<FunctionSpec> = {}): FunctionSpec {
  const methods: FunctionSpec['methods'] = [
    { name: '', handlerKind: 'async', callable: true, params: [], site: SITE },
  ];
  const hooks = { enter: [], exit: [] };
  return { name, kind: 'function', site: SITE, options: {}, methods, parameters: [], hooks, ...more };
}

function aClass(name: string, methods: Record<string, boolean>): FunctionSpec {
  const specs = Object.entries(methods).map(([method, callable]) => ({
    name: method,
    handlerKind: 'async' as const,
    callable,
    params: [],
    site: SITE,
  }));
  return aFunction(name, { kind: 'class', methods: specs });
}

function aManifest(functions: FunctionSpec[], entrypoints: string[] = []): Manifest {
  return {
    schemaVersion: 1,
    sdkVersion: '0.1.0',
    appName: 'shop',
    bundle: FILE,
    sourceMap: FILE,
    functions,
    entrypoints: entrypoints.map((name) => ({ name, params: [], site: SITE })),
  };
}

describe('parseTarget', () => {
  test('splits file and name', () => {
    expect(parseTarget('src/app.ts::main')).toEqual({ file: 'src/app.ts', name: 'main' });
    expect(parseTarget('src/app.ts')).toEqual({ file: 'src/app.ts', name: undefined });
  });

  test.each(['', '::main', 'app.ts::', 'a::b::c'])('refuses "%s"', (text) => {
    expect(() => parseTarget(text)).toThrow(UsageError);
  });
});

test('the name before the first dot may be that of an app', () => {
  expect(appPartOf(parseTarget('app.ts::shop.main'))).toBe('shop');
  expect(appPartOf(parseTarget('app.ts::main'))).toBeUndefined();
  expect(appPartOf(parseTarget('app.ts'))).toBeUndefined();
});

describe('chooseTarget', () => {
  test('understands the name under which the entry exports the app', () => {
    const manifest = aManifest([aFunction('square'), aClass('Ocr', { read: true })], ['main']);

    expect(targetName(chooseTarget(manifest, 'shop.square', ['shop']))).toBe('square');
    expect(targetName(chooseTarget(manifest, 'shop.Ocr.read', ['shop']))).toBe('Ocr.read');
    expect(() => chooseTarget(manifest, 'shop.square', ['other'])).toThrow('nothing called "shop.square"');
  });

  test('takes the only entrypoint, even beside functions', () => {
    expect(targetName(chooseTarget(aManifest([aFunction('square')], ['main']), undefined))).toBe('main');
  });

  test('takes the only function when there is no entrypoint', () => {
    expect(targetName(chooseTarget(aManifest([aFunction('square')]), undefined))).toBe('square');
    expect(targetName(chooseTarget(aManifest([aClass('Ocr', { read: true, scan: false })]), undefined))).toBe(
      'Ocr.read',
    );
  });

  test('finds functions and methods by name, also through the app', () => {
    const manifest = aManifest([aFunction('square'), aClass('Ocr', { read: true })], ['main']);

    expect(chooseTarget(manifest, 'square')).toMatchObject({ type: 'function', spec: { name: 'square' } });
    expect(chooseTarget(manifest, 'app.square')).toMatchObject({ type: 'function' });
    expect(chooseTarget(manifest, 'Ocr.read')).toMatchObject({ type: 'function', method: { name: 'read' } });
    expect(chooseTarget(manifest, 'main')).toMatchObject({ type: 'entrypoint' });
  });

  test.each<[string | undefined, string, string]>([
    [undefined, 'several things to run', 'one, two'],
    ['three', 'nothing called "three"', 'one, two'],
    ['Ocr', 'is a class', 'Ocr.read'],
    ['Ocr.scan', 'nothing called "Ocr.scan"', 'Ocr.read'],
  ])('refuses the name %s and lists what there is', (name, message, hint) => {
    const manifest = aManifest([aClass('Ocr', { read: true, scan: false })], ['one', 'two']);

    expect(() => chooseTarget(manifest, name)).toThrow(message);
    expect(() => chooseTarget(manifest, name)).toThrow(
      expect.objectContaining({ hint: expect.stringContaining(hint) as string }),
    );
  });

  test('says so when there is nothing to run', () => {
    expect(() => chooseTarget(aManifest([]), undefined)).toThrow('nothing to run');
  });
});
