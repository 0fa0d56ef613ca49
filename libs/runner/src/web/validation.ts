import type { ValidationError } from 'class-validator';

import type { FieldProblem } from './field-problem.ts';

// The user's bundle carries its own copies of class-validator and class-transformer, apart from the runner's.
// - class-validator keeps its rules on `globalThis`, so one copy's `validate` sees the rules of the other.
// - class-transformer keeps its own in a module variable: the runner's copy would never see a `@Type()` of the
//   bundle's. So the runner builds instances itself, from the manifest's types (see dto.ts), and uses the
//   bundle's `plainToInstance` where the bundle offers it under `Symbol.for('gantry.validation')`.

/** A class that can be built without arguments, as DTO classes can. */
export type DtoClass = new () => object;

type Validate = (target: object, options: object) => Promise<ValidationError[]>;

interface BundleValidation {
  validate?: Validate;
  plainToInstance?: (target: DtoClass, plain: object, options: object) => object;
}

/** One rule of a property, as its decorator wrote it down. */
export interface Rule {
  /** Such as `min`; undefined for rules of the user's own. */
  name?: string | undefined;
  constraints?: unknown[] | undefined;
  /** It holds for each item of a list. */
  each?: boolean | undefined;
}

interface RuleStorage {
  readonly validationMetadatas?: Map<unknown, readonly { propertyName: string }[]>;
  getTargetValidationMetadatas(
    target: unknown,
    schema: string,
    always: boolean,
    strict: boolean,
  ): (Rule & { propertyName: string })[];
}

/** Under this symbol of `globalThis` a bundle may offer its own `validate` and `plainToInstance`. */
export const BUNDLE_VALIDATION: unique symbol = Symbol.for('gantry.validation') as never;

const globals = globalThis as {
  [BUNDLE_VALIDATION]?: BundleValidation;
  classValidatorMetadataStorage?: RuleStorage;
};

const VALIDATE_OPTIONS = { forbidUnknownValues: false, validationError: { target: false, value: false } };

/**
 * Loads the validator ahead of need. It is large, so nothing loads it before an endpoint has a class to check;
 * a runner that waits for work may.
 */
export async function preloadValidation(): Promise<void> {
  await loadValidate();
}

async function loadValidate(): Promise<Validate> {
  return globals[BUNDLE_VALIDATION]?.validate ?? (await import('class-validator')).validate;
}

/** An instance of the class with the plain object's data: by the bundle's class-transformer, else undefined. */
export function transform(target: DtoClass, plain: object): object | undefined {
  return globals[BUNDLE_VALIDATION]?.plainToInstance?.(target, plain, { exposeDefaultValues: true });
}

/** Names of the properties of a class that have validation rules, inherited ones included. */
export function ruledProperties(target: unknown): ReadonlySet<string> {
  return new Set(allRules(target).map(({ propertyName }) => propertyName));
}

/** The rules of a property of a class, inherited ones included. */
export function rulesOf(target: unknown, property: string): Rule[] {
  return allRules(target).filter(({ propertyName }) => propertyName === property);
}

function allRules(target: unknown): (Rule & { propertyName: string })[] {
  if (typeof target !== 'function') return [];
  return globals.classValidatorMetadataStorage?.getTargetValidationMetadatas(target, '', false, false) ?? [];
}

/**
 * The class with validation rules that a type's name means, when nothing points at the class itself: items of an
 * array. Of several classes with one name, the one whose rules fit the fields.
 */
export function findRuledClass(className: string, fieldNames: ReadonlySet<string>): DtoClass | undefined {
  let best: { target: DtoClass; rules: number } | undefined;
  for (const [target, rules] of globals.classValidatorMetadataStorage?.validationMetadatas ?? []) {
    if (typeof target !== 'function' || !isNamed(target.name, className)) continue;
    if (!rules.every(({ propertyName }) => fieldNames.has(propertyName))) continue;
    if (!best || rules.length > best.rules) best = { target: target as DtoClass, rules: rules.length };
  }
  return best?.target;
}

// Bundlers tell classes of one name apart by a suffix.
function isNamed(name: string, className: string): boolean {
  return name === className || name.startsWith(`${className}$`);
}

/** Runs the rules of an instance's class; the problems carry their place below `loc`. */
export async function checkRules(
  instance: object,
  loc: readonly (string | number)[],
): Promise<FieldProblem[]> {
  const validate = await loadValidate();
  const errors = await validate(instance, VALIDATE_OPTIONS);
  return errors.flatMap((error) => flatten(error, loc));
}

function flatten(error: ValidationError, loc: readonly (string | number)[]): FieldProblem[] {
  const place = [...loc, /^\d+$/.test(error.property) ? Number(error.property) : error.property];
  const own = Object.entries(error.constraints ?? {}).map(([type, msg]) => ({ loc: place, msg, type }));
  return [...own, ...(error.children ?? []).flatMap((child) => flatten(child, place))];
}
