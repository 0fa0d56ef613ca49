import { InvalidError } from '@gantry/protocol';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { App } from './app.ts';
import { Cls } from './cls.ts';
import { stopFetchingInputs } from './context.ts';
import { FakeHost } from './fake-host.fixture.ts';
import { Secret } from './secret.ts';
import { RemoteFunction } from './remote-function.ts';

type Place = abstract new () => { pid(): Promise<number> };

let host: FakeHost;
beforeEach(() => {
  host = new FakeHost().install();
  host.add('shop', { name: 'square', functionId: 'fu-square' }, () => 1);
  host.add(
    'shop',
    {
      name: 'Place',
      kind: 'class',
      functionId: 'fu-Place',
      methods: [{ name: 'pid', handlerKind: 'async', callable: true }],
    },
    () => 1,
  );
});
afterEach(() => host.uninstall());

const lastSent = () => host.sent.at(-1);

describe('live settings', () => {
  it('of a function are sent as they were given', async () => {
    const square = RemoteFunction.fromName('shop', 'square');
    void square.updateAutoscaler({ minContainers: 2 });
    await expect.poll(lastSent).toMatchObject({
      type: 'autoscale',
      functionId: 'fu-square',
      settings: { minContainers: 2 },
    });
  });

  it('out of range never leave the program', async () => {
    const square = RemoteFunction.fromName('shop', 'square');
    await expect(square.updateAutoscaler({ maxContainers: 0 })).rejects.toBeInstanceOf(InvalidError);
    await expect(square.updateAutoscaler({ minContainers: 3, maxContainers: 2 })).rejects.toThrow(
      'minContainers (3) is above maxContainers (2)',
    );
    await expect(square.updateAutoscaler({ containers: 2 } as never)).rejects.toThrow('"containers"');
    expect(host.sent).toEqual([]);
  });
});

describe('replaced options', () => {
  it('add up over calls, the later one wins, and leave the first handle as it is', async () => {
    const cls = Cls.fromName<Place>('shop', 'Place');
    const wide = cls
      .withOptions({ cpu: 2, timeoutMs: 1_000, retries: 2, secrets: [Secret.fromName('db')] })
      .withConcurrency({ maxInputs: 4 })
      .withOptions({ timeoutMs: 5_000 });
    await wide.instance().pid.remote();
    expect(host.sent.find(({ type }) => type === 'submit')).toMatchObject({
      options: {
        cpu: 2,
        secrets: [{ type: 'named', name: 'db' }],
        timeoutMs: 5_000,
        retries: { maxRetries: 2, initialDelayMs: 1_000, backoffCoefficient: 1, maxDelayMs: 60_000 },
        maxInputs: 4,
        targetInputs: 4,
      },
    });
    host.sent.length = 0;
    await cls.instance().pid.remote();
    expect(host.sent.find(({ type }) => type === 'submit')).not.toHaveProperty('options');
  });

  it('may be those of a function, of an instance and of one of its methods', async () => {
    const optionsSent = () => host.submits().at(-1)?.options;
    const square = RemoteFunction.fromName('shop', 'square');
    await square.withOptions({ cpu: 2 }).withConcurrency({ maxInputs: 4, targetInputs: 2 }).remote();
    expect(optionsSent()).toEqual({ cpu: 2, maxInputs: 4, targetInputs: 2 });
    const place = Cls.fromName<Place>('shop', 'Place').withOptions({ cpu: 1 }).instance();
    await place.withOptions({ timeoutMs: 9_000 }).pid.remote();
    expect(optionsSent()).toEqual({ cpu: 1, timeoutMs: 9_000 });
    await place.pid.withOptions({ cpu: 3 }).withBatching({ maxBatchSize: 2, waitMs: 1 }).remote();
    expect(optionsSent()).toEqual({ cpu: 3, batching: { maxBatchSize: 2, waitMs: 1 } });
    await place.pid.remote();
    expect(optionsSent()).toEqual({ cpu: 1 });
  });

  it('keep the code of a handle, which runs a batch of one where batches were replaced', async () => {
    const app = new App('local');
    const sums = app.function({ name: 'sums' }, (xs: number[], ys: number[]) =>
      xs.map((x, i) => x + (ys[i] ?? 0)),
    );
    expect(sums.withOptions({ cpu: 2 }).local([1], [2])).toEqual([3]);
    const single = sums.withBatching({ maxBatchSize: 2, waitMs: 1 });
    expect(await single.withConcurrency({ maxInputs: 2 }).local(1, 2)).toBe(3);
    expect(single.rawFunction).toBe(sums.rawFunction);
  });

  it('are checked where they are given', () => {
    const cls = Cls.fromName<Place>('shop', 'Place');
    expect(() => cls.withOptions({ minContainers: 1 } as never)).toThrow(
      '"minContainers" cannot be replaced',
    );
    expect(() => cls.withOptions({ timeoutMs: 1 })).toThrow('timeoutMs must be a number from 10');
    expect(() => cls.withBatching({ maxBatchSize: 2 } as never)).toThrow('@batched needs waitMs');
  });
});

describe('stopFetchingInputs', () => {
  it('tells the container, and does nothing elsewhere', () => {
    stopFetchingInputs();
    expect(host.stoppedFetching).toBe(true);
    host.uninstall();
    expect(() => stopFetchingInputs()).not.toThrow();
  });
});
