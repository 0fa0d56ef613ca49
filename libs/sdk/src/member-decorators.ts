import { recordMember } from './class-members.ts';
import { assertOnField, assertNoOptions, assertOnMethod, assertParentheses } from './decorator-use.ts';
import type { FieldDecorator, MemberDecorator } from './decorator-use.ts';
import { checkKeys } from './option-checks.ts';

export interface EnterOptions {
  /** Run before the memory snapshot is taken, where snapshots are on. @defaultValue false */
  snap?: boolean;
}

/**
 * Marks a method that runs once when a container starts, before its first input. Hooks of ancestors run
 * first, then in the order of their declaration; those with `snap` before those without.
 *
 * @throws {@link InvalidError} without parentheses, off a method, or together with `@method()`.
 *
 * @example
 * ```ts
 * @enter() async load() { this.model = await loadModel(this.lang); }
 * ```
 */
export function enter(...args: [options?: EnterOptions]): MemberDecorator {
  assertParentheses('enter', args);
  const [options = {}] = args;
  checkKeys('@enter', options, ['snap']);
  return (...use) => {
    assertOnMethod('enter', use);
    recordMember(use[0], { name: use[1], enter: { snap: options.snap ?? false } });
  };
}

/**
 * Marks a method that runs when a container is about to end, for whatever reason. All hooks together have
 * 30 seconds.
 *
 * @throws {@link InvalidError} without parentheses, off a method, or together with `@method()`.
 */
export function exit(...args: []): MemberDecorator {
  assertNoOptions('exit', args, 'Its hooks run in the reverse order of their declaration.');
  return (...use) => {
    assertOnMethod('exit', use);
    recordMember(use[0], { name: use[1], exit: true });
  };
}

/**
 * Marks a method that callers can run: `instance.read.remote(page)`.
 *
 * @throws {@link InvalidError} without parentheses, off a method, twice, or together with a lifecycle hook.
 */
export function method(...args: []): MemberDecorator {
  assertNoOptions(
    'method',
    args,
    'Whether it is a generator is known from its code, or from the type it returns.',
  );
  return (...use) => {
    assertOnMethod('method', use);
    recordMember(use[0], { name: use[1], method: true });
  };
}

/**
 * Marks a field that callers set per instance: `app.instance(Ocr, { lang: 'deu' })`. Each distinct set of
 * values has containers of its own. A field without an initial value is required. Values are strings,
 * numbers, booleans, big integers or bytes, 16 KiB in all, and are never converted.
 *
 * @throws {@link InvalidError} without parentheses or off a field.
 */
export function parameter(...args: []): FieldDecorator {
  assertNoOptions(
    'parameter',
    args,
    "A default is the field's initial value: @parameter() size = 5. What callers do not set is a field without @parameter().",
  );
  return (...use: unknown[]) => {
    assertOnField('parameter', use);
    recordMember(use[0] as object, { name: use[1] as string, parameter: true });
  };
}
