import type { ParameterSpec, TypeSpec } from '@gantry/protocol';
import ts from 'typescript';

import { CORE_LIBRARY_FILE } from './core-library.ts';
import { literalValue } from './literal-value.ts';

// Longest chain of nested objects that a manifest describes; deeper ones become `unknown`.
const MAX_DEPTH = 8;

type SimpleType = Exclude<TypeSpec['type'], 'enum' | 'array' | 'object'>;

const GLOBAL_TYPES: Record<string, SimpleType> = {
  Date: 'date',
  Uint8Array: 'bytes',
  Buffer: 'bytes',
  ArrayBuffer: 'bytes',
  Request: 'request',
  FormData: 'form',
  File: 'file',
  Blob: 'file',
};

const UNKNOWN: TypeSpec = { type: 'unknown' };

/** Turns the compiler's types into the manifest's. */
export class TypeReader {
  /** Packages whose declarations were missing for a type that was asked for. */
  readonly missingPackages = new Set<string>();
  readonly #checker: ts.TypeChecker;
  readonly #packageOf: (identifier: ts.Identifier) => string | undefined;

  constructor(checker: ts.TypeChecker, packageOf: (identifier: ts.Identifier) => string | undefined) {
    this.#checker = checker;
    this.#packageOf = packageOf;
  }

  /** The type of a parameter or property. */
  ofDeclaration(symbol: ts.Symbol, at: ts.Node, path: readonly ts.Type[] = []): TypeSpec {
    const type = this.#checker.getTypeOfSymbolAtLocation(symbol, at);
    const declaration = symbol.valueDeclaration;
    const node = declaration && hasType(declaration) ? declaration.type : undefined;
    if (type.flags & ts.TypeFlags.Any && node) return this.#byName(node);
    return this.#convert(type, path);
  }

  // A type from a package that was not followed is `any` here, but Node and the web have names everyone knows.
  #byName(node: ts.TypeNode): TypeSpec {
    if (ts.isArrayTypeNode(node)) return { type: 'array', items: this.#byName(node.elementType) };
    if (!ts.isTypeReferenceNode(node)) return UNKNOWN;
    let name = node.typeName;
    while (ts.isQualifiedName(name)) name = name.left;
    const from = this.#packageOf(name);
    if (from !== undefined) this.missingPackages.add(from);
    const known = Object.hasOwn(GLOBAL_TYPES, name.text) ? GLOBAL_TYPES[name.text] : undefined;
    return known ? { type: known } : UNKNOWN;
  }

