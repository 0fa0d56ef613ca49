import { App, fastapiEndpoint } from 'gantry';

export const app = new App('hostile');

type Trick = () => unknown;

function throwing(value: unknown): Trick {
  return () => {
    throw value;
  };
}

function withThrowingGetter(property: string): Error {
  const get = (): never => {
    throw new Error('the getter throws');
  };
  return Object.defineProperty(new Error('outer'), property, { get, enumerable: true });
}

/** Throws at whatever is asked of it. */
function untouchable(): object {
  const refuse = (): never => {
    throw new Error('touched');
  };
  return new Proxy(new Error('proxy'), { get: refuse, ownKeys: refuse, getPrototypeOf: refuse });
}

const tricks: Record<string, Trick> = {
  symbol: () => Symbol('mine'),
  'thrown undefined': throwing(undefined),
  'thrown null': throwing(null),
  'thrown text': throwing('text'),
  'thrown frozen error': throwing(Object.freeze(new Error('frozen'))),
  'throwing message': throwing(withThrowingGetter('message')),
  'throwing cause': throwing(withThrowingGetter('cause')),
  'thrown proxy': throwing(untouchable()),
  'proxy result': untouchable,
  'throwing then': () => ({
    then() {
      throw new Error('then throws');
    },
  }),
  '101 MB result': () => new Uint8Array(101_000_000),
  '300 MB result': () => new Uint8Array(300_000_000),
  '300 MB error': () => throwing(Object.assign(new Error('large'), { data: new Uint8Array(300_000_000) }))(),
  '300 MB line': () => console.log('x'.repeat(300_000_000)),
  'exit in the middle': () => process.exit(0),
  'stdout flood': () => process.stdout.write('x'.repeat(10_000_000)),
  'stdout deleted': () => Reflect.deleteProperty(process, 'stdout'),
  'globals replaced': () =>
    void Object.assign(globalThis, { Promise: class {}, JSON: undefined, setImmediate: 0 }),
  'unhandled rejection': async () => {
    void Promise.reject(new Error('nobody waits'));
    await new Promise((resolve) => setTimeout(resolve, 1_000));
  },
};

export const plusOne = app.function(async (x: number): Promise<number> => x + 1);

export const trick = app.function((name: string): unknown => tricks[name]?.());

/** Takes memory without end, slowly enough for its limit to hold on a small machine. */
export const hoard = app.function({ memoryMiB: [64, 400] }, async (): Promise<void> => {
  const kept: unknown[] = [];
  for (;;) {
    kept.push(new Array(2 ** 20).fill(1));
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
});

export const echo = app.function(async (value: unknown): Promise<unknown> => value);

export const spin = app.function({ timeoutMs: 1_000 }, (forever: boolean): string => {
  while (forever);
  return 'ended';
});

@app.cls()
export class Web {
  @fastapiEndpoint()
  read(name: string = 'nobody', count: number = 1): unknown {
    return { name, count };
  }

  @fastapiEndpoint({ method: 'POST' })
  write(body: Record<string, unknown>): unknown {
    return Object.keys(body);
  }

  @fastapiEndpoint()
  answer(kind: string): unknown {
    if (kind === 'odd reason') return new Response('fine', { statusText: 'a\u00ffb' });
    const fail = (): never => {
      throw new Error('in the middle');
    };
    return new Response(new ReadableStream({ pull: fail }));
  }
}
