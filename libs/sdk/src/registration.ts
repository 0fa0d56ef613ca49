import { InvalidError } from '@gantry/protocol';

import { membersOf, WEB_DECORATORS, type MemberRecord } from './class-members.ts';
import { clusteringOf } from './clustered.ts';
import { concurrencyOf, modifiersOf } from './modifiers.ts';
import { checkResourceOptions } from './option-checks.ts';
import type { BatchedOptions, ClsOptions, FunctionOptions } from './options.ts';
import type { AnyFunction, BuildSite, ClassRegistration, FunctionRegistration } from './registry.ts';
import { checkScheduleOption, refuseSchedule } from './schedule.ts';

/**
 * Takes `(fn, site?)` or `(options, fn, site?)` apart.
 *
 * @throws {@link InvalidError} if there is no function, or a class in its place.
 */
export function splitFunctionArguments<TOptions extends object>(
  subject: string,
  args: readonly unknown[],
): { options: Partial<TOptions>; fn: AnyFunction; site: BuildSite | undefined } {
  const direct = typeof args[0] === 'function';
  const [options, fn, site] = direct ? [{}, args[0], args[1]] : args;
  if (typeof fn !== 'function') {
    throw new InvalidError(`${subject} needs a function`, {
      hint: `Write ${subject}({}, async () => { ... }).`,
    });
  }
  if (isClass(fn)) {
    throw new InvalidError(`${subject} was given the class "${fn.name}"`, {
      hint: 'Put @app.cls() above the class.',
    });
  }
  return {
    options: options as Partial<TOptions>,
    fn: fn as AnyFunction,
    site: site as BuildSite | undefined,
  };
}

/** Only of those that could be one the text is looked at: V8 has it in the bundle, and makes it anew. */
function isClass(fn: object): boolean {
  const isFixed = Object.getOwnPropertyDescriptor(fn, 'prototype')?.writable === false;
  return isFixed && /^class\b/.test(Function.prototype.toString.call(fn));
}

/** What `app.function` records. Throws {@link InvalidError} on options out of range. */
export function describeFunction(
  given: AnyFunction,
  options: FunctionOptions,
  site: BuildSite | undefined,
): FunctionRegistration {
  const { fn, concurrent, web, batched, clustered } = modifiersOf(given);
  const name = options.name ?? site?.name ?? fn.name;
  const { schedule, ...resources } = options;
  const subject = name === '' ? 'app.function' : `function "${name}"`;
  checkResourceOptions(subject, resources);
  checkScheduleOption(subject, schedule);
  if (batched && web) {
    throw new InvalidError(`function "${name}" is both batched(...) and ${WEB_DECORATORS[web.type]}(...)`, {
      hint: 'Call the batched function from an endpoint of its own: await it.remote(value).',
    });
  }
  return { kind: 'function', name, options, fn, web, concurrent, batched, clustered, site };
}

/** What `@app.cls()` records. Throws {@link InvalidError} on options out of range. */
export function describeClass(
  { target, construct }: Pick<ClassRegistration, 'target' | 'construct'>,
  options: ClsOptions,
  site: BuildSite | undefined,
): ClassRegistration {
  const name = options.name ?? site?.name ?? target.name;
  refuseSchedule(`class "${name}"`, options);
  checkResourceOptions(`class "${name}"`, options);
  if (target.length > 0 && !construct) throw needsConstruct(name);
  const members = membersOf(target);
  const defaults = lazily(() => new target() as Record<string, unknown>);
  return {
    kind: 'class',
    name,
    options,
    target,
    construct,
    methods: members
      .filter((member) => member.method || member.web || member.batched)
      .map(({ name, method, web, batched }) => ({
        name,
        callable: (method ?? false) || batched !== undefined,
        web,
      })),
    enter: members.flatMap(({ name, enter }) => (enter ? [{ name, snap: enter.snap }] : [])),
    exit: members.flatMap(({ name, exit }) => (exit ? [{ name }] : [])),
    parameters: members
      .filter((member) => member.parameter)
      .map(({ name }) => ({
        name,
        // Field initialisers run in the constructor, so only an instance can tell. One with dependencies is not
        // made for that: a build would have to connect to databases.
        get hasDefault() {
          if (construct) return false;
          return defaults()[name] !== undefined;
        },
      })),
    concurrent: concurrencyOf(target),
    batched: batchingOf(name, members),
    clustered: clusteringOf(target),
    site,
  };
}

function needsConstruct(name: string): InvalidError {
  return new InvalidError(
    `the constructor of class "${name}" has parameters, and its app does not say how to make it`,
    {
      hint: 'Write new App(name, { construct: (type) => container.resolve(type) }), or initialise in an @enter() method.',
    },
  );
}

function batchingOf(className: string, members: readonly MemberRecord[]): BatchedOptions | undefined {
  const callable = members.filter((member) => member.method || member.web || member.batched);
  const batching = callable.find((member) => member.batched);
  const other = callable.find((member) => member !== batching);
  if (!batching || !other) return batching?.batched;
  throw new InvalidError(
    `class "${className}" holds "${other.name}" next to the batched method "${batching.name}"`,
    { hint: 'A batched method is the only method of its class: move the other one to a class of its own.' },
  );
}

function lazily<T>(make: () => T): () => T {
  let made: { value: T } | undefined;
  return () => (made ??= { value: make() }).value;
}
