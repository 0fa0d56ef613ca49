import type { Json, ResponseSpec } from '@gantry/protocol';
import ts from 'typescript';

import { docOf, isCore, isField } from './type-spec.ts';
import { ownName, YIELDING } from './type-text.ts';

type Schema = Record<string, Json>;

// Deepest nesting of types without names of their own that is written out; deeper ones are anything.
const MAX_DEPTH = 12;
const BYTES = new Set(['Uint8Array', 'Buffer', 'ArrayBuffer', 'Float32Array', 'Float64Array', 'Int32Array']);
const OCTETS = 'application/octet-stream';

/**
 * Describes what endpoints answer, as JSON Schema of the text that their results become: a `Date` is text, what is undefined is
 * not there, a `Map` is an object.
 */
export class ResponseReader {
  readonly #checker: ts.TypeChecker;

  constructor(checker: ts.TypeChecker) {
    this.#checker = checker;
  }

  /** Undefined for what says of itself what it is: a `Response`, and whatever cannot be told. */
  read(signature: ts.Signature): ResponseSpec | undefined {
    const type = this.#awaited(signature.getReturnType());
    const name = type.symbol?.name ?? '';
    if (isOutside(type) || (type.isUnion() && type.types.some(isOutside))) return undefined;
    if (isCore(type) && BYTES.has(name)) return { contentType: OCTETS };
    if (isCore(type) && YIELDING.has(name)) return this.#stream(type);
    return this.#described('application/json', type);
  }

  #stream(type: ts.Type): ResponseSpec | undefined {
    const [value] = this.#checker.getTypeArguments(type as ts.TypeReference);
    if (!value || isOutside(value)) return undefined;
    if (isCore(value) && BYTES.has(value.symbol.name)) return { contentType: OCTETS };
    if (value.flags & ts.TypeFlags.StringLike)
      return { contentType: 'text/plain', schema: { type: 'string' } };
    return this.#described('application/x-ndjson', value);
  }

  #described(contentType: string, type: ts.Type): ResponseSpec {
    const writer = new SchemaWriter(this.#checker);
    const schema = writer.write(type);
    const components = Object.fromEntries(writer.components);
    return { contentType, schema, ...(writer.components.size > 0 ? { components } : {}) };
  }

  #awaited(type: ts.Type): ts.Type {
    if (!isCore(type) || type.symbol.name !== 'Promise') return type;
    return this.#checker.getTypeArguments(type as ts.TypeReference)[0] ?? type;
  }
}

class SchemaWriter {
  /** What schemas refer to, by name. */
  readonly components = new Map<string, Schema>();
  readonly #checker: ts.TypeChecker;
  readonly #names = new Map<ts.Type, string>();
  #depth = 0;

  constructor(checker: ts.TypeChecker) {
    this.#checker = checker;
  }

