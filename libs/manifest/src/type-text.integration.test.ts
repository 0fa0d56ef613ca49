import { beforeAll, describe, expect, test } from 'vitest';

import { aProject } from './project.fixture.ts';

const HEAD = "import { App, batched, method } from 'gantry';\nexport const app = new App('shop');\n";

async function build(source: string) {
  await using project = await aProject({ 'src/app.ts': `${HEAD}${source}` });
  const { manifest } = await project.build();
  const signatures = manifest.functions.flatMap(({ methods }) => methods.map(({ signature }) => signature));
  return { signatures, types: manifest.types, manifest };
}

const SEEN_BY_CALLERS: [written: string, seen: string][] = [
  ['async (x: number, scale = 2) => x * scale', '(x: number, scale?: number) => Promise<number>'],
  ['(name: string, ...rest: string[]) => undefined', '(name: string, ...rest: string[]) => undefined'],
  ['(a = 1, b: string) => {}', '(a: number | undefined, b: string) => void'],
  ['({ x }: { x: 1 | 2 }) => x', '(arg0: { x: 1 | 2 }) => 1 | 2'],
  ['(a?: string | null) => a ?? null', '(a?: string | null) => string | null'],
  ['(on: boolean | string) => on', '(on: boolean | string) => boolean | string'],
  ['async () => [new Date(), 1n] as const', '() => Promise<readonly [Date, bigint]>'],
  ['(m: Map<string, Set<number>>) => m', '(m: Map<string, Set<number>>) => Map<string, Set<number>>'],
  [
    '(m: Record<string, readonly number[]>) => m.a',
    '(m: { [key: string]: readonly number[] }) => readonly number[]',
  ],
  ['async (b: Buffer, u: Uint8Array) => b', '(b: Uint8Array, u: Uint8Array) => Promise<Uint8Array>'],
  ["(p: { 'a-b': 1; f(): void; c?: string }) => p.c", '(p: { "a-b": 1; c?: string }) => string | undefined'],
  ['(f: () => void, p: Promise<number>) => f', '(f: unknown, p: unknown) => unknown'],
  ['async function* (n: number) { yield n; return "end"; }', '(n: number) => AsyncGenerator<number, string>'],
  [
    '(t: [a: string, b?: number, ...more: boolean[]]) => t.length',
    '(t: [string, number?, ...boolean[]]) => number',
  ],
  ['<T extends { id: string }>(x: T) => x.id', '(x: { id: string }) => string'],
];

const FOUND_OUT: [written: string, result: string][] = [
  ['(xs: number[]) => xs.map((x) => `${x}`).filter(Boolean)', 'string[]'],
  ['async (text: string) => text.split(" ").reduce((sum, word) => sum + word.length, 0)', 'Promise<number>'],
  [
    'async (xs: string[]) => await Promise.all(xs.map(async (x) => ({ x, at: Math.max(1, 2) })))',
    'Promise<{ x: string; at: number }[]>',
  ],
  ['(xs: number[]) => Object.entries({ a: xs })', '[string, number[]][]'],
  ['() => new Map([["a", 1]])', 'Map<string, number>'],
  ['() => JSON.stringify(1)', 'string'],
  ['() => JSON.parse("1")', 'unknown'],
  ['(d: Date) => d.toISOString().slice(0, 10)', 'string'],
];

describe('a signature', () => {
  let signatures: (string | undefined)[];
  beforeAll(async () => {
    const functions = [...SEEN_BY_CALLERS, ...FOUND_OUT].map(([written]) => written);
    const source = functions.map((fn, at) => `export const f${at} = app.function(${fn});`).join('\n');
    ({ signatures } = await build(source));
  });

  test.each(SEEN_BY_CALLERS.map((each, at) => [...each, at] as const))(
    'of %s is for callers %s',
    (_, seen, at) => {
      expect(signatures[at]).toBe(seen);
    },
  );

  test.each(FOUND_OUT.map((each, at) => [...each, at] as const))(
    'of %s says that it returns %s',
    (_, result, at) => {
      expect(signatures[SEEN_BY_CALLERS.length + at]?.split(' => ').at(-1)).toBe(result);
    },
  );
});

test('types with names are declared once, also those that name themselves', async () => {
  const { signatures, types } = await build(`
interface Tree<T> { value: T; children: Tree<T>[] }
type Json = string | number | { [key: string]: Json };
enum Level { Low = 'low', High = 'high' }
class Point { x = 1; #hidden = 2; private own = 3; length() { return this.x + this.#hidden + this.own; } }
interface Date2 { at: Date }
export const grow = app.function((tree: Tree<string>, other: Tree<number>) => tree);
export const read = app.function((json: Json, level: Level) => new Point());
export const last = app.function((at: Date2) => at.at);`);

  expect(signatures).toEqual([
    '(tree: Tree, other: Tree2) => Tree',
    '(json: Json, level: Level) => Point',
    '(at: Date2) => Date',
  ]);
  expect(types).toEqual({
    Tree: '{ value: string; children: Tree[] }',
    Tree2: '{ value: number; children: Tree2[] }',
    Json: 'number | string | { [key: string]: Json }',
    Level: '"high" | "low"',
    Point: '{ x: number }',
    Date2: '{ at: Date }',
  });
});

test('callers of a batched function pass and get single values', async () => {
  const source =
    'export const twice = app.function({}, batched({ maxBatchSize: 2, waitMs: 1 }, async (xs: number[]) => xs.map((x) => `${x}`)));';

  expect((await build(source)).signatures).toEqual(['(xs: number) => Promise<string>']);
});

test('methods have signatures, and what is not called has none', async () => {
  const { signatures, types } = await build(`
interface Secret { key: string }
@app.cls() export class Reader { @method() read(page: number): string { return String(page); } hidden(secret: Secret) { return secret; } }
export const main = app.localEntrypoint(async (secret: Secret) => undefined);`);

  expect(signatures).toEqual(['(page: number) => string']);
  expect(types).toBeUndefined();
});
