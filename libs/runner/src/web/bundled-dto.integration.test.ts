import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

import type { TypeSpec } from '@gantry/protocol';
import { temporaryDirectory } from '@gantry/testing';
import { rolldown } from 'rolldown';
import { afterEach, expect, test } from 'vitest';

import type * as Fixture from './bundled-dto.fixture.ts';
import { DtoBuilder } from './dto.ts';
import { ORDER_TYPE } from './order-spec.fixture.ts';
import { BUNDLE_VALIDATION } from './validation.ts';

const SHOUT: TypeSpec = {
  type: 'object',
  className: 'Shout',
  fields: [{ name: 'text', type: { type: 'string' }, optional: false }],
};

/** The fixture as a user's bundle: with copies of class-validator and class-transformer of its own. */
async function loadBundle(directory: string): Promise<typeof Fixture> {
  const file = join(directory, 'bundle.mjs');
  const build = await rolldown({
    input: fileURLToPath(new URL('./bundled-dto.fixture.ts', import.meta.url)),
    platform: 'node',
    tsconfig: fileURLToPath(new URL('../../../../tsconfig.base.json', import.meta.url)),
  });
  await build.write({ file, format: 'esm', codeSplitting: false });
  await build.close();
  return (await import(pathToFileURL(file).href)) as typeof Fixture;
}

async function build(value: unknown, type: TypeSpec, target: unknown) {
  const dtos = new DtoBuilder();
  const built = dtos.build(value, type, { loc: ['body'], target });
  await dtos.check();
  return { built, problems: dtos.problems };
}

afterEach(() => {
  delete (globalThis as Record<symbol, unknown>)[BUNDLE_VALIDATION];
});

test('classes of a bundle with its own class-validator are built and checked, nested ones too', async () => {
  await using directory = await temporaryDirectory();
  const bundle = await loadBundle(directory.path);
  const good = { email: 'a@b.co', address: { city: 'Ulm' }, items: [{ sku: 'x' }] };
  const { built, problems } = await build(good, ORDER_TYPE, bundle.Order);
  expect(problems).toEqual([]);
  const order = built as Fixture.Order;
  expect(order).toBeInstanceOf(bundle.Order);
  expect(order.address).toBeInstanceOf(bundle.Address);
  expect(order.items[0]).toBeInstanceOf(bundle.Item);

  const bad = await build({ ...good, email: 'x', items: [{ sku: 'x', count: 0 }] }, ORDER_TYPE, bundle.Order);
  expect(bad.problems.map(({ loc, type }) => [loc.join('.'), type])).toEqual([
    ['body.items.0.count', 'min'],
    ['body.email', 'isEmail'],
  ]);

  // What only class-transformer knows needs the copy that was told: the bundle's.
  expect((await build({ text: 'a' }, SHOUT, bundle.Shout)).built).toEqual({ text: 'a' });
  bundle.offerOwnTransformer();
  expect((await build({ text: 'a' }, SHOUT, bundle.Shout)).built).toEqual({ text: 'A' });
  const again = await build(good, ORDER_TYPE, bundle.Order);
  expect((again.built as Fixture.Order).items[0]).toBeInstanceOf(bundle.Item);
  expect((again.built as Fixture.Order).address).toBeInstanceOf(bundle.Address);
});
