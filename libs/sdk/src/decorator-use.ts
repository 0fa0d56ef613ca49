import { InvalidError } from '@gantry/protocol';

/** Decorates a method. */
export type MemberDecorator = (target: object, name: string, descriptor: PropertyDescriptor) => void;

/** Decorates a field. */
export type FieldDecorator = (target: object, name: string) => void;

/**
 * Refuses `@method` where `@method()` is meant: the decorator's factory then gets what the decorator should.
 *
 * @throws {@link InvalidError}
 */
export function assertParentheses(decorator: string, args: readonly unknown[]): void {
  const [first] = args;
  if (args.length > 1 || typeof first === 'function' || isDecoratorContext(args[1])) {
    throw new InvalidError(`@${decorator} lacks its parentheses`, { hint: `Write @${decorator}().` });
  }
}

/** Refuses options where there are none, so that none is overlooked in silence. */
export function assertNoOptions(decorator: string, args: readonly unknown[], hint: string): void {
  assertParentheses(decorator, args);
  if (args[0] !== undefined) throw new InvalidError(`@${decorator}() takes no options`, { hint });
}

/** Refuses a member decorator on anything but an instance method. */
export function assertOnMethod(decorator: string, args: readonly unknown[]): void {
  const [target, name, descriptor] = args;
  assertLegacyDecorators(decorator, args);
  if (typeof target === 'function') {
    const what = name === undefined ? 'a class' : `the static member "${String(name)}"`;
    throw new InvalidError(`@${decorator}() stands on ${what}`, { hint: 'Put it on an instance method.' });
  }
  if (
    typeof name !== 'string' ||
    typeof (descriptor as PropertyDescriptor | undefined)?.value !== 'function'
  ) {
    throw new InvalidError(`@${decorator}() stands on "${String(name)}", which is no method`, {
      hint: 'Put it on a method with a plain name, not on a field, accessor or symbol.',
    });
  }
}

/** Refuses a field decorator on anything but an instance field. */
export function assertOnField(decorator: string, args: readonly unknown[]): void {
  const [target, name, descriptor] = args;
  assertLegacyDecorators(decorator, args);
  if (typeof target === 'function' || typeof name !== 'string' || descriptor !== undefined) {
    throw new InvalidError(`@${decorator}() stands on "${String(name)}", which is no instance field`, {
      hint: 'Write: @parameter() lang: string = "eng";',
    });
  }
}

/** Refuses a class decorator on anything but a class. */
export function assertOnClass(decorator: string, args: readonly unknown[]): void {
  const [target, name] = args;
  assertLegacyDecorators(decorator, args);
  if (typeof target !== 'function' || name !== undefined) {
    throw new InvalidError(`@${decorator} stands on "${String(name)}", which is no class`, {
      hint: 'Put it above the class; it holds for all methods.',
    });
  }
}

function assertLegacyDecorators(decorator: string, args: readonly unknown[]): void {
  if (!isDecoratorContext(args[1])) return;
  throw new InvalidError(`@${decorator} was compiled as a standard decorator`, {
    hint: 'Set "experimentalDecorators": true in tsconfig.json.',
  });
}

function isDecoratorContext(value: unknown): boolean {
  return typeof value === 'object' && value !== null && 'kind' in value;
}
