import { InvalidError } from '@gantry/protocol';
import { afterEach, describe, expect, it } from 'vitest';

import { App } from './app.ts';
import { enter, exit, method, parameter } from './member-decorators.ts';
import { concurrent } from './modifiers.ts';
import { registeredApps, type AnyClass, type ClassRegistration } from './registry.ts';
import { fastapiEndpoint } from './web-decorators.ts';

afterEach(() => {
  registeredApps().length = 0;
});

function registrationOf(target: AnyClass): ClassRegistration {
  for (const { functions } of registeredApps()) {
    const found = functions.find((known) => known.kind === 'class' && known.target === target);
    if (found?.kind === 'class') return found;
  }
  throw new Error('not registered');
}

function hintOf(action: () => unknown): string | undefined {
  try {
    action();
  } catch (error) {
    expect(error).toBeInstanceOf(InvalidError);
    return (error as InvalidError).hint;
  }
  throw new Error('nothing was thrown');
}

describe('a decorated class', () => {
  it('is registered with its hooks, methods, endpoints and parameters', () => {
    const app = new App('ocr');
    @app.cls({ cpu: 1, memoryMiB: 1024 })
    @concurrent({ maxInputs: 8, targetInputs: 4 })
    class Ocr {
      @parameter() lang: string = 'eng';
      @parameter() page!: number;
      @enter() async load() {}
      @enter({ snap: true }) warm() {}
      @method() read() {}
      @fastapiEndpoint({ method: 'POST', docs: true }) async scan() {}
      @method() @fastapiEndpoint() both() {}
      @exit() close() {}
      helper() {}
    }
    const registration = registrationOf(Ocr);
    expect(registration).toMatchObject({
      kind: 'class',
      name: 'Ocr',
      options: { cpu: 1, memoryMiB: 1024 },
      concurrent: { maxInputs: 8, targetInputs: 4 },
      methods: [
        { name: 'read', callable: true, web: undefined },
        { name: 'scan', callable: false, web: { type: 'endpoint', method: 'POST', docs: true } },
        { name: 'both', callable: true, web: { type: 'endpoint', method: 'GET', docs: false } },
      ],
      enter: [
        { name: 'load', snap: false },
        { name: 'warm', snap: true },
      ],
      exit: [{ name: 'close' }],
      parameters: [
        { name: 'lang', hasDefault: true },
        { name: 'page', hasDefault: false },
      ],
    });
  });

  it('takes @concurrent above @app.cls as well', () => {
    const app = new App();
    @concurrent({ maxInputs: 3 })
    @app.cls()
    class Above {
      @method() go() {}
    }
    expect(registrationOf(Above).concurrent).toEqual({ maxInputs: 3 });
  });

  it('inherits members, ancestors first, an override in the place of what it overrides', () => {
    class Ancestor {
      @enter() open() {}
      @method() first() {}
      @method() second() {}
      @parameter() size = 1;
    }
    const app = new App();
    @app.cls()
    class Descendant extends Ancestor {
      @enter() warm() {}
      @fastapiEndpoint() override first() {}
      override second() {}
      @method() third() {}
    }
    const registration = registrationOf(Descendant);
    expect(registration.enter.map((hook) => hook.name)).toEqual(['open', 'warm']);
    expect(registration.methods).toEqual([
      { name: 'first', callable: false, web: { type: 'endpoint', method: 'GET', docs: false } },
      { name: 'second', callable: true, web: undefined },
      { name: 'third', callable: true, web: undefined },
    ]);
    expect(registration.parameters).toMatchObject([{ name: 'size', hasDefault: true }]);
  });

  it('refuses a method under a name that handles of instances use themselves', () => {
    const declare = (): unknown => {
      class Taken {
        @method() withOptions() {}
      }
      return Taken;
    };
    expect(declare).toThrow('a method that is called remotely cannot have the name "withOptions"');
  });

  it('leaves its ancestor as it was', () => {
    const app = new App();
    @app.cls()
    class Ancestor {
      @method() first() {}
    }
    @app.cls()
    class Descendant extends Ancestor {
      @method() second() {}
    }
    expect(registrationOf(Ancestor).methods).toHaveLength(1);
    expect(registrationOf(Descendant).methods).toHaveLength(2);
  });

  it('takes its name from the options, else from the build step, else from itself', () => {
    const app = new App();
    app.cls({ name: 'given' })(class Own {});
    app.cls({}, { name: 'bound', file: 'a.ts', line: 1 })(class Own {});
    app.cls()(class Own {});
    expect(registeredApps()[0]?.functions.map(({ name }) => name)).toEqual(['given', 'bound', 'Own']);
  });
});

describe('invalid use', () => {
  const prototype = class {}.prototype;
  const descriptor = { value: () => undefined };

  it.each([
    ['method', () => Reflect.apply(method, undefined, [prototype, 'read', descriptor])],
    ['enter', () => Reflect.apply(enter, undefined, [prototype, 'read', descriptor])],
    ['exit', () => Reflect.apply(exit, undefined, [prototype, 'read', descriptor])],
    ['parameter', () => Reflect.apply(parameter, undefined, [prototype, 'lang'])],
    ['fastapiEndpoint', () => Reflect.apply(fastapiEndpoint, undefined, [prototype, 'read', descriptor])],
    ['concurrent', () => Reflect.apply(concurrent, undefined, [class {}])],
    ['app.cls', () => Reflect.apply(new App().cls, new App(), [class {}])],
  ])('without parentheses says to write them: @%s', (decorator, use) => {
    expect(hintOf(use)).toBe(`Write @${decorator}().`);
  });

  it.each([
    ['method', method, { isGenerator: true }],
    ['exit', exit, { snap: true }],
    ['parameter', parameter, { default: 'eng' }],
    ['parameter', parameter, { init: false }],
  ])('that takes no options refuses some: @%s', (decorator, use, options) => {
    expect(() => Reflect.apply(use, undefined, [options])).toThrow(`@${decorator}() takes no options`);
  });

  it('of a method as hook and method at once is refused', () => {
    expect(() => {
      class Both {
        @enter() @method() load() {}
      }
      return Both;
    }).toThrow('"load" carries @enter together with @method');
    expect(() => {
      class Both {
        @fastapiEndpoint() @exit() load() {}
      }
      return Both;
    }).toThrow('@exit together with @fastapiEndpoint');
  });

  it('of one decorator twice is refused', () => {
    expect(() => {
      class Twice {
        @method() @method() read() {}
      }
      return Twice;
    }).toThrow('"read" carries @method twice');
  });

  it('off a method or field is refused', () => {
    expect(() => method()(class {}, 'read', descriptor)).toThrow('static member "read"');
    expect(() => method()(prototype, 'read', {})).toThrow('"read", which is no method');
    expect(() => parameter()(class {}, 'lang')).toThrow('no instance field');
    expect(() => Reflect.apply(concurrent({ maxInputs: 1 }), undefined, [prototype, 'm', {}])).toThrow(
      'no class',
    );
  });

  it('as a standard decorator names the compiler option', () => {
    const context = { kind: 'method', name: 'read' };
    const use = () => Reflect.apply(method(), undefined, [() => undefined, context]);
    expect(hintOf(use)).toContain('experimentalDecorators');
  });
});
