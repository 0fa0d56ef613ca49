import { decodeValue, encodeValue, SerializationError } from '@gantry/protocol';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';

import { App } from './app.ts';
import { Client } from './client.ts';
import { Cls } from './cls.ts';
import { FakeHost } from './fake-host.fixture.ts';
import type { Instance } from './instance.ts';
import { method, parameter } from './member-decorators.ts';
import { registeredApps } from './registry.ts';
import { RemoteFunction } from './remote-function.ts';

const app = new App('shop');

@app.cls()
class Reader {
  @parameter() lang: string = 'eng';
  @method() read(page: number) {
    return `${this.lang} ${page}`;
  }
}
const square = app.function({ name: 'square' }, async (x: number) => x * x);

function sent<T>(value: T): T {
  return (decodeValue(encodeValue({ value })) as { value: T }).value;
}

describe('a handle that is passed as an argument', () => {
  let host: FakeHost;
  beforeEach(() => {
    host = new FakeHost().install();
    const string = { name: 'lang', type: { type: 'string' as const }, optional: true, defaultValue: 'eng' };
    const methods = [{ name: 'read', handlerKind: 'async' as const, callable: true }];
    host.add('shop', { name: 'square' }, ([x]) => Number(x) ** 2);
    host.add('shop', { name: 'Reader', kind: 'class', methods, parameters: [string] }, ([page], submit) => [
      page,
      submit.parameters,
      submit.options,
    ]);
  });
  afterEach(() => {
    host.uninstall();
    vi.unstubAllEnvs();
  });

  it('on a function arrives as a live handle on it', async () => {
    for (const handle of [square, RemoteFunction.fromName<typeof square>('shop', 'square')]) {
      const arrived = sent(handle);
      expect(arrived).toBeInstanceOf(RemoteFunction);
      expect(arrived.name).toBe('square');
      expect(await arrived.remote(3)).toBe(9);
    }
    expect(() => sent(square).local(3)).toThrow('the code of "square" is not in this program');
  });

  it('on an instance, or one of its methods, arrives with its parameters', async () => {
    const reader = app.instance(Reader, { lang: 'deu' });
    const far = Cls.fromName<typeof Reader>('shop', 'Reader').instance({ lang: 'deu' });
    for (const handle of [sent(reader).read, sent(far).read, sent(reader.read)]) {
      expect(await handle.remote(1)).toEqual([1, { lang: 'deu' }, undefined]);
    }
    expect(Object.keys(sent(reader))).toEqual(['read']);
  });

  it('on a class arrives with the options that were replaced', async () => {
    const arrived = sent(Cls.fromName<typeof Reader>('shop', 'Reader').withOptions({ cpu: 2 }));
    expect(arrived).toBeInstanceOf(Cls);
    const reader = arrived.instance({ lang: 'fra' }) as Instance<Reader>;
    expect(await reader.read.remote(1)).toEqual([1, { lang: 'fra' }, { cpu: 2 }]);
  });

  it('on a function of an app that only runs leads to that app, not to a deployed one of its name', async () => {
    host.uninstall();
    vi.stubEnv('GANTRY_APP_ID', 'ap-run');
    vi.stubEnv('GANTRY_SERVER_URL', 'http://127.0.0.1:1');
    vi.stubEnv('GANTRY_TOKEN', 'token');
    const encoded = encodeValue(square);
    vi.unstubAllEnvs();
    host.install();
    host.add('ap-run', { name: 'square', functionId: 'fu-run' }, () => 'of the run');
    expect(await (decodeValue(encoded) as typeof square).remote(3)).toBe('of the run');
  });

  it('leads to the environment that it has where it comes from', async () => {
    vi.spyOn(host, 'lookup');
    await sent(square).hydrate();
    await sent(RemoteFunction.fromName('shop', 'square', { environment: 'dev' })).hydrate();
    expect(vi.mocked(host.lookup).mock.calls.at(0)).toEqual(['ap-0000000000000000000000', 'square', 'main']);
    expect(vi.mocked(host.lookup).mock.calls.at(-1)).toEqual(['shop', 'square', 'dev']);
  });
});

describe('an app or a client', () => {
  it('cannot be sent: the one is code, the other holds a token', async () => {
    await using client = new Client({ serverUrl: 'http://127.0.0.1:1', token: 'token' });
    expect(() => encodeValue([app], 'args')).toThrow('"args[0]" is of the class "App" and cannot be sent');
    expect(() => encodeValue({ client }, 'args')).toThrow(SerializationError);
  });
});

afterEach(() => {
  registeredApps().length = 0;
});
