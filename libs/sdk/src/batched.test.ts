import { InvalidError } from '@gantry/protocol';
import { afterEach, describe, expect, it } from 'vitest';

import { App } from './app.ts';
import { batched } from './batched.ts';
import { method } from './member-decorators.ts';
import { concurrent } from './modifiers.ts';
import { registeredApps } from './registry.ts';
import { fastapiEndpoint } from './web-decorators.ts';

afterEach(() => {
  registeredApps().length = 0;
});

const BATCH = { maxBatchSize: 4, waitMs: 10 };

describe('batched', () => {
  it('records itself around a free function, whose local form takes single values', async () => {
    const app = new App('maths');
    const add = app.function(
      { name: 'add' },
      concurrent(
        { maxInputs: 2 },
        batched(BATCH, async (xs: number[], ys: number[]) => xs.map((x, i) => x + (ys[i] ?? 0))),
      ),
    );
    expect(registeredApps()[0]?.functions).toMatchObject([
      { name: 'add', batched: BATCH, concurrent: { maxInputs: 2 } },
    ]);
    expect(await add.local(1, 2)).toBe(3);
  });

  it('makes the one method of a class callable', async () => {
    const app = new App('maths');
    @app.cls()
    class Adder {
      plus = 5;
      @batched(BATCH) add(xs: number[]): number[] {
        return xs.map((x) => x + this.plus);
      }
    }
    expect(registeredApps()[0]?.functions).toMatchObject([
      { batched: BATCH, methods: [{ name: 'add', callable: true }] },
    ]);
    expect(await app.instance(Adder).add.local(1 as never)).toBe(6);
  });

  it('fails locally, too, if the list has another length', async () => {
    const app = new App('maths');
    const drop = app.function(
      { name: 'drop' },
      batched(BATCH, (xs: number[]) => xs.slice(1)),
    );
    await expect(drop.local(1)).rejects.toThrow('"drop" returned 0 results for a batch of 1');
  });

  it.each([
    [{ maxBatchSize: 4 }, '@batched needs waitMs'],
    [{ waitMs: 4 }, '@batched needs maxBatchSize'],
    [{ maxBatchSize: 0, waitMs: 1 }, 'maxBatchSize must be a whole number from 1 to 1000, not 0'],
    [{ maxBatchSize: 1, waitMs: 600_001 }, 'waitMs must be a number from 0 to 600000, not 600001'],
    [{ maxBatchSize: 1, waitMs: 1, max: 2 }, 'there is no option "max"'],
  ])('refuses the options %j', (options, message) => {
    expect(() => batched(options as never)).toThrow(message);
  });

  it('stands neither with @method nor next to another method, inherited ones included', () => {
    const app = new App('maths');
    expect(() => {
      class Both {
        @method() @batched(BATCH) add(xs: number[]) {
          return xs;
        }
      }
      return Both;
    }).toThrow('"add" carries @batched together with @method');
    class Parent {
      @method() other() {}
    }
    expect(() => {
      @app.cls()
      class Child extends Parent {
        @batched(BATCH) add(xs: number[]) {
          return xs;
        }
      }
      return Child;
    }).toThrow('class "Child" holds "other" next to the batched method "add"');
  });

  it('is no web endpoint', () => {
    const app = new App('maths');
    const fn = batched(BATCH, (xs: number[]) => xs);
    expect(() => app.function({ name: 'web' }, fastapiEndpoint({}, fn))).toThrow(InvalidError);
  });
});
