import { describe, expect, it } from 'vitest';

import { App } from './app.ts';
import { parameter } from './member-decorators.ts';

const app = new App('typed');

class Ancestor {
  @parameter() text = '';
}

@app.cls()
class Typed extends Ancestor {
  @parameter() count: number = 0;
  @parameter() isOn: boolean = false;
  @parameter() large: bigint = 0n;
  @parameter() key?: Uint8Array;
  @parameter() size: 'small' | 'large' = 'small';
}

describe('the parameters of an instance', () => {
  it('may have the types of their fields', () => {
    const key = Buffer.from([1]);
    expect(() =>
      app.instance(Typed, { text: 'a', count: 1, isOn: true, large: 2n, key, size: 'large' }),
    ).not.toThrow();
    expect(() => app.instance(Typed, { text: undefined } as never)).not.toThrow();
  });

  it.each([
    ['count', '3', 'must be number, not string'],
    ['count', true, 'must be number, not boolean'],
    ['isOn', 1, 'must be boolean, not number'],
    ['isOn', 'false', 'must be boolean, not string'],
    ['large', 5, 'must be bigint, not number'],
    ['key', 'AQ==', 'must be bytes, not string'],
    ['key', [1], 'must be bytes, not object'],
    ['size', 5, 'must be string, not number'],
    ['count', null, 'must be number, not null'],
    ['count', Number.NaN, 'must be number, not NaN'],
    ['count', Number.POSITIVE_INFINITY, 'must be number, not Infinity'],
  ])('are refused at once where %s is %j: nothing is converted', (name, value, message) => {
    expect(() => app.instance(Typed, { [name]: value } as never)).toThrow(
      `parameter "${name}" of class "Typed" ${message}`,
    );
  });
});
