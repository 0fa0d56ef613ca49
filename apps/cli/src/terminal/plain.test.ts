import { expect, it } from 'vitest';

import { plain } from './plain.ts';

const circle: Record<string, unknown> = {};
circle['self'] = circle;

it.each([
  ['text', 'text'],
  [{ a: [1, null, true], b: undefined }, { a: [1, null, true] }],
  [new Date(0), '1970-01-01T00:00:00.000Z'],
  [new URL('http://example.org/'), 'http://example.org/'],
  [new Map([['a', 1]]), "Map(1) { 'a' => 1 }"],
  [{ tags: new Set(['x']) }, { tags: "Set(1) { 'x' }" }],
  [
    [1n, NaN, /a/i],
    ['1n', 'NaN', '/a/i'],
  ],
  [{ bytes: new Uint8Array([1, 2]) }, { bytes: 'Uint8Array(2) [ 1, 2 ]' }],
  [Buffer.from('a'), '<Buffer 61>'],
  [undefined, 'undefined'],
  [circle, '<ref *1> { self: [Circular *1] }'],
])('%o is shown in JSON without loss', (value, expected) => {
  expect(plain(value)).toEqual(expected);
});
