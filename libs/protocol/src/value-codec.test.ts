import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import {
  FunctionTimeoutError,
  InvalidError,
  RemoteError,
  SerializationError,
  UserCodeError,
} from './errors.ts';
import { GantryError } from './gantry-error.ts';
import { decodeValue, encodeValue, registerErrorClass, registerType } from './value-codec.ts';

function roundTrip<T>(value: T): T {
  return decodeValue(encodeValue(value)) as T;
}

function failure(value: unknown, name?: string): SerializationError {
  try {
    encodeValue(value, name);
  } catch (error) {
    expect(error).toBeInstanceOf(SerializationError);
    return error as SerializationError;
  }
  throw new Error('the value was encoded');
}

/** Any text, lone surrogates and byte order marks included. */
const anyText = fc.oneof(
  fc.string(),
  fc.string({ unit: 'binary' }),
  fc.array(fc.integer({ min: 0, max: 0xffff })).map((units) => String.fromCharCode(...units)),
);

const leaf = fc.oneof(
  anyText,
  fc.double(),
  fc.integer(),
  fc.boolean(),
  fc.constantFrom(null, undefined, -0, NaN, Infinity, 2 ** 53, -(2 ** 40), ''),
  fc.bigInt(),
  fc.date({ noInvalidDate: false }),
  fc.uint8Array(),
  fc.float64Array(),
  fc.int16Array(),
  fc.constantFrom(
    /a+b/giu,
    new BigInt64Array([1n, -1n]),
    new DataView(new ArrayBuffer(3)),
    new ArrayBuffer(5),
  ),
);

const anyValue = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    leaf,
    fc.array(tie('value'), { maxLength: 5 }),
    fc.dictionary(anyText, tie('value'), { maxKeys: 5 }),
    fc.array(fc.tuple(tie('value'), tie('value')), { maxLength: 4 }).map((entries) => new Map(entries)),
    fc.array(tie('value'), { maxLength: 4 }).map((items) => new Set(items)),
    tie('value').map((shared) => ({ first: shared, second: [shared] })),
    tie('value').map((inner) => {
      const cycle: { inner: unknown; self?: unknown } = { inner };
      cycle.self = [cycle];
      return cycle;
    }),
  ),
})).value;

describe('what arrives', () => {
  it('is what structured clone would have made, for any value', () => {
    fc.assert(
      fc.property(anyValue, (value) => {
        expect(roundTrip(value)).toStrictEqual(structuredClone(value));
      }),
      { numRuns: 400 },
    );
  });

  it('keeps undefined in arrays and objects, and holes', () => {
    const back = roundTrip({ a: undefined, list: [undefined, 1], sparse: [, 1, , 2] });
    expect(Object.keys(back)).toContain('a');
    expect(0 in back.list).toBe(true);
    expect(0 in back.sparse).toBe(false);
    expect(back.sparse).toHaveLength(4);
  });

  it('keeps the sign of zero and big integers of any size', () => {
    expect(Object.is(roundTrip(-0), -0)).toBe(true);
    expect(Object.is(roundTrip({ deep: [-0] }).deep[0], -0)).toBe(true);
    expect(roundTrip(2n ** 4000n)).toBe(2n ** 4000n);
    expect(roundTrip([5n, -5n, 0n])).toEqual([5n, -5n, 0n]);
  });

  it('keeps shared references shared and cycles closed', () => {
    const shared = { n: 1 };
    const list = roundTrip([shared, shared]);
    expect(list[0]).toBe(list[1]);
    const map = new Map<unknown, unknown>();
    map.set('self', map);
    const back = roundTrip(map);
    expect(back.get('self')).toBe(back);
  });

  it('keeps an object of a hundred thousand keys, and one nested as deep', () => {
    const wide = Object.fromEntries(Array.from({ length: 100_000 }, (_, i) => [`k${i}`, i]));
    expect(Object.keys(roundTrip(wide))).toHaveLength(100_000);
    let deep: { inner?: unknown } = {};
    for (let i = 0; i < 100_000; i++) deep = { inner: deep };
    expect(roundTrip(deep)).toHaveProperty('inner');
  });

  it('keeps a key named __proto__ as a key', () => {
    const back = roundTrip(
      JSON.parse('{"__proto__":{"evil":1},"constructor":2,"hasOwnProperty":3}') as object,
    );
    expect(Object.keys(back)).toEqual(['__proto__', 'constructor', 'hasOwnProperty']);
    expect(Object.getPrototypeOf(back)).toBe(Object.prototype);
    expect('evil' in back).toBe(false);
  });
});