  #convert(declared: ts.Type, path: readonly ts.Type[]): TypeSpec {
    const spec = this.#convertValue(this.#checker.getNonNullableType(declared), path);
    return spec.type !== 'unknown' && mayBe(declared, ts.TypeFlags.Null) ? { ...spec, nullable: true } : spec;
  }

  #convertValue(type: ts.Type, path: readonly ts.Type[]): TypeSpec {
    const { flags } = type;
    if (flags & (ts.TypeFlags.Any | ts.TypeFlags.Unknown | ts.TypeFlags.Never)) return UNKNOWN;
    const literals = literalsOf(type);
    if (literals) return { type: 'enum', values: literals };
    if (flags & ts.TypeFlags.StringLike) return { type: 'string' };
    if (flags & ts.TypeFlags.NumberLike) return { type: 'number' };
    if (flags & ts.TypeFlags.BooleanLike) return { type: 'boolean' };
    if (flags & ts.TypeFlags.BigIntLike) return { type: 'bigint' };
    if (flags & ts.TypeFlags.TypeParameter) return this.#constraintOf(type, path);
    if (type.isUnion()) return this.#union(type, path);
    if (type.isIntersection()) return this.#intersection(type, path);
    return flags & ts.TypeFlags.Object ? this.#object(type, path) : UNKNOWN;
  }

  #constraintOf(type: ts.Type, path: readonly ts.Type[]): TypeSpec {
    const constraint = this.#checker.getBaseConstraintOfType(type);
    return constraint && constraint !== type ? this.#convert(constraint, path) : UNKNOWN;
  }

  #union(type: ts.UnionType, path: readonly ts.Type[]): TypeSpec {
    const specs = type.types.map((member) => this.#convert(member, path));
    const [first] = specs;
    const isUniform = first && specs.every((spec) => JSON.stringify(spec) === JSON.stringify(first));
    return isUniform ? first : UNKNOWN;
  }

  // `string & { brand }` is a string to everyone but the compiler.
  #intersection(type: ts.IntersectionType, path: readonly ts.Type[]): TypeSpec {
    const primitive = type.types.find((member) => !(member.flags & ts.TypeFlags.Object));
    return primitive ? this.#convert(primitive, path) : this.#fields(type, path);
  }

  #object(type: ts.Type, path: readonly ts.Type[]): TypeSpec {
    if (this.#checker.isArrayType(type)) {
      const [item] = this.#checker.getTypeArguments(type as ts.TypeReference);
      return { type: 'array', items: item ? this.#convert(item, path) : UNKNOWN };
    }
    if (this.#checker.isTupleType(type)) {
      const items = this.#checker
        .getTypeArguments(type as ts.TypeReference)
        .map((item) => this.#convert(item, path));
      const isUniform = items.every((item) => JSON.stringify(item) === JSON.stringify(items[0]));
      return { type: 'array', items: (isUniform ? items[0] : undefined) ?? UNKNOWN };
    }
    const name = type.symbol?.name ?? '';
    if (isCore(type))
      return Object.hasOwn(GLOBAL_TYPES, name) ? { type: GLOBAL_TYPES[name] ?? 'unknown' } : UNKNOWN;
    if (type.getCallSignatures().length > 0) return UNKNOWN;
    return this.#fields(type, path);
  }

  #fields(type: ts.Type, path: readonly ts.Type[]): TypeSpec {
    if (path.includes(type) || path.length >= MAX_DEPTH) return UNKNOWN;
    const properties = type.getProperties().filter((property) => isField(property));
    if (properties.length === 0 && this.#checker.getIndexInfosOfType(type).length > 0) return UNKNOWN;
    const fields = properties.map((property) => this.#field(property, [...path, type]));
    const isNamedClass = type.isClass() && type.symbol.name !== '__class';
    return { type: 'object', ...(isNamedClass ? { className: type.symbol.name } : {}), fields };
  }

  #field(property: ts.Symbol, path: readonly ts.Type[]): ParameterSpec {
    const declaration = property.valueDeclaration;
    const at = declaration ?? property.declarations?.[0];
    const type = at ? this.ofDeclaration(property, at, path) : UNKNOWN;
    const isInteger =
      type.type === 'number' && declaration !== undefined && hasDecorator(declaration, 'IsInt');
    return {
      name: property.name,
      type: isInteger ? { type: 'integer' } : type,
      ...optionality(property, declaration, at && this.#checker.getTypeOfSymbolAtLocation(property, at)),
      ...docOf(property, this.#checker),
    };
  }
}

/** Whether a parameter or property may be left out, or be undefined, and its literal default. */
export function optionality(
  symbol: ts.Symbol,
  declaration: ts.Declaration | undefined,
  type: ts.Type | undefined,
): Pick<ParameterSpec, 'optional' | 'defaultValue'> {
  const initializer = declaration && hasInitializer(declaration) ? declaration.initializer : undefined;
  // For a property the symbol knows better: `Required<…>` takes the mark away, `Partial<…>` adds one.
  const isMarked =
    declaration !== undefined && ts.isParameter(declaration) && declaration.questionToken !== undefined;
  const optional =
    isMarked ||
    initializer !== undefined ||
    (symbol.flags & ts.SymbolFlags.Optional) !== 0 ||
    (type !== undefined && mayBe(type, ts.TypeFlags.Undefined));
  const defaultValue = initializer ? literalValue(initializer) : undefined;
  return defaultValue === undefined ? { optional } : { optional, defaultValue };
}

/** The JSDoc text of a symbol, as an object to spread. */
export function docOf(symbol: ts.Symbol | undefined, checker: ts.TypeChecker): { doc?: string } {
  const doc = ts.displayPartsToString(symbol?.getDocumentationComment(checker)).trim();
  return doc === '' ? {} : { doc };
}

function mayBe(type: ts.Type, flag: ts.TypeFlags.Null | ts.TypeFlags.Undefined): boolean {
  return type.isUnion() && type.types.some(({ flags }) => (flags & flag) !== 0);
}

function literalsOf(type: ts.Type): (string | number)[] | undefined {
  const members = type.isUnion() ? type.types : [type];
  const values: (string | number)[] = [];
  for (const member of members) {
    if (!member.isStringLiteral() && !member.isNumberLiteral()) return undefined;
    values.push(member.value);
  }
  return values;
}

/** True for a type that the language gives, such as `Date`. */
export function isCore(type: ts.Type): boolean {
  // A mapped type such as `Omit<…>` is declared in the library, too, but its fields are the user's.
  if (!(type.symbol?.flags & (ts.SymbolFlags.Interface | ts.SymbolFlags.Class))) return false;
  return isOfCore(type.symbol);
}

/** True for a name that the core library declares. */
export function isOfCore(symbol: ts.Symbol): boolean {
  return symbol.declarations?.some((node) => node.getSourceFile().fileName === CORE_LIBRARY_FILE) ?? false;
}

/** True for a property that holds a value and that others see. */
export function isField(property: ts.Symbol): boolean {
  const node = property.valueDeclaration ?? property.declarations?.[0];
  if (!node || !(property.flags & ts.SymbolFlags.Property) || ts.isMethodSignature(node)) return false;
  const hidden = ts.ModifierFlags.Private | ts.ModifierFlags.Protected | ts.ModifierFlags.Static;
  return (ts.getCombinedModifierFlags(node) & hidden) === 0 && !property.name.startsWith('#');
}

function hasDecorator(node: ts.Declaration, name: string): boolean {
  const decorators = ts.canHaveDecorators(node) ? (ts.getDecorators(node) ?? []) : [];
  return decorators.some(({ expression }) => {
    const callee = ts.isCallExpression(expression) ? expression.expression : expression;
    return ts.isIdentifier(callee) && callee.text === name;
  });
}

function hasType(node: ts.Declaration): node is ts.Declaration & { type?: ts.TypeNode } {
  return 'type' in node;
}

function hasInitializer(node: ts.Declaration): node is ts.Declaration & { initializer?: ts.Expression } {
  return 'initializer' in node;
}
