import ts from 'typescript';

import { isCore, isField, isOfCore } from './type-spec.ts';

// Deepest nesting of types without names of their own that is written out; deeper ones become `unknown`.
const MAX_DEPTH = 12;

/** Types of the language and of the web that mean the same everywhere, and travel. */
const GLOBAL_NAMES = new Set([
  ...[
    'Date',
    'RegExp',
    'URL',
    'Error',
    'ArrayBuffer',
    'Uint8Array',
    'Float32Array',
    'Float64Array',
    'Int32Array',
  ],
  ...['Request', 'Response', 'FormData', 'File', 'Blob', 'Headers'],
]);

/** Names that a declaration would take away from what stands around it. */
const TAKEN_NAMES = new Set([
  ...GLOBAL_NAMES,
  ...['Map', 'Set', 'Promise', 'AsyncGenerator', 'Array', 'Record', 'RemoteFunction', 'Cls'],
]);

/** Types of what is streamed, by their names. */
export const YIELDING = new Set([
  'Generator',
  'IterableIterator',
  'AsyncGenerator',
  'AsyncIterableIterator',
  'AsyncIterable',
]);

/**
 * Writes types as TypeScript that stands alone: what the user gave a name becomes a declaration, and what cannot be
 * told, or does not travel, is `unknown`.
 */
export class TypeWriter {
  /** What the texts name: types by name, in the order in which they were met. */
  readonly declarations = new Map<string, string>();
  readonly #checker: ts.TypeChecker;
  readonly #names = new Map<ts.Type, string>();
  #depth = 0;

  constructor(checker: ts.TypeChecker) {
    this.#checker = checker;
  }

  /**
   * A function as its callers see it, such as `(x: number, scale?: number) => Promise<number>`. With `unlisted`, as those of
   * a batched function see it: they pass one item of each list.
   */
  signature(signature: ts.Signature, at: ts.Node, unlisted: boolean): string {
    const result = this.#result(signature.getReturnType(), unlisted);
    return `(${this.#parameters(signature, at, unlisted).join(', ')}) => ${result}`;
  }