describe('bytes', () => {
  it('arrive as the same type of view over a buffer of their own', () => {
    const unaligned = new Uint8Array(new ArrayBuffer(17), 1, 8);
    const back = roundTrip({ pad: 'x', doubles: new Float64Array([1.5, 2.5]), unaligned });
    expect(back.doubles).toBeInstanceOf(Float64Array);
    expect([...back.doubles]).toEqual([1.5, 2.5]);
    expect(back.unaligned.buffer.byteLength).toBe(8);
  });

  it('of a Buffer arrive as Uint8Array, without the pool behind it', () => {
    const back = roundTrip([Buffer.from('abc')]);
    expect(back[0]?.constructor).toBe(Uint8Array);
    expect(back[0]?.buffer.byteLength).toBe(3);
    const nested = roundTrip(new Map([['b', Buffer.from('abc')]])).get('b');
    expect(nested?.constructor).toBe(Uint8Array);
    expect(nested?.buffer.byteLength).toBe(3);
  });

  it('do not share memory with the message they came in', () => {
    const message = encodeValue([new Uint8Array([1, 2, 3])]);
    const [bytes] = decodeValue(message) as [Uint8Array];
    message.fill(0);
    expect([...bytes]).toEqual([1, 2, 3]);
  });

  it('travel raw, not as text', () => {
    expect(encodeValue(new Uint8Array(10_000)).length).toBeLessThan(10_050);
    expect(encodeValue({ view: new Float32Array(2_500), date: new Date() }).length).toBeLessThan(10_100);
  });
});

describe('errors', () => {
  it('of built-in classes arrive as those classes, with message, stack, cause and own properties', () => {
    const error = Object.assign(new TypeError('no', { cause: new RangeError('deeper') }), {
      code: 'E_NO',
      at: [1],
    });
    const back = roundTrip(error);
    expect(back).toBeInstanceOf(TypeError);
    expect(back).toMatchObject({
      name: 'TypeError',
      message: 'no',
      code: 'E_NO',
      at: [1],
      stack: error.stack,
    });
    expect(back.cause).toBeInstanceOf(RangeError);
    expect(Object.keys(back).sort()).toEqual(['at', 'code']);
  });

  it('in an AggregateError all arrive', () => {
    const back = roundTrip(new AggregateError([new TypeError('a'), 'b'], 'both'));
    expect(back).toBeInstanceOf(AggregateError);
    expect(back.errors[0]).toBeInstanceOf(TypeError);
    expect(back.errors[1]).toBe('b');
  });

  it('may be their own cause', () => {
    const error = new Error('loop');
    error.cause = error;
    const back = roundTrip(error);
    expect(back.cause).toBe(back);
  });

  it('of an aborted signal arrive as DOMException', () => {
    const back: unknown = roundTrip(AbortSignal.abort().reason);
    expect(back).toBeInstanceOf(DOMException);
    expect((back as DOMException).name).toBe('AbortError');
  });

  it('of the platform arrive as their class with code, hint and details', () => {
    const error = new FunctionTimeoutError('too slow', { hint: 'Raise timeoutMs.', details: { ms: 5 } });
    const back = roundTrip(error);
    expect(back).toBeInstanceOf(FunctionTimeoutError);
    expect(back).toMatchObject({ code: 'FUNCTION_TIMED_OUT', hint: 'Raise timeoutMs.', details: { ms: 5 } });
    expect(back.retryable).toBe(true);
    const wrapped = roundTrip(new UserCodeError('failed', { cause: new TypeError('inner') }));
    expect(wrapped.cause).toBeInstanceOf(TypeError);
    expect(roundTrip(new InvalidError('bad'))).not.toBeInstanceOf(FunctionTimeoutError);
  });

  it('of a registered class arrive as that class, without running its constructor', () => {
    class OutOfStockError extends Error {
      readonly sku: string;
      constructor(item: { sku: string }) {
        super(`no ${item.sku} left`);
        this.sku = item.sku;
      }
    }
    registerErrorClass('OutOfStockError', OutOfStockError);
    const back = roundTrip(new OutOfStockError({ sku: 'a1' }));
    expect(back).toBeInstanceOf(OutOfStockError);
    expect(back.sku).toBe('a1');
    expect(back.message).toBe('no a1 left');
  });

  it('of an unknown class arrive as a RemoteError that keeps name, message, stack and properties', () => {
    class PaymentError extends Error {
      code = 'E_CARD';
      amount = 5;
    }
    const error = new PaymentError('declined');
    const back: Error = roundTrip(error);
    expect(back).toBeInstanceOf(RemoteError);
    expect(back).toMatchObject({ name: 'PaymentError', message: 'declined', stack: error.stack, amount: 5 });
    expect(back).toMatchObject({ code: 'FUNCTION_FAILED', details: { code: 'E_CARD', amount: 5 } });
  });

  it('of a class unknown on the way arrive whole where the class is known', () => {
    class LateError extends Error {
      code = 'E_LATE';
    }
    const onTheWay = encodeValue(roundTrip(new LateError('late')));
    registerErrorClass('LateError', LateError);
    const back = decodeValue(onTheWay);
    expect(back).toBeInstanceOf(LateError);
    expect(back).toMatchObject({ message: 'late', code: 'E_LATE' });
    expect(back).not.toHaveProperty('details');
  });

  it('of an unknown subclass of a known class arrive as the known class', () => {
    class NarrowError extends RangeError {}
    expect(roundTrip(new NarrowError('n'))).toBeInstanceOf(RangeError);
    class NarrowGantryError extends InvalidError {}
    expect(roundTrip(new NarrowGantryError('n'))).toBeInstanceOf(GantryError);
  });

  it('leave out what cannot be sent instead of failing', () => {
    const error = Object.assign(new Error('http'), {
      config: { url: '/x', transform: [() => 1] },
      socket: process.stdout,
      toJSON: () => ({}),
    });
    const back = roundTrip(error);
    expect(back).toMatchObject({ config: { url: '/x', transform: [undefined] } });
    expect(back).not.toHaveProperty('toJSON');
  });
});

