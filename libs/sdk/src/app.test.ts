import { InvalidError } from '@gantry/protocol';
import { afterEach, describe, expect, it } from 'vitest';

import { App } from './app.ts';
import { concurrent, fastapiEndpoint } from './modifiers.ts';
import { method } from './member-decorators.ts';
import { registeredApps } from './registry.ts';

afterEach(() => {
  registeredApps().length = 0;
});

const site = (name: string) => ({ name, file: 'src/app.ts', line: 3 });

describe('an app', () => {
  it('is registered under its name, which must be valid', () => {
    new App('shop');
    new App();
    expect(registeredApps().map((app) => app.name)).toEqual(['shop', undefined]);
    expect(() => new App('not valid')).toThrow(InvalidError);
    expect(() => new App('ap-0123456789abcdefghijkl')).toThrow('looks like an app id');
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
      { name: 'greet', fn, endpoint: { method: 'POST' }, concurrent: { maxInputs: 9 } },
      { name: 'plain', fn, endpoint: undefined, concurrent: undefined },
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
