import {
  callSessionKey,
  InvalidError,
  NotFoundError,
  RemoteError,
  SerializationError,
} from '@gantry/protocol';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { App } from './app.ts';
import { Cls } from './cls.ts';
import { currentInputId, isLocal } from './context.ts';
import { FakeHost, runOutcome } from './fake-host.fixture.ts';
import { FunctionCall } from './function-call.ts';
import { RemoteFunction } from './remote-function.ts';

const makeSquare = () => new App('maths').function({ name: 'square' }, async (x: number) => x * x);

let host: FakeHost;
let square: ReturnType<typeof makeSquare>;
beforeEach(() => {
  host = new FakeHost().install();
  square = makeSquare();
});
afterEach(() => host.uninstall());

function deploy(run: (...args: never[]) => unknown, name = 'square', app = 'maths'): void {
  host.add(app, { name, functionId: `fu-${app}-${name}` }, (args) => run(...(args as never[])));
}

describe('remote', () => {
  it('sends any arguments and returns the result', async () => {
    deploy((x: Map<string, Date>) => [...x.values()]);
    const dates = RemoteFunction.fromName<(x: Map<string, Date>) => Date[]>('maths', 'square');
    expect(await dates.remote(new Map([['at', new Date(5)]]))).toEqual([new Date(5)]);
  });

  it.each([
    [
      'an app name with a space',
      () => RemoteFunction.fromName('a b', 'f'),
      'the app name "a b" is not valid',
    ],
    ['no app name', () => RemoteFunction.fromName('', 'f'), 'the app name "" is not valid'],
    ['a number for an app', () => RemoteFunction.fromName(5 as never, 'f'), 'the app name 5 is not valid'],
    ['no function name', () => RemoteFunction.fromName('a', ''), 'the function name "" is not valid'],
    [
      'an object for a name',
      () => RemoteFunction.fromName('a', {} as never),
      'the function name {} is not valid',
    ],
    ['no class name', () => Cls.fromName('a', undefined as never), 'the class name undefined is not valid'],
    [
      'an environment with a space',
      () => Cls.fromName('a', 'B', { environment: 'x y' }),
      'the environment name "x y" is not valid',
    ],
  ])('names are checked at once: %s', (_, make, message) => {
    expect(make).toThrow(InvalidError);
    expect(make).toThrow(message);
  });

  it('an app is named by its id, too', async () => {
    deploy((x: number) => x * x, 'square', host.appId);
    expect(await RemoteFunction.fromName<typeof square>(host.appId, 'square').remote(3)).toBe(9);
  });

  it('says when a name is that of a class, or that of a function', async () => {
    host.add('maths', { name: 'Sums', kind: 'class' }, () => 1);
    deploy(() => 1);
    await expect(RemoteFunction.fromName('maths', 'Sums').remote()).rejects.toMatchObject({
      message: '"Sums" is a class, not a function',
      hint: "Call a method of it: Cls.fromName(..., 'Sums').instance().<method>.remote(...).",
    });
    await expect(Cls.fromName('maths', 'square').hydrate()).rejects.toMatchObject({
      message: '"square" is a function, not a class',
      hint: "Call it: RemoteFunction.fromName(..., 'square').remote(...).",
    });
  });

  it('looks a function up once', async () => {
    deploy((x: number) => x * x);
    const handle = RemoteFunction.fromName<typeof square>('maths', 'square');
    expect(await Promise.all([handle.remote(2), handle.remote(3)])).toEqual([4, 9]);
    expect(await handle.remote(4)).toBe(16);
    expect(host.lookups).toBe(1);
  });

  it('prefers the app it runs in', async () => {
    deploy(() => 'by name');
    deploy(() => 'own app', 'square', host.appId);
    expect(await square.remote(1)).toBe('own app');
  });

  it('of a function that is not deployed says what to do', async () => {
    const error = await square.remote(1).catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(NotFoundError);
    expect(error).toMatchObject({ hint: 'Deploy the app "maths", or check that it holds "square".' });
  });

  it('of a function without a name says what to do', async () => {
    const anonymous = new App('maths').function(async () => 1);
    await expect(anonymous.remote()).rejects.toThrow('has no name');
  });

  it('names the input that makes the call', async () => {
    deploy(() => currentInputId());
    host.current = { inputId: 'in-parent', callId: 'fc-parent', signal: new AbortController().signal };
    await square.remote(1);
    expect(isLocal()).toBe(false);
    expect(host.submits()[0]?.parentInputId).toBe('in-parent');
  });

  it('finds the function again when it was deployed anew', async () => {
    deploy((x: number) => x);
    const handle = RemoteFunction.fromName<typeof square>('maths', 'square');
    await handle.remote(1);
    host.functions.clear();
    host.add('maths', { name: 'square', functionId: 'fu-next' }, ([x]) => -(x as number));
    expect(await handle.remote(5)).toBe(-5);
    expect(host.submits().map(({ functionId }) => functionId)).toEqual([
      'fu-maths-square',
      'fu-maths-square',
      'fu-next',
    ]);
  });

  it('refuses what cannot be sent before sending anything', async () => {
    deploy(() => 1);
    const handle = RemoteFunction.fromName<(x: unknown) => number>('maths', 'square');
    await expect(handle.remote({ callback: () => 1 })).rejects.toThrow(SerializationError);
    await expect(handle.remote(new WeakMap())).rejects.toThrow('"args[0]" is a WeakMap and cannot be sent');
    expect(host.submits()).toEqual([]);
  });
});

