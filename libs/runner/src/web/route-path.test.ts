import { expect, test } from 'vitest';

import { namesIn, RoutePath, templateOf } from './route-path.ts';

test.each<[path: string, asked: string, values: Record<string, string> | undefined]>([
  ['/', '/', {}],
  ['/', '/more', undefined],
  ['/items/:id', '/items/7', { id: '7' }],
  ['/items/:id', '/items/a%2Fb%20%C3%A4', { id: 'a/b ä' }],
  ['/items/:id', '/items', undefined],
  ['/items/:id', '/items/', undefined],
  ['/items/:id', '/items/7/', undefined],
  ['/items/:id', '/items/%E0', undefined],
  ['/:shop/items/:id', '/north/items/7', { shop: 'north', id: '7' }],
])('%s asked for as %s', (path, asked, values) => {
  const match = new RoutePath(path).match(asked);

  expect(match && Object.fromEntries(match)).toEqual(values);
});

test('names its parameters, and is written in the way of OpenAPI', () => {
  expect([...namesIn('/:shop/items/:id')]).toEqual(['shop', 'id']);
  expect(templateOf('/:shop/items/:id')).toBe('/{shop}/items/{id}');
});
