import type { ParameterSpec } from '@gantry/protocol';
import { describe, expect, test } from 'vitest';

import { manifestOf } from './project.fixture.ts';

async function paramsOf(signature: string): Promise<ParameterSpec[]> {
  const manifest = await manifestOf(`export const run = app.function((${signature}) => undefined);`);
  return manifest.functions[0]?.methods[0]?.params ?? [];
}

describe('parameters', () => {
  test('carry name, type, literal default, rest and JSDoc text', async () => {
    const manifest = await manifestOf(`
/**
 * Adds up.
 * @param first the start
 */
export const add = app.function(async (first: number, scale = -2, label?: string, ...rest: bigint[]) => [first, scale, label, rest]);`);

    expect(manifest.functions[0]?.methods[0]).toEqual({
      name: '',
      handlerKind: 'async',
      callable: true,
      doc: 'Adds up.',
      site: { file: 'src/app.ts', line: 8 },
      params: [
        { name: 'first', type: { type: 'number' }, optional: false, doc: 'the start' },
        { name: 'scale', type: { type: 'number' }, optional: true, defaultValue: -2 },
        { name: 'label', type: { type: 'string' }, optional: true },
        { name: 'rest', type: { type: 'array', items: { type: 'bigint' } }, optional: true, rest: true },
      ],
      signature:
        '(first: number, scale?: number, label?: string, ...rest: bigint[]) => Promise<(bigint[] | number | string | undefined)[]>',
    });
  });

  test('a default that is computed makes a parameter optional without a value', async () => {
    expect(await paramsOf('at = new Date()')).toEqual([
      { name: 'at', type: { type: 'date' }, optional: true },
    ]);
  });

  test('a destructured parameter is called by its position', async () => {
    expect(await paramsOf('{ a }: { a: string }')).toMatchObject([
      { name: 'arg0', type: { type: 'object' } },
    ]);
  });

  test('a function that stands elsewhere is read where it stands', async () => {
    const manifest = await manifestOf(
      "import { twice } from './twice.ts';\nexport const run = app.function(twice);",
      {
        'src/twice.ts': '/** Doubles. */\nexport async function twice(x: number) { return 2 * x; }',
      },
    );

    expect(manifest.functions[0]).toMatchObject({
      name: 'run',
      doc: 'Doubles.',
      methods: [{ params: [{ name: 'x' }] }],
    });
  });

  test('a function inside modifiers is found', async () => {
    const manifest = await manifestOf(
      "export const run = app.function(concurrent({ maxInputs: 4 }, fastapiEndpoint({ method: 'PUT' }, async (id: string) => id)));",
    );

    expect(manifest.functions[0]).toMatchObject({
      options: { maxInputs: 4 },
      methods: [
        {
          params: [{ name: 'id', type: { type: 'string' } }],
          web: { type: 'endpoint', method: 'PUT', docs: false },
        },
      ],
    });
  });

  test('registrations made by a wrapper take any arguments', async () => {
    const manifest = await manifestOf(
      'const make = (name: string, fn: (...args: unknown[]) => unknown) => app.function({ name }, fn);\nmake("a", () => 1);\nmake("b", () => 2);',
    );

    expect(manifest.functions.map(({ name }) => name)).toEqual(['a', 'b']);
    expect(manifest.functions[0]?.methods[0]?.params).toMatchObject([{ name: 'args', rest: true }]);
  });

  test('entrypoints have parameters too', async () => {
    const manifest = await manifestOf(
      '/** Runs. */\nexport const main = app.localEntrypoint(async (n = 10, loud = false) => [n, loud]);',
    );

    expect(manifest.entrypoints).toEqual([
      {
        name: 'main',
        doc: 'Runs.',
        site: { file: 'src/app.ts', line: 4 },
        params: [
          { name: 'n', type: { type: 'number' }, optional: true, defaultValue: 10 },
          { name: 'loud', type: { type: 'boolean' }, optional: true, defaultValue: false },
        ],
      },
    ]);
  });
});
