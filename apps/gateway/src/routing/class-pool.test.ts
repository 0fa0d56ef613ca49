import { poolKey, type FunctionRecord, type ParameterSpec } from '@gantry/protocol';
import { describe, expect, test } from 'vitest';

import { ClassPools } from './class-pool.ts';

const PARAMETERS: ParameterSpec[] = [
  { name: 'lang', type: { type: 'string' }, optional: true, defaultValue: 'eng' },
  { name: 'size', type: { type: 'integer' }, optional: false },
  { name: 'key', type: { type: 'bytes' }, optional: true },
];

function record(parameters: ParameterSpec[]): FunctionRecord {
  return { id: 'fu-1', version: 1, spec: { name: 'Ocr', parameters } } as unknown as FunctionRecord;
}

describe('ClassPools', () => {
  test('a function without parameters is one pool, whatever the query says', () => {
    expect(new ClassPools().choose(record([]), 'lang=deu')).toEqual({
      type: 'pool',
      pool: 'fu-1',
      parameters: {},
    });
  });

  test('class parameters come from the query, converted, with defaults filled in', async () => {
    const choice = await new ClassPools().choose(record(PARAMETERS), 'size=5&key=-_8&other=1');
    const parameters = { lang: 'eng', size: 5, key: new Uint8Array([251, 255]) };
    expect(choice).toEqual({ type: 'pool', pool: await poolKey('fu-1', parameters), parameters });
  });

  test('leaving out a default and naming it are the same pool', async () => {
    const pools = new ClassPools();
    expect(await pools.choose(record(PARAMETERS), 'size=5')).toEqual(
      await pools.choose(record(PARAMETERS), 'lang=eng&size=5'),
    );
  });

  test('every wrong or missing parameter is named', async () => {
    const refused = {
      type: 'refused',
      problems: [{ loc: ['query', 'size'], msg: 'Field required', type: 'missing' }],
    };
    expect(await new ClassPools().choose(record(PARAMETERS), '')).toEqual(refused);
    expect(await new ClassPools().choose(record(PARAMETERS), 'size=1.5&key=*')).toMatchObject({
      problems: [{ loc: ['query', 'size'], type: 'int_parsing' }, { loc: ['query', 'key'] }],
    });
  });

  test('parameters seen before are answered without waiting', async () => {
    const pools = new ClassPools();
    const first = await pools.choose(record(PARAMETERS), 'size=5');
    expect(pools.choose(record(PARAMETERS), 'size=5&unrelated=1')).toBe(first);
  });
});
