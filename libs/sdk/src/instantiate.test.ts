import { describe, expect, it } from 'vitest';

import { App } from './app.ts';
import { enter, method, parameter } from './member-decorators.ts';

class Greeting {
  readonly word = 'Moin';
}

describe('an app that says how its instances are made', () => {
  it('makes them for local calls too; parameters come after, hooks last', async () => {
    const app = new App('desks', { construct: (type) => new type(new Greeting()) });
    @app.cls()
    class Desk {
      @parameter() name: string = 'nobody';
      readonly #greeting: Greeting;
      text = '';
      constructor(greeting: Greeting) {
        this.#greeting = greeting;
      }
      @enter() prepare() {
        this.text = `${this.#greeting.word} ${this.name}`;
      }
      @method() async say(): Promise<string> {
        return this.text;
      }
    }
    expect(await app.instance(Desk, { name: 'Ada' }).say.local()).toBe('Moin Ada');
  });

  it('may make them in its own time, and is told when it makes none', async () => {
    let made: unknown = undefined;
    const app = new App('desks', { construct: async () => made as object });
    @app.cls()
    class Desk {
      @method() async say(): Promise<string> {
        return 'original';
      }
    }
    await expect(app.instance(Desk).say.local()).rejects.toThrow(
      'construct made no instance of class "Desk", but undefined',
    );
    made = { say: () => 'stand-in' };
    expect(await app.instance(Desk).say.local()).toBe('stand-in');
  });

  it('is needed where a constructor has parameters', () => {
    const app = new App('desks');
    expect(() => {
      @app.cls()
      class Desk {
        readonly size: number;
        constructor(size: number) {
          this.size = size;
        }
      }
      return Desk;
    }).toThrow('the constructor of class "Desk" has parameters, and its app does not say how to make it');
    expect(() => new App('desks', { construct: 5 as never })).toThrow('construct must be a function');
  });
});