describe('a failure of the function', () => {
  it('arrives as its class, with the remote stack', async () => {
    deploy(() => {
      throw new RangeError('too big');
    });
    const error = (await square.remote(1).catch((caught: unknown) => caught)) as Error;
    expect(error).toBeInstanceOf(RangeError);
    expect(error.stack).toMatch(/^RangeError: too big\n {2}Remote stack:\n {4}at /);
    expect(Reflect.get(error, 'remoteStack')).toContain('remote-function.test.ts');
    expect(Object.keys(error)).toEqual([]);
  });

  it('that is no Error arrives as the cause of a RemoteError', async () => {
    deploy(() => Promise.reject({ reason: 'odd' } as unknown as Error));
    const error = await square.remote(1).catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(RemoteError);
    expect(error).toMatchObject({ message: 'the function threw an object', cause: { reason: 'odd' } });
  });

  it('of the platform arrives as its own error', async () => {
    host.add('maths', { name: 'square' }, () => new Promise(() => undefined));
    const result = square.remote(1);
    await expect.poll(() => host.submits().length).toBe(1);
    const [submit] = host.submits();
    host.emit({
      type: 'output',
      callId: submit?.callId ?? '',
      inputId: submit?.inputs[0]?.inputId ?? '',
      index: 0,
      outcome: {
        type: 'failure',
        failure: { name: 'FunctionTimeoutError', code: 'FUNCTION_TIMED_OUT', message: 'too slow' },
      },
    });
    await expect(result).rejects.toMatchObject({ name: 'FunctionTimeoutError', message: 'too slow' });
  });
});

describe('spawn', () => {
  it('returns a call whose result is fetched by id', async () => {
    deploy((x: number) => x * x);
    const call = await square.spawn(3);
    expect(callSessionKey(call.id)).toBe(callSessionKey(host.containerId));
    expect(host.submits()[0]).toMatchObject({ kind: 'spawn', callId: call.id });
    const result = FunctionCall.fromId<number>(call.id).get();
    await expect.poll(() => host.sent.some((message) => message.type === 'await')).toBe(true);
    const inputId = host.submits()[0]?.inputs[0]?.inputId ?? '';
    host.emit({ type: 'output', callId: call.id, inputId, index: 0, outcome: await runOutcome(() => 9) });
    expect(await result).toBe(9);
  });
});

describe('forEach', () => {
  it('waits for all inputs, and ends with the first failure unless told otherwise', async () => {
    const seen: number[] = [];
    deploy((x: number) => {
      seen.push(x);
      if (x === 2) throw new TypeError('two');
    });
    await expect(square.forEach([1, 2, 3])).rejects.toThrow(TypeError);
    seen.length = 0;
    await square.forEach([1, 2, 3], { ignoreExceptions: true });
    expect(seen).toEqual([1, 2, 3]);
  });

  it('refuses unknown options', async () => {
    await expect(square.forEach([1], { returnExceptions: true } as never)).rejects.toThrow(InvalidError);
  });
});