describe('class instances', () => {
  class Point {
    x = 1;
    y = 2;
    get sum() {
      return this.x + this.y;
    }
  }

  it('arrive as plain objects with their own properties', () => {
    const back = roundTrip(new Point());
    expect(back).toStrictEqual({ x: 1, y: 2 });
  });

  it('of a registered class arrive as that class', () => {
    class Money {
      cents = 5;
      get euros() {
        return this.cents / 100;
      }
    }
    registerType('Money', Money);
    const back = roundTrip([new Money()]);
    expect(back[0]).toBeInstanceOf(Money);
    expect(back[0]?.euros).toBe(0.05);
  });

  it('of URL arrive as URL', () => {
    expect(roundTrip(new URL('https://example.org/a?b')).href).toBe('https://example.org/a?b');
  });
});

describe('what cannot be sent', () => {
  it.each([
    ['a function', [{ callback: () => 1 }], '"args[0].callback" is a function'],
    ['a symbol', [[Symbol('s')]], '"args[0][0]" is a symbol'],
    ['a promise', [{ 'odd key': Promise.resolve() }], '"args[0]["odd key"]" is a Promise'],
    ['a weak map', [new Map([['w', new WeakMap()]])], '"args[0].get("w")" is a WeakMap'],
    ['a function in a set', [new Set([() => 1])], '"args[0].values()" is a function'],
    ['a blob', [new Blob(['x'])], '"args[0]" is a Blob'],
  ])('is refused with its path: %s', (_, args, message) => {
    expect(failure(args, 'args').message).toContain(message);
  });

  it('is refused where a getter throws', () => {
    const value = Object.defineProperty({}, 'bad', {
      enumerable: true,
      get() {
        throw new TypeError('boom');
      },
    });
    expect(failure(value).message).toContain('boom');
  });
});

describe('decoding', () => {
  it('of anything but an encoded value is a DeserializationError', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => {
        try {
          decodeValue(bytes);
        } catch (error) {
          expect(error).toMatchObject({ code: 'DESERIALIZATION_FAILED' });
        }
      }),
      { numRuns: 500 },
    );
  });
});