  write(type: ts.Type): Schema {
    const { flags } = type;
    if (flags & (ts.TypeFlags.Void | ts.TypeFlags.Undefined | ts.TypeFlags.Null)) return { type: 'null' };
    if (type.isStringLiteral() || type.isNumberLiteral()) return { enum: [type.value] };
    if (flags & ts.TypeFlags.Boolean) return { type: 'boolean' };
    if (flags & ts.TypeFlags.BooleanLiteral) return { enum: [this.#checker.typeToString(type) === 'true'] };
    if (flags & ts.TypeFlags.StringLike) return { type: 'string' };
    // Numbers where they are exact, else text.
    if (flags & ts.TypeFlags.BigIntLike) return { anyOf: [{ type: 'integer' }, { type: 'string' }] };
    if (type.isUnion()) return this.#named(type, () => this.#union(type));
    if (flags & ts.TypeFlags.NumberLike) return { type: 'number' };
    if (flags & ts.TypeFlags.TypeParameter) return this.#constraint(type);
    if (type.isIntersection()) return this.#intersection(type);
    return flags & ts.TypeFlags.Object ? this.#object(type) : {};
  }

  #constraint(type: ts.Type): Schema {
    const constraint = this.#checker.getBaseConstraintOfType(type);
    return constraint && constraint !== type ? this.write(constraint) : {};
  }

  /** Literals make one list, and the compiler's two booleans one type. */
  #union(type: ts.UnionType): Schema {
    const values = new Set<string | number | boolean>();
    const others = new Map<string, Schema>();
    for (const member of type.types) {
      const schema = this.write(member);
      const literals = schema['enum'] as (string | number | boolean)[] | undefined;
      if (literals) for (const value of literals) values.add(value);
      else others.set(JSON.stringify(schema), schema);
    }
    if (others.has('{}')) return {};
    if (values.has(true) && values.has(false)) {
      values.delete(true);
      values.delete(false);
      others.set('boolean', { type: 'boolean' });
    }
    // The compiler's order is that in which it met them, which other parts of the app change.
    const list = [...values].sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1));
    const schemas = [...others].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, schema]) => schema);
    const anyOf = [...(list.length > 0 ? [{ enum: list }] : []), ...schemas];
    return anyOf.length === 1 ? (anyOf[0] ?? {}) : { anyOf };
  }

  // `string & { brand }` is a string to everyone but the compiler.
  #intersection(type: ts.IntersectionType): Schema {
    const primitive = type.types.find((member) => !(member.flags & ts.TypeFlags.Object));
    return primitive ? this.write(primitive) : this.#named(type, () => this.#fields(type));
  }

  #object(type: ts.Type): Schema {
    const reference = type as ts.TypeReference;
    if (this.#checker.isArrayType(type)) {
      const [item] = this.#checker.getTypeArguments(reference);
      return { type: 'array', items: item ? this.#nested(item) : {} };
    }
    if (this.#checker.isTupleType(type)) return this.#tuple(reference);
    if (isCore(type)) return this.#core(reference);
    if (isFunction(type)) return {};
    const json = type.getProperty('toJSON');
    const result = json && this.#signatureOf(json)?.getReturnType();
    if (result && result !== type) return this.#nested(result);
    return this.#named(type, () => this.#fields(type));
  }

  #tuple(type: ts.TypeReference): Schema {
    const { elementFlags, minLength } = type.target as ts.TupleType;
    const items = this.#checker.getTypeArguments(type).map((item) => this.#nested(item));
    if (elementFlags.some((flag) => flag & ts.ElementFlags.Variable))
      return { type: 'array', minItems: minLength };
    return { type: 'array', prefixItems: items, minItems: minLength, maxItems: items.length };
  }

  #core(type: ts.TypeReference): Schema {
    const { name } = type.symbol;
    const item = (index: number): Schema => {
      const found = this.#checker.getTypeArguments(type)[index];
      return found ? this.#nested(found) : {};
    };
    if (name === 'Date') return { type: 'string', format: 'date-time' };
    if (name === 'URL') return { type: 'string', format: 'uri' };
    if (BYTES.has(name)) return { type: 'string', contentEncoding: 'base64' };
    if (name === 'Set') return { type: 'array', items: item(0), uniqueItems: true };
    if (name === 'Map') {
      const isByText = JSON.stringify(item(0)) === '{"type":"string"}';
      return isByText ? { type: 'object', additionalProperties: item(1) } : {};
    }
    if (name !== 'Error') return {};
    const text = { type: 'string' };
    return { type: 'object', properties: { name: text, message: text }, required: ['name', 'message'] };
  }

  #fields(type: ts.Type): Schema {
    const properties: Record<string, Schema> = {};
    const required: string[] = [];
    for (const property of type.getProperties().filter((each) => isField(each))) {
      const at = property.valueDeclaration ?? property.declarations?.[0];
      const declared = at && this.#checker.getTypeOfSymbolAtLocation(property, at);
      if (declared && isFunction(declared)) continue;
      const { value, isOptional } = this.#withoutUndefined(declared);
      const { doc } = docOf(property, this.#checker);
      const schema = value ? this.#nested(value) : {};
      properties[property.name] = doc === undefined ? schema : { ...schema, description: doc };
      if (!isOptional && !(property.flags & ts.SymbolFlags.Optional)) required.push(property.name);
    }
    const [index] = this.#checker.getIndexInfosOfType(type);
    return {
      type: 'object',
      ...(Object.keys(properties).length > 0 ? { properties } : {}),
      ...(required.length > 0 ? { required } : {}),
      ...(index ? { additionalProperties: this.#nested(index.type) } : {}),
    };
  }

  /** What is undefined is left out of JSON. */
  #withoutUndefined(type: ts.Type | undefined): { value: ts.Type | undefined; isOptional: boolean } {
    if (!type?.isUnion()) return { value: type, isOptional: false };
    const isOptional = type.types.some(({ flags }) => flags & ts.TypeFlags.Undefined);
    if (!isOptional) return { value: type, isOptional };
    const hasNull = type.types.some(({ flags }) => flags & ts.TypeFlags.Null);
    const rest = this.#checker.getNonNullableType(type);
    return { value: hasNull ? type : rest, isOptional };
  }

  #signatureOf(property: ts.Symbol): ts.Signature | undefined {
    const at = property.valueDeclaration;
    return at && this.#checker.getTypeOfSymbolAtLocation(property, at).getCallSignatures()[0];
  }

  #nested(type: ts.Type): Schema {
    if (this.#depth >= MAX_DEPTH) return {};
    this.#depth += 1;
    try {
      return this.write(type);
    } finally {
      this.#depth -= 1;
    }
  }

  /** A component for a type that the user declared; the schema itself for others. */
  #named(type: ts.Type, write: () => Schema): Schema {
    const known = this.#names.get(type);
    if (known !== undefined) return refTo(known);
    const own = ownName(type);
    if (own === undefined) return write();
    let name = own;
    for (let count = 2; this.components.has(name); count += 1) name = `${own}${count}`;
    // Named before it is written, since it may name itself.
    this.#names.set(type, name);
    this.components.set(name, {});
    const depth = this.#depth;
    this.#depth = 0;
    const schema = write();
    this.#depth = depth;
    this.components.set(name, schema);
    return refTo(name);
  }
}

function refTo(name: string): Schema {
  return { $ref: `#/components/schemas/${name}` };
}

function isFunction(type: ts.Type): boolean {
  return type.getCallSignatures().length > 0 || type.getConstructSignatures().length > 0;
}

/** What brings its own headers, and what the compiler does not know. */
function isOutside(type: ts.Type): boolean {
  if (type.flags & (ts.TypeFlags.Any | ts.TypeFlags.Unknown | ts.TypeFlags.Never)) return true;
  return isCore(type) && ['Response', 'Blob', 'File', 'ReadableStream'].includes(type.symbol.name);
}
