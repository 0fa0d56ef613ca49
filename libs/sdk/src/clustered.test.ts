import { InvalidError } from '@gantry/protocol';
import { afterEach, describe, expect, it } from 'vitest';

import { App } from './app.ts';
import { clustered, getClusterInfo } from './clustered.ts';
import { FakeHost } from './fake-host.fixture.ts';
import { method } from './member-decorators.ts';
import { registeredApps } from './registry.ts';

afterEach(() => {
  registeredApps().length = 0;
});

describe('clustered', () => {
  it('records itself around a free function, which stays what it is to its callers', async () => {
    const app = new App('training');
    const train = app.function(
      { name: 'train' },
      clustered({ size: 4 }, async (steps: number) => steps * 2),
    );
    expect(registeredApps()[0]?.functions).toMatchObject([{ name: 'train', clustered: { size: 4 } }]);
    expect(await train.local(2)).toBe(4);
  });

  it('records itself on a class, above @app.cls() or below it', () => {
    const app = new App('training');
    @app.cls()
    @clustered({ size: 2 })
    class Below {
      @method() train(): void {}
    }
    @clustered({ size: 3 })
    @app.cls()
    class Above {
      @method() train(): void {}
    }
    expect([Below.name, Above.name]).toEqual(['Below', 'Above']);
    expect(registeredApps()[0]?.functions).toMatchObject([
      { name: 'Below', clustered: { size: 2 } },
      { name: 'Above', clustered: { size: 3 } },
    ]);
  });

  it.each([
    [{}, '@clustered needs size'],
    [{ size: 1 }, '@clustered: size must be a whole number from 2 to 64, not 1'],
    [{ size: 65 }, '@clustered: size must be a whole number from 2 to 64, not 65'],
    [{ size: 2, ranks: 2 }, '@clustered: there is no option "ranks"'],
    [undefined, '@clustered needs size'],
  ])('refuses %j', (options, message) => {
    expect(() => clustered(options as never)).toThrow(message);
  });

  it('stands on classes alone', () => {
    expect(() => clustered({ size: 2 })({} as never)).toThrow('is no class');
  });
});

describe('getClusterInfo', () => {
  it('says what the platform says of the gang', () => {
    const cluster = { id: 'ta-1', rank: 1, size: 2, addresses: ['fdaa::1', 'fdaa::2'] };
    const host = Object.assign(new FakeHost(), { cluster }).install();
    try {
      expect(getClusterInfo()).toEqual(cluster);
    } finally {
      host.uninstall();
    }
  });

  it('is refused outside of containers, and in those of other functions', () => {
    expect(() => getClusterInfo()).toThrow('outside of a container');
    const host = new FakeHost().install();
    try {
      expect(() => getClusterInfo()).toThrow(InvalidError);
      expect(() => getClusterInfo()).toThrow('not clustered');
    } finally {
      host.uninstall();
    }
  });
});
