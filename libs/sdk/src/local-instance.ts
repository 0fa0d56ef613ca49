import { InvalidError } from '@gantry/protocol';

import { asSingle } from './batched.ts';
import { instantiate } from './instantiate.ts';
import { checkParameterTypes } from './parameter-types.ts';
import type { AnyFunction, ClassRegistration } from './registry.ts';

const GENERATORS = new Set(['GeneratorFunction', 'AsyncGeneratorFunction']);

/** An instance of a class in this process, made at the first local call, its `@enter` hooks run once. */
export class LocalInstance {
  readonly #registration: ClassRegistration;
  readonly #parameters: Readonly<Record<string, unknown>>;
  #entered: Promise<Record<string, unknown>> | undefined;

  /** @throws {@link InvalidError} on a parameter that the class does not have, or a value of another type. */
  constructor(registration: ClassRegistration, parameters: Readonly<Record<string, unknown>>) {
    const known = registration.parameters.map((parameter) => parameter.name);
    for (const name of Object.keys(parameters)) {
      if (!known.includes(name)) {
        throw new InvalidError(`class "${registration.name}" has no parameter "${name}"`, {
          hint: `Its parameters: ${known.join(', ') || 'none'}. Mark fields with @parameter().`,
        });
      }
    }
    checkParameterTypes(registration, parameters);
    this.#registration = registration;
    this.#parameters = parameters;
  }

  /** Calls a method with what its callers pass. */
  async call(method: string, args: readonly unknown[]): Promise<unknown> {
    const body: AnyFunction = (...given) => this.callBody(method, given);
    const { batched, name } = this.#registration;
    return (batched ? asSingle(`${name}.${method}`, body) : body)(...(args as never[]));
  }

  /** Calls a method with what its code takes: lists, if it is batched. */
  async callBody(method: string, args: readonly unknown[]): Promise<unknown> {
    this.#entered ??= this.#enter();
    const instance = await this.#entered;
    return (instance[method] as AnyFunction).call(instance, ...(args as never[]));
  }

  /** A method as it was written. */
  raw(method: string): AnyFunction {
    return Reflect.get(this.#registration.target.prototype as object, method) as AnyFunction;
  }

  /** True for a method that is written as a generator. */
  isGenerator(method: string): boolean {
    const fn: unknown = this.raw(method);
    return typeof fn === 'function' && GENERATORS.has(fn.constructor.name);
  }

  /** The values of a generator method; the instance is made when the first one is asked for. */
  async *generate(method: string, args: readonly unknown[]): AsyncGenerator<unknown, unknown, void> {
    return yield* (await this.call(method, args)) as AsyncGenerator<unknown, unknown, void>;
  }

  async #enter(): Promise<Record<string, unknown>> {
    const { name, parameters, enter } = this.#registration;
    const instance = await instantiate(this.#registration);
    Object.assign(instance, this.#parameters);
    for (const parameter of parameters) {
      if (instance[parameter.name] === undefined && !(parameter.name in this.#parameters)) {
        throw new InvalidError(`class "${name}" needs the parameter "${parameter.name}"`, {
          hint: `Pass it: instance(${name}, { ${parameter.name}: ... }).`,
        });
      }
    }
    for (const snap of [true, false]) {
      for (const hook of enter) {
        if (hook.snap === snap) await (instance[hook.name] as AnyFunction).call(instance);
      }
    }
    return instance;
  }
}
