import { parseText, type ParameterSpec, type TypeSpec } from '@gantry/protocol';

import { missing, type FieldProblem } from './field-problem.ts';
import { checkRules, findRuledClass, ruledProperties, transform, type DtoClass } from './validation.ts';

type ObjectType = Extract<TypeSpec, { type: 'object' }>;
type Place = readonly (string | number)[];

/**
 * Builds arguments from JSON: instances of the user's classes, nested ones and items of arrays included, with
 * dates, bytes and big integers as such. Then `check` runs the classes' rules. An object of no class keeps what its type does not name.
 *
 * A field that has validation rules is judged by them alone; one without is held against its declared type.
 */
export class DtoBuilder {
  readonly problems: FieldProblem[] = [];
  readonly #built: { instance: object; loc: Place }[] = [];

  /** `target` is the class of the value, where known. */
  build(value: unknown, type: TypeSpec, at: { loc: Place; target?: unknown }): unknown {
    if (value === null && type.nullable) return null;
    switch (type.type) {
      case 'object':
        return this.#object(value, type, at);
      case 'array':
        return this.#array(value, type.items, at.loc);
      default:
        return this.#scalar(value, type, at.loc);
    }
  }

  /** Runs the rules of everything built. Problems come out once each, missing fields without further complaints. */
  async check(): Promise<void> {
    for (const { instance, loc } of this.#built) {
      if (ruledProperties(instance.constructor).size === 0) continue;
      for (const problem of await checkRules(instance, loc)) this.#add(problem);
    }
  }

  #add(problem: FieldProblem): void {
    const key = problem.loc.join('\0');
    const isKnown = this.problems.some(
      (other) => other.loc.join('\0') === key && (other.type === 'missing' || other.msg === problem.msg),
    );
    if (!isKnown) this.problems.push(problem);
  }

  #object(value: unknown, type: ObjectType, at: { loc: Place; target?: unknown }): unknown {
    if (type.className === undefined && type.fields.length === 0) return value;
    if (!isPlainObject(value)) {
      this.#add({ loc: [...at.loc], msg: 'Input should be a valid object', type: 'model_attributes_type' });
      return undefined;
    }
    if (type.className === undefined) {
      const copy = { ...value };
      this.#refine(copy, type.fields, { loc: at.loc, target: undefined });
      return copy;
    }
    const names = new Set(type.fields.map(({ name }) => name));
    const target = isDtoClass(at.target) ? at.target : findRuledClass(type.className, names);
    const instance = instantiate(target, value, names);
    this.#refine(instance as Record<string, unknown>, type.fields, { loc: at.loc, target });
    this.#built.push({ instance, loc: at.loc });
    return instance;
  }

  #refine(
    instance: Record<string, unknown>,
    fields: readonly ParameterSpec[],
    at: { loc: Place; target: DtoClass | undefined },
  ): void {
    const ruled = ruledProperties(at.target);
    for (const field of fields) {
      const loc = [...at.loc, field.name];
      const value = instance[field.name];
      if (value === undefined) {
        if (!field.optional) this.#add(missing(...loc));
      } else if (value !== null || !(field.optional || ruled.has(field.name))) {
        const target = at.target && designType(at.target, field.name);
        const refined = ruled.has(field.name)
          ? this.#lenient(value, field.type, { loc, target })
          : this.build(value, field.type, { loc, target });
        if (refined !== undefined) instance[field.name] = refined;
      }
    }
  }

  /** Converts where the value has the right shape, and leaves judging to the field's rules where it has not. */
  #lenient(value: unknown, type: TypeSpec, at: { loc: Place; target?: unknown }): unknown {
    switch (type.type) {
      case 'object':
        return isPlainObject(value) ? this.#object(value, type, at) : value;
      case 'array':
        if (!Array.isArray(value)) return value;
        return value.map(
          (item, index) => this.#lenient(item, type.items, { loc: [...at.loc, index] }) ?? item,
        );
      case 'date':
      case 'bytes':
      case 'bigint': {
        const converted = convertScalar(value, type);
        return converted.ok ? converted.value : value;
      }
      default:
        return value;
    }
  }

  #array(value: unknown, items: TypeSpec, loc: Place): unknown {
    if (!Array.isArray(value)) {
      this.#add({ loc: [...loc], msg: 'Input should be a valid list', type: 'list_type' });
      return undefined;
    }
    return value.map((item, index) => this.build(item, items, { loc: [...loc, index] }));
  }

  #scalar(value: unknown, type: TypeSpec, loc: Place): unknown {
    const converted = convertScalar(value, type);
    if (converted.ok) return converted.value;
    this.#add({ loc: [...loc], msg: converted.message, type: converted.kind });
    return undefined;
  }
}

type Converted = { ok: true; value: unknown } | { ok: false; message: string; kind: string };

function convertScalar(value: unknown, type: TypeSpec): Converted {
  const check = CHECKS[type.type];
  if (check?.(value)) return { ok: true, value };
  switch (type.type) {
    case 'string':
    case 'number':
    case 'integer':
    case 'boolean':
      return refuse(type.type);
    case 'enum':
      return type.values.includes(value as string) ? { ok: true, value } : parseText(String(value), type);
    case 'bigint':
      return typeof value === 'number' ? parseText(String(value), type) : parseIfText(value, type, 'integer');
    case 'date':
      return parseIfText(value, type, 'date');
    case 'bytes':
      return parseIfText(value, type, 'base64 text');
    default:
      return { ok: true, value };
  }
}

/** What needs no conversion. */
const CHECKS: Partial<Record<TypeSpec['type'], (value: unknown) => boolean>> = {
  string: (value) => typeof value === 'string',
  number: (value) => typeof value === 'number',
  integer: (value) => Number.isInteger(value),
  boolean: (value) => typeof value === 'boolean',
  bigint: (value) => typeof value === 'bigint',
  date: (value) => value instanceof Date,
  bytes: (value) => value instanceof Uint8Array,
};

function parseIfText(value: unknown, type: TypeSpec, what: string): Converted {
  return typeof value === 'string' ? parseText(value, type) : refuse(what);
}

function refuse(what: string): Converted {
  return {
    ok: false,
    message: `Input should be a valid ${what}`,
    kind: `${what.split(' ')[0] ?? what}_type`,
  };
}

function isPlainObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isDtoClass(target: unknown): target is DtoClass {
  return typeof target === 'function' && target !== Object && target !== Array;
}

function instantiate(
  target: DtoClass | undefined,
  value: Record<string, unknown>,
  names: ReadonlySet<string>,
): object {
  // The bundle's class-transformer may have built nested instances already.
  if (Object.getPrototypeOf(value) !== Object.prototype) return value;
  if (!target) return pick({}, value, names);
  return transform(target, value) ?? pick(new target(), value, names);
}

/** Copies the declared fields: what a class does not declare never reaches user code. */
function pick(onto: object, plain: Record<string, unknown>, names: ReadonlySet<string>): object {
  const copied = onto as Record<string, unknown>;
  for (const name of names) {
    if (Object.hasOwn(plain, name)) copied[name] = plain[name];
  }
  return copied;
}

/** The class that the compiler wrote down for a property, if it is one of the user's. */
function designType(target: DtoClass, property: string): unknown {
  const { getMetadata } = Reflect as {
    getMetadata?: (key: string, target: object, property: string) => unknown;
  };
  return getMetadata?.('design:type', target.prototype as object, property);
}
