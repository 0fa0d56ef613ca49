import type { AppInterface, FunctionInterface } from '@gantry/protocol';
import { InvalidError } from '@gantry/protocol';
import { describe, expect, test } from 'vitest';

import { clientSource } from './client-source.ts';

function appWith(functions: FunctionInterface[], types: Record<string, string> = {}): AppInterface {
  return { app: 'shop', environment: 'main', version: 3, functions, types };
}

function aFunction(
  name: string,
  signature?: string,
  more: Partial<FunctionInterface> = {},
): FunctionInterface {
  const method = { name: '', handlerKind: 'async' as const, signature };
  return { name, kind: 'function', parameters: [], methods: [method], ...more };
}

describe('the client of an app', () => {
  test('has a handle for each function, with its documentation', () => {
    const text = clientSource(
      appWith([aFunction('square', '(x: number) => Promise<number>', { doc: 'x */ times x' })]),
    );

    expect(text).toBe(`// What can be called of the app "shop", version 3 in environment "main".
// Written by \`gantry app client shop\`: write it again when the app has changed.

import { RemoteFunction } from 'gantry';

/** x * / times x */
export const square = RemoteFunction.fromName<(x: number) => Promise<number>>('shop', 'square');
`);
  });

  test('has a handle for each class, with its parameters and methods', () => {
    const reader: FunctionInterface = {
      name: 'Reader',
      kind: 'class',
      parameters: [
        { name: 'lang', type: { type: 'enum', values: ['eng', 'deu'] }, optional: true },
        { name: 'seed', type: { type: 'bytes' }, optional: false },
      ],
      methods: [
        { name: 'read', handlerKind: 'sync', signature: '(page: Page) => string', doc: 'One\ntwo' },
        { name: 'pages', handlerKind: 'asyncGenerator' },
      ],
    };

    expect(clientSource(appWith([reader], { Page: '{ n: number }' }))).toContain(`export type Page = {
  n: number;
};

export interface Reader {
  lang: "eng" | "deu";
  seed: Uint8Array;
  /**
   * One
   * two
   */
  read: (page: Page) => string;
  pages: (...args: unknown[]) => AsyncGenerator<unknown>;
}
export const Reader = Cls.fromName<abstract new () => Reader>('shop', 'Reader');
`);
  });

  test('names the environment only where it is asked to', () => {
    const app = appWith([aFunction('f', '() => void')]);

    expect(clientSource(app, { environment: 'dev' })).toContain(`('shop', 'f', { environment: 'dev' });`);
    expect(clientSource(app)).toContain(`('shop', 'f');`);
  });

  test('names that TypeScript does not know become others, each once', () => {
    const names = ['to-list', 'toList', 'delete', '2nd', 'Cls', 'RemoteFunction'];
    const text = clientSource(appWith(names.map((name) => aFunction(name, '() => void'))));

    expect([...text.matchAll(/export const (\S+) = .*'(\S+)'\);/g)].map(([, as, of]) => [of, as])).toEqual([
      ['to-list', 'toList'],
      ['toList', 'toList_'],
      ['delete', 'delete_'],
      ['2nd', '_2nd'],
      ['Cls', 'Cls_'],
      ['RemoteFunction', 'RemoteFunction_'],
    ]);
  });

  test('a type of the same name as a class keeps it', () => {
    const cls: FunctionInterface = { name: 'Box', kind: 'class', parameters: [], methods: [] };

    expect(clientSource(appWith([cls], { Box: '{ size: number }' }))).toContain(
      'abstract new () => BoxMethods',
    );
  });

  test('without functions is a module all the same', () => {
    expect(clientSource(appWith([]))).toContain('export {};');
  });

  test.each([['() => void; process.exit()'], ['number>(); process.exit(); ('], ['{ a: number'], ['']])(
    'is not written with the text %j for a type',
    (text) => {
      expect(() => clientSource(appWith([aFunction('f', text)]))).toThrow(InvalidError);
      expect(() => clientSource(appWith([], { T: text }))).toThrow(InvalidError);
      expect(() => clientSource(appWith([], { [`T = 1; ${text}`]: 'number' }))).toThrow(InvalidError);
    },
  );
});