  #parameters(signature: ts.Signature, at: ts.Node, unlisted: boolean): string[] {
    const symbols = signature.getParameters();
    const isOptional = (symbol: ts.Symbol): boolean => {
      const node = symbol.valueDeclaration;
      if (!node || !ts.isParameter(node)) return false;
      return node.questionToken !== undefined || node.initializer !== undefined;
    };
    return symbols.map((symbol, index) => {
      const node = symbol.valueDeclaration;
      const isParameter = node !== undefined && ts.isParameter(node);
      const name = isParameter && !ts.isIdentifier(node.name) ? `arg${index}` : symbol.name;
      const type = this.#checker.getTypeOfSymbolAtLocation(symbol, node ?? at);
      if (isParameter && node.dotDotDotToken) return `...${name}: ${this.#write(type)}`;
      const text = this.#write(unlisted ? this.#itemOf(type) : type);
      if (!isOptional(symbol)) return `${name}: ${text}`;
      // A default in the middle can be asked for by `undefined` alone.
      const mayBeLeftOut = symbols.slice(index).every((later) => isOptional(later) || isRest(later));
      return mayBeLeftOut ? `${name}?: ${withoutUndefined(text)}` : `${name}: ${orUndefined(text)}`;
    });
  }

  #result(type: ts.Type, unlisted: boolean): string {
    const name = isCore(type) ? type.symbol.name : '';
    const [first, second] = name === '' ? [] : this.#checker.getTypeArguments(type as ts.TypeReference);
    if (name === 'Promise' && first) {
      return `Promise<${this.#write(unlisted ? this.#itemOf(first) : first)}>`;
    }
    if (YIELDING.has(name)) {
      const values = first ? this.#write(first) : 'unknown';
      return name.endsWith('Generator') && second
        ? `AsyncGenerator<${values}, ${this.#write(second)}>`
        : `AsyncGenerator<${values}, unknown>`;
    }
    return this.#write(unlisted ? this.#itemOf(type) : type);
  }

  #itemOf(type: ts.Type): ts.Type {
    const list = this.#checker.getNonNullableType(type);
    if (!this.#checker.isArrayType(list)) return type;
    return this.#checker.getTypeArguments(list as ts.TypeReference)[0] ?? type;
  }

  #write(type: ts.Type): string {
    const { flags } = type;
    if (flags & ts.TypeFlags.Void) return 'void';
    if (flags & ts.TypeFlags.Undefined) return 'undefined';
    if (flags & ts.TypeFlags.Null) return 'null';
    if (flags & ts.TypeFlags.Boolean) return 'boolean';
    if (type.isStringLiteral() || type.isNumberLiteral()) return JSON.stringify(type.value);
    if (flags & ts.TypeFlags.BooleanLiteral) return this.#checker.typeToString(type);
    if (flags & ts.TypeFlags.StringLike) return 'string';
    if (flags & ts.TypeFlags.BigIntLike) return 'bigint';
    if (type.isUnion()) return this.#named(type, () => this.#union(type));
    if (flags & ts.TypeFlags.NumberLike) return 'number';
    if (flags & ts.TypeFlags.TypeParameter) return this.#constraint(type);
    if (type.isIntersection()) return this.#intersection(type);
    return flags & ts.TypeFlags.Object ? this.#object(type) : 'unknown';
  }

  #constraint(type: ts.Type): string {
    const constraint = this.#checker.getBaseConstraintOfType(type);
    return constraint && constraint !== type ? this.#write(constraint) : 'unknown';
  }

  #union(type: ts.UnionType): string {
    const parts = new Set(type.types.map((member) => this.#write(member)));
    if (parts.has('unknown')) return 'unknown';
    if (parts.has('true') && parts.has('false')) {
      parts.delete('true');
      parts.delete('false');
      parts.add('boolean');
    }
    const empty = ['null', 'undefined', 'void'].filter((part) => parts.delete(part));
    // The compiler's order is that in which it met them, which other parts of the app change.
    return [...[...parts].sort(), ...empty].join(' | ');
  }

  // `string & { brand }` is a string to everyone but the compiler.
  #intersection(type: ts.IntersectionType): string {
    const primitive = type.types.find((member) => !(member.flags & ts.TypeFlags.Object));
    return primitive ? this.#write(primitive) : this.#named(type, () => this.#fields(type));
  }

  #object(type: ts.Type): string {
    const reference = type as ts.TypeReference;
    if (this.#checker.isArrayType(type)) {
      const [item] = this.#checker.getTypeArguments(reference);
      const text = `${grouped(item ? this.#nested(item) : 'unknown')}[]`;
      return type.symbol.name === 'ReadonlyArray' ? `readonly ${text}` : text;
    }
    if (this.#checker.isTupleType(type)) return this.#tuple(reference);
    if (isCore(type)) return this.#core(reference);
    if (type.getCallSignatures().length > 0 || type.getConstructSignatures().length > 0) return 'unknown';
    return this.#named(type, () => this.#fields(type));
  }

  #tuple(type: ts.TypeReference): string {
    const { elementFlags, readonly } = type.target as ts.TupleType;
    const items = this.#checker.getTypeArguments(type).map((item, index) => {
      const flags = elementFlags[index] ?? ts.ElementFlags.Required;
      const text = this.#nested(item);
      if (flags & ts.ElementFlags.Variable) return `...${grouped(text)}[]`;
      return flags & ts.ElementFlags.Optional ? `${grouped(withoutUndefined(text))}?` : text;
    });
    return `${readonly ? 'readonly ' : ''}[${items.join(', ')}]`;
  }

  #core(type: ts.TypeReference): string {
    const { name } = type.symbol;
    const items = this.#checker.getTypeArguments(type).map((item) => () => this.#nested(item));
    if (name === 'Map') return `Map<${items[0]?.() ?? 'unknown'}, ${items[1]?.() ?? 'unknown'}>`;
    if (name === 'Set') return `Set<${items[0]?.() ?? 'unknown'}>`;
    if (name === 'Buffer') return 'Uint8Array';
    return GLOBAL_NAMES.has(name) ? name : 'unknown';
  }

  #fields(type: ts.Type): string {
    const fields = type
      .getProperties()
      .filter((property) => isField(property))
      .map((property) => this.#field(property));
    const indexes = this.#checker
      .getIndexInfosOfType(type)
      .map(({ keyType, type: value }) => `[key: ${this.#write(keyType)}]: ${this.#nested(value)}`);
    const all = [...fields, ...indexes];
    return all.length === 0 ? '{}' : `{ ${all.join('; ')} }`;
  }

  #field(property: ts.Symbol): string {
    const at = property.valueDeclaration ?? property.declarations?.[0];
    const type = at && this.#checker.getTypeOfSymbolAtLocation(property, at);
    const text = type ? this.#nested(type) : 'unknown';
    const name = /^[A-Za-z_$][\w$]*$/.test(property.name) ? property.name : JSON.stringify(property.name);
    const isOptional = (property.flags & ts.SymbolFlags.Optional) !== 0;
    return isOptional ? `${name}?: ${withoutUndefined(text)}` : `${name}: ${text}`;
  }

  #nested(type: ts.Type): string {
    if (this.#depth >= MAX_DEPTH) return 'unknown';
    this.#depth += 1;
    try {
      return this.#write(type);
    } finally {
      this.#depth -= 1;
    }
  }

  /** The name of a type that the user declared; the text itself for others. */
  #named(type: ts.Type, write: () => string): string {
    const known = this.#names.get(type);
    if (known !== undefined) return known;
    const own = ownName(type);
    if (own === undefined) return this.#depth >= MAX_DEPTH ? 'unknown' : write();
    const name = this.#freeName(own);
    // Named before it is written, since it may name itself.
    this.#names.set(type, name);
    this.declarations.set(name, 'unknown');
    const depth = this.#depth;
    this.#depth = 0;
    this.declarations.set(name, write());
    this.#depth = depth;
    return name;
  }

  #freeName(own: string): string {
    const isTaken = (name: string): boolean => TAKEN_NAMES.has(name) || this.declarations.has(name);
    let name = own;
    for (let count = 2; isTaken(name); count += 1) name = `${own}${count}`;
    return name;
  }
}

/** The name that the user gave a type. */
export function ownName(type: ts.Type): string | undefined {
  const isEnum = (type.flags & ts.TypeFlags.EnumLike) !== 0;
  const isDeclared = (type.symbol?.flags & (ts.SymbolFlags.Interface | ts.SymbolFlags.Class)) !== 0;
  const symbol = type.aliasSymbol ?? (isEnum || isDeclared ? type.symbol : undefined);
  if (!symbol || symbol.name.startsWith('__') || !/^[A-Za-z_$][\w$]*$/.test(symbol.name)) return undefined;
  return isOfCore(symbol) ? undefined : symbol.name;
}

function isRest(symbol: ts.Symbol): boolean {
  const node = symbol.valueDeclaration;
  return node !== undefined && ts.isParameter(node) && node.dotDotDotToken !== undefined;
}

function withoutUndefined(text: string): string {
  return text.replace(/ \| undefined$/, '');
}

function orUndefined(text: string): string {
  return /\bundefined\b/.test(text) ? text : `${text} | undefined`;
}

function grouped(text: string): string {
  return text.includes(' | ') || text.startsWith('readonly ') ? `(${text})` : text;
}
