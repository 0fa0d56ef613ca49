import type { FunctionLookup, InvalidError } from '@gantry/protocol';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { App } from './app.ts';
import { Cls } from './cls.ts';
import { FakeHost } from './fake-host.fixture.ts';
import { enter, method, parameter } from './member-decorators.ts';
import { registeredApps } from './registry.ts';
import { Secret } from './secret.ts';

const app = new App('ocr');

class Reader {
  static entered: string[] = [];
  @parameter() lang: string = 'eng';
  @parameter() pages!: number;
  @enter() async load() {
    Reader.entered.push(`load ${this.lang}`);
  }
  @enter({ snap: true }) warm() {
    Reader.entered.push('warm');
  }
  @method() read(page: number): string {
    return `${this.lang} ${page} of ${this.pages}`;
  }
  helper(): string {
    return 'not remote';
  }
}
app.cls()(Reader);

const lookup: Partial<FunctionLookup> & { name: string } = {
  name: 'Reader',
  kind: 'class',
  methods: [
    { name: 'read', handlerKind: 'async', callable: true },
    { name: 'page', handlerKind: 'async', callable: false },
  ],
  parameters: [
    { name: 'lang', type: { type: 'string' }, optional: false, defaultValue: 'eng' },
    { name: 'pages', type: { type: 'integer' }, optional: false },
  ],
  urls: { page: 'https://local--ocr-reader-page.gantry.localhost' },
};

describe('an instance of a class', () => {
  let host: FakeHost;

  beforeEach(() => {
    host = new FakeHost().install();
    host.add('ocr', lookup, ([page], submit) => [submit.method, page, submit.parameters]);
    Reader.entered = [];
  });
  afterEach(() => host.uninstall());

  it('calls its methods remotely with complete parameters', async () => {
    const reader = app.instance(Reader, { pages: 3 });
    expect(await reader.read.remote(1)).toEqual(['read', 1, { lang: 'eng', pages: 3 }]);
  });

  it('shares one lookup among its methods and calls', async () => {
    const reader = app.instance(Reader, { pages: 3 });
    await Promise.all([reader.read.remote(1), reader.read.remote(2), reader.read.hydrate()]);
    await reader.read.remote(3);
    // One for the running app, which does not hold the class, and one for the app by name.
    expect(host.lookups).toBe(2);
  });

  it('runs its hooks once before local calls, those with snap first', async () => {
    const reader = app.instance(Reader, { lang: 'deu', pages: 2 });
    expect(await Promise.all([reader.read.local(1), reader.read.local(2)])).toEqual([
      'deu 1 of 2',
      'deu 2 of 2',
    ]);
    expect(Reader.entered).toEqual(['warm', 'load deu']);
  });

  it('refuses unknown parameters and wrong types at once, missing ones and what only a build knows at the call', async () => {
    expect(() => app.instance(Reader, { size: 3 } as never)).toThrow(
      'class "Reader" has no parameter "size"',
    );
    await expect(app.instance(Reader).read.remote(1)).rejects.toThrow('needs the parameter "pages"');
    await expect(app.instance(Reader).read.local(1)).rejects.toThrow('needs the parameter "pages"');
    expect(() => app.instance(Reader, { pages: '3' as never })).toThrow(
      'parameter "pages" of class "Reader" must be number, not string',
    );
    await expect(app.instance(Reader, { pages: 1.5 }).read.remote(1)).rejects.toThrow('must be integer');
  });

  it('refuses members that are no remote methods', () => {
    const reader = app.instance(Reader, { pages: 1 });
    expect(() => reader.helper).toThrow(
      '"Reader.helper" carries neither @method() nor a decorator of the web',
    );
  });

  it('with other options has the same parameters and the same local object', async () => {
    const reader = app.instance(Reader, { pages: 3 });
    const big = reader.withOptions({ cpu: 4 }).withConcurrency({ maxInputs: 2 });
    expect(await big.read.remote(1)).toEqual(['read', 1, { lang: 'eng', pages: 3 }]);
    expect(host.submits().at(-1)?.options).toEqual({ cpu: 4, maxInputs: 2, targetInputs: 2 });
    await Promise.all([reader.read.local(1), big.read.local(1)]);
    expect(Reader.entered).toEqual(['warm', 'load eng']);
    expect(() => reader.withOptions({ secrets: [Secret.fromObject({ A: 'a' })] })).toThrow('by name only');
    expect(() => reader.withOptions({ minContainers: 1 } as never)).toThrow(
      '"minContainers" cannot be replaced',
    );
  });

  it('refuses classes of other apps', () => {
    class Stranger {}
    let error: InvalidError | undefined;
    try {
      app.instance(Stranger);
    } catch (caught) {
      error = caught as InvalidError;
    }
    expect(error?.message).toBe('the class "Stranger" is not part of the app "ocr"');
  });

  it('may be awaited, spread and printed without harm', async () => {
    const reader = app.instance(Reader, { pages: 1 });
    expect(await reader).toBe(reader);
    expect(Object.keys(reader)).toEqual(['read']);
    expect(JSON.stringify(Cls.fromName<typeof Reader>('ocr', 'Reader').instance())).toBe('{}');
  });

  it('of a deployed class is found by name', async () => {
    const far = await Cls.fromName<typeof Reader>('ocr', 'Reader');
    const reader = far.instance({ pages: 7 });
    expect(await reader.read.remote(2)).toEqual(['read', 2, { lang: 'eng', pages: 7 }]);
    expect(() => reader.read.local(1)).toThrow('the code of "Reader.read" is not in this program');
    await expect(reader.helper.remote()).rejects.toThrow('no method that can be called remotely');
  });

  it('tells the address of an endpoint, null for other methods', async () => {
    const reader = Cls.fromName<new () => { page(): string; read(): string }>('ocr', 'Reader').instance({
      pages: 1,
    } as never);
    expect(await reader.page.getWebUrl()).toBe('https://local--ocr-reader-page.gantry.localhost');
    expect(await reader.read.getWebUrl()).toBeNull();
    await expect(reader.page.remote()).rejects.toThrow('no method that can be called remotely');
  });
});

afterEach(() => {
  registeredApps().length = 0;
});
