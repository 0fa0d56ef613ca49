import type { TypeSpec } from '@gantry/protocol';
import { expect, test } from 'vitest';

import { aProject } from './project.fixture.ts';

const HEAD = "import { App } from 'gantry';\nexport const app = new App('shop');\n";

async function typeOf(
  type: string,
  declarations = '',
  more: Record<string, string> = {},
): Promise<TypeSpec | undefined> {
  const source = `${HEAD}${declarations}\nexport const run = app.function((value: ${type}) => undefined);`;
  await using project = await aProject({ 'src/app.ts': source, ...more });
  const { manifest } = await project.build();
  return manifest.functions[0]?.methods[0]?.params[0]?.type;
}

test.each<[string, TypeSpec]>([
  ['string', { type: 'string' }],
  ['number | undefined', { type: 'number' }],
  ['boolean | null', { type: 'boolean', nullable: true }],
  ['(string | null)[]', { type: 'array', items: { type: 'string', nullable: true } }],
  ['string | number | null', { type: 'unknown' }],
  ['bigint', { type: 'bigint' }],
  ['Date', { type: 'date' }],
  ['Uint8Array', { type: 'bytes' }],
  ['Buffer', { type: 'bytes' }],
  ['Request', { type: 'request' }],
  ['FormData', { type: 'form' }],
  ['File', { type: 'file' }],
  ["'a' | 'b'", { type: 'enum', values: ['a', 'b'] }],
  ['1 | 2', { type: 'enum', values: [1, 2] }],
  ['readonly string[]', { type: 'array', items: { type: 'string' } }],
  ['[number, number]', { type: 'array', items: { type: 'number' } }],
  ['string | number', { type: 'unknown' }],
  ['Map<string, string>', { type: 'unknown' }],
  ['Record<string, number>', { type: 'unknown' }],
  ['() => void', { type: 'unknown' }],
])('%s has its place in the manifest', async (written, expected) => {
  expect(await typeOf(written)).toEqual(expected);
});

test('aliases, enums, brands and utility types are followed', async () => {
  const declarations = `
enum Level { Low = 'low', High = 'high' }
type Id = string & { readonly brand: 'id' };
interface Order { id: Id; level: Level; note?: string; secret: string; paid: Date | null; by: string | undefined }
type Public = Required<Omit<Order, 'secret'>>;`;

  expect(await typeOf('Public', declarations)).toEqual({
    type: 'object',
    fields: [
      { name: 'id', type: { type: 'string' }, optional: false },
      { name: 'level', type: { type: 'enum', values: ['low', 'high'] }, optional: false },
      { name: 'note', type: { type: 'string' }, optional: false },
      { name: 'paid', type: { type: 'date', nullable: true }, optional: false },
      { name: 'by', type: { type: 'string' }, optional: true },
    ],
  });
});

test('a DTO class keeps its name, its fields and whole numbers; a cycle ends', async () => {
  const type = await typeOf('Item', "import { Item } from './item.ts';", {
    'src/item.ts': `import { IsInt, IsString } from 'class-validator';
export class Item {
  @IsString() sku: string = 'none';
  @IsInt() count!: number;
  parent?: Item;
  private hidden = 1;
  total() { return this.count + this.hidden; }
}`,
  });

  expect(type).toEqual({
    type: 'object',
    className: 'Item',
    fields: [
      { name: 'sku', type: { type: 'string' }, optional: true, defaultValue: 'none' },
      { name: 'count', type: { type: 'integer' }, optional: false },
      { name: 'parent', type: { type: 'unknown' }, optional: true },
    ],
  });
});

test('a type from a package is read from its declarations', async () => {
  const type = await typeOf('Shape', "import type { Shape } from 'shapes';", {
    'node_modules/shapes/package.json': '{ "name": "shapes", "version": "1.0.0", "types": "index.d.ts" }',
    'node_modules/shapes/index.d.ts': 'export interface Shape { corners: number }',
  });

  const corners = { name: 'corners', type: { type: 'number' }, optional: false };
  expect(type).toEqual({ type: 'object', fields: [corners] });
});

test('path aliases of the tsconfig are followed', async () => {
  const type = await typeOf('Point', "import { Point } from '~/point';", {
    'tsconfig.json': '{ "compilerOptions": { "paths": { "~/*": ["./src/*"] } } }',
    'src/point.ts': 'export class Point { x!: number }',
  });

  expect(type).toMatchObject({ className: 'Point' });
});
