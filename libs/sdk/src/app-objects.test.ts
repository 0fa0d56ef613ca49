import { ExecutionError, InvalidError, NotFoundError, type AppSummary } from '@gantry/protocol';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';

import { App } from './app.ts';
import type { Client } from './client.ts';
import { Cls } from './cls.ts';
import { FakeHost } from './fake-host.fixture.ts';
import { method } from './member-decorators.ts';
import { registeredApps } from './registry.ts';
import { RemoteFunction } from './remote-function.ts';
import { fastapiEndpoint } from './web-decorators.ts';

let host: FakeHost;
beforeEach(() => {
  host = new FakeHost().install();
});
afterEach(() => {
  host.uninstall();
  registeredApps().length = 0;
});

describe('what an app registers', () => {
  it('can be read as handles by name, that of included apps too', async () => {
    host.add('shop', { name: 'square' }, ([x]) => Number(x) ** 2);
    host.add('shop', { name: 'Reader', kind: 'class' }, () => 'read');
    const [shop, part] = [new App('shop'), new App('part')];
    const square = part.function({ name: 'square' }, async (x: number) => x * x);
    const main = shop.localEntrypoint({ name: 'main' }, async () => 1);
    @shop.cls()
    class Reader {
      @method() read() {
        return 'read';
      }
      @fastapiEndpoint() page() {
        return 'page';
      }
    }
    shop.include(part);
    shop.function(
      { name: 'status' },
      fastapiEndpoint({}, () => 'fine'),
    );

    expect(Object.keys(shop.registeredFunctions)).toEqual(['square', 'status']);
    expect(shop.registeredFunctions['square']).toBe(square);
    expect(await square.remote(3)).toBe(9);
    expect(Object.keys(shop.registeredClasses)).toEqual([Reader.name]);
    expect((await shop.registeredClasses['Reader']?.hydrate())?.objectId).toBe('fu-Reader');
    expect(shop.registeredEntrypoints).toEqual({ main });
    expect(shop.registeredWebEndpoints).toEqual(['Reader.page', 'status']);
  });
});

describe('the description of an app', () => {
  it('is what it says of itself, else its name, else the file that makes it', () => {
    const [named, nameless] = [new App('shop'), new App()];

    expect([named.description, nameless.description]).toEqual(['shop', 'app-objects.test.ts']);
    named.setDescription('sells things');
    expect(named.description).toBe('sells things');
    for (const text of ['', 'a\nb', 'x'.repeat(201)]) {
      expect(() => named.setDescription(text)).toThrow(InvalidError);
    }
  });
});

describe('App.lookup', () => {
  const summary = (id: string, name: string) => ({ id, name, functions: [] }) as unknown as AppSummary;

  it('asks at once, and gives the app with its id', async () => {
    const lookupApp = vi.fn(async (name: string) => summary('ap-1', name));
    const app = await App.lookup('shop', { client: { lookupApp } as unknown as Client, environment: 'dev' });
    expect(app).toBeInstanceOf(App);
    expect([app.appId, app.name]).toEqual(['ap-1', 'shop']);
    expect(lookupApp).toHaveBeenCalledWith('shop', 'dev');
  });

  it('makes a missing app only with createIfMissing', async () => {
    const client = {
      lookupApp: async () => Promise.reject(new NotFoundError('there is no app "new"')),
      createApp: async (name: string) => summary('ap-2', name),
    } as unknown as Client;
    await expect(App.lookup('new', { client })).rejects.toThrow(NotFoundError);
    expect((await App.lookup('new', { client, createIfMissing: true })).appId).toBe('ap-2');
  });

  it('does not count as making an app, so a module that looks one up still makes one app', async () => {
    new App('mine');
    await App.lookup('shop', {
      client: { lookupApp: async () => summary('ap-1', 'shop') } as unknown as Client,
    });
    expect(registeredApps().map(({ name }) => name)).toEqual(['mine']);
  });
});

describe('a handle by name', () => {
  it('does no I/O before its first use, and then fails with NotFoundError if nothing has the name', async () => {
    const [fn, cls] = [RemoteFunction.fromName('no', 'f'), Cls.fromName('no', 'C').withOptions({ cpu: 2 })];
    const instance = cls.instance({}) as unknown as Record<string, RemoteFunction>;
    expect(host.lookups).toBe(0);
    await expect(fn.remote()).rejects.toThrow(NotFoundError);
    await expect(fn.hydrate()).rejects.toThrow(NotFoundError);
    await expect(cls.hydrate()).rejects.toThrow(NotFoundError);
    await expect(instance['read']?.remote()).rejects.toThrow(NotFoundError);
  });

  it('has an objectId once it is hydrated; before, reading it is an ExecutionError', async () => {
    host.add('shop', { name: 'square' }, () => 1);
    host.add('shop', { name: 'Reader', kind: 'class' }, () => 1);
    for (const handle of [RemoteFunction.fromName('shop', 'square'), Cls.fromName('shop', 'Reader')]) {
      expect(() => handle.objectId).toThrow(ExecutionError);
      expect(await handle.hydrate()).toBe(handle);
      expect(handle.objectId).toMatch(/^fu-/);
    }
    expect(host.lookups).toBe(2);
  });

  it('of a method as "Class.method" says how to call one', async () => {
    const hint = "A method is called through its class: Cls.fromName(..., 'Ocr').instance().read.";
    await expect(RemoteFunction.fromName('shop', 'Ocr.read').remote()).rejects.toMatchObject({ hint });
  });
});
