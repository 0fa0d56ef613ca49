import { join } from 'node:path';

import { describe, expect, it } from 'vitest';

import { compiled, inOrder, parseModel, readModels } from './models.ts';

describe('models', () => {
  it('come after those that they are made from', async () => {
    const models = inOrder((await readModels(join(import.meta.dirname, '../models'))).reverse());

    expect(models.map(({ name }) => name)).toEqual(['daily', 'zones', 'busiest']);
    expect(models[0]?.about).toBe('Trips and revenue of each day and zone.');
  });

  it('read tables where they name sources and other models', () => {
    const model = parseModel('a', "select * from {{ source('trips') }} join {{ ref('b') }} using (id)");

    expect(compiled(model, { trips: "'x.parquet'" })).toBe("select * from 'x.parquet' join b using (id)");
    expect(() => compiled(model, {})).toThrow('model "a" reads "trips", which is no source');
  });

  it('that go in a circle, or name what is not there, are refused', () => {
    const [a, b] = [parseModel('a', "from {{ ref('b') }}"), parseModel('b', "from {{ ref('a') }}")];

    expect(() => inOrder([a, b])).toThrow('models go in a circle: a → b → a');
    expect(() => inOrder([a])).toThrow('model "a" is made from "b", which there is not');
  });
});
