import { InvalidError } from '@gantry/protocol';
import { afterEach, describe, expect, it } from 'vitest';

import { App } from './app.ts';
import { concurrent } from './modifiers.ts';
import { method } from './member-decorators.ts';
import { registeredApps } from './registry.ts';
import { fastapiEndpoint } from './web-decorators.ts';

afterEach(() => {
  registeredApps().length = 0;
});

const site = (name: string) => ({ name, file: 'src/app.ts', line: 3 });

describe('an app', () => {
  it('is registered under its name, or without one', () => {
    new App('shop');
    new App();
    expect(registeredApps().map((app) => app.name)).toEqual(['shop', undefined]);
  });

  it('may have any printable name to be run, but none that looks like an app id', () => {
    expect(new App('second try, with cache').name).toBe('second try, with cache');
    expect(() => new App('ap-0123456789abcdefghijkl')).toThrow('looks like an app id');
    expect(() => new App('')).toThrow(InvalidError);
    expect(() => Reflect.construct(App, [5])).toThrow('the app name 5 is not valid');
  });

  it('gives its options to its functions and classes: their own win, env is merged', () => {
    const app = new App('shop', { cpu: 2, retries: 1, env: { STAGE: 'test', LANG: 'en' } });
    app.function({ name: 'own', cpu: 4, env: { LANG: 'de' } }, () => 1);
    app.function({ name: 'plain', retries: undefined } as object, () => 1);
    app.cls({ memoryMiB: 64 })(class Reader {});
    expect(registeredApps()[0]?.functions.map(({ options }) => options)).toEqual([
      { name: 'own', cpu: 4, retries: 1, env: { STAGE: 'test', LANG: 'de' } },
      { name: 'plain', cpu: 2, retries: 1, env: { STAGE: 'test', LANG: 'en' } },
      { memoryMiB: 64, cpu: 2, retries: 1, env: { STAGE: 'test', LANG: 'en' } },
    ]);
  });

  it('refuses options that it does not know, or out of range, its own and in sum', () => {
    expect(() => new App('shop', { cpus: 2 } as never)).toThrow('app "shop": there is no option "cpus"');
    expect(() => new App('shop', { timeoutMs: 1 })).toThrow('app "shop": timeoutMs');
    expect(() => new App('shop', { name: 'x' } as never)).toThrow('there is no option "name"');
    const app = new App('shop', { minContainers: 3 });
    expect(() => app.function({ name: 'f', maxContainers: 2 }, () => 1)).toThrow('is above maxContainers');
  });

  it('registers functions under the name they are bound to', () => {
    const app = new App('shop');
    app.function({ name: 'given' }, async () => 1);
    app.function({ retries: 3 }, async () => 1, site('bound'));
    app.function(async () => 1, site('direct'));
    app.function(async function own() {});
    expect(registeredApps()[0]?.functions.map(({ name, site }) => [name, site?.line])).toEqual([
      ['given', undefined],
      ['bound', 3],
      ['direct', 3],
      ['own', undefined],
    ]);
  });

  it('refuses two functions of one name', () => {
    const app = new App('shop');
    app.function({ name: 'pay' }, () => 1);
    expect(() => app.function({ name: 'pay' }, () => 2)).toThrow('the app "shop" registers "pay" twice');
    expect(() => app.cls({ name: 'pay' })(class {})).toThrow('twice');
  });

  it('refuses options out of range and classes in place of functions', () => {
    const app = new App('shop');
    expect(() => app.function({ timeoutMs: 1 }, () => 1, site('f'))).toThrow('function "f": timeoutMs');
    expect(() => Reflect.apply(app.function, app, [{}, class Thing {}])).toThrow(
      'was given the class "Thing"',
    );
    expect(() => Reflect.apply(app.function, app, [{}])).toThrow('needs a function');
  });

  it('unwraps concurrent and fastapiEndpoint around a function', () => {
    const app = new App('shop');
    const fn = async (name: string) => `hello ${name}`;
    app.function({}, fastapiEndpoint({ method: 'POST' }, concurrent({ maxInputs: 9 }, fn)), site('greet'));
    app.function({}, fn, site('plain'));
    expect(registeredApps()[0]?.functions).toMatchObject([
      {
        name: 'greet',
        fn,
        web: { type: 'endpoint', method: 'POST', docs: false },
        concurrent: { maxInputs: 9 },
      },
      { name: 'plain', fn, web: undefined, concurrent: undefined },
    ]);
  });

  it('keeps entry points apart from functions and returns them unchanged', () => {
    const app = new App('shop');
    const main = async (n = 10) => n;
    expect(app.localEntrypoint(main, site('main'))).toBe(main);
    app.localEntrypoint({ name: 'other' }, main);
    expect(registeredApps()[0]).toMatchObject({
      functions: [],
      entrypoints: [{ name: 'main' }, { name: 'other' }],
    });
  });
});

describe('including another app', () => {
  it('adds what the other registers, before and after', () => {
    const pay = new App('pay');
    pay.function({ name: 'charge' }, () => 1);
    new App('all').include(pay).include(pay);
    pay.function({ name: 'refund' }, () => 1);
    expect(registeredApps()[1]?.functions.map(({ name }) => name)).toEqual(['charge', 'refund']);
  });

  it('keeps the options that its functions have from their own app', () => {
    const pay = new App('pay', { cpu: 2 });
    pay.function({ name: 'charge' }, () => 1);
    new App('all', { cpu: 8 }).include(pay);
    expect(registeredApps()[1]?.functions).toMatchObject([{ name: 'charge', options: { cpu: 2 } }]);
  });

  it('is silent about the same function again, by whichever way, and can be chained', () => {
    const [pay, mail, all] = [new App('pay'), new App('mail'), new App('all')];
    pay.function({ name: 'charge' }, () => 1);
    mail.include(pay);
    expect(all.include(pay).include(mail).include(pay)).toBe(all);
    expect(registeredApps()[2]?.functions.map(({ name }) => name)).toEqual(['charge']);
  });

  it('leaves its entrypoints with it', () => {
    const pay = new App('pay');
    pay.localEntrypoint({ name: 'main' }, () => 1);
    const all = new App('all').include(pay);
    all.localEntrypoint({ name: 'main' }, () => 2);
    expect(registeredApps()[1]?.entrypoints).toHaveLength(1);
  });

  it('refuses different functions of one name', () => {
    const [pay, mail] = [new App('pay'), new App('mail')];
    pay.function({ name: 'send' }, () => 1);
    mail.function({ name: 'send' }, () => 2);
    const all = new App('all').include(pay);
    expect(() => all.include(mail)).toThrow('registers "send" twice');
  });
});

describe('calling without a platform', () => {
  it('runs functions and methods locally', async () => {
    const app = new App();
    const square = app.function(async (x: number) => x * x);
    expect(await square.local(3)).toBe(9);
    @app.cls()
    class Greeter {
      @method() greet(name: string) {
        return `hello ${name}`;
      }
    }
    expect(await app.instance(Greeter).greet.local('you')).toBe('hello you');
  });
});
