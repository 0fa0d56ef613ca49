import { SerializationError } from './errors.ts';
import { describeError } from './error-values.ts';
import { handleState, type HandleState } from './handles.ts';
import { travelName } from './known-classes.ts';
import { isPlainText } from './plain-value.ts';

// The form of values that CBOR alone cannot carry: an array whose item 0 is the slot of the value itself and
// whose other items are the nodes, one per object met.
//
// Invariants
//   G1. A slot is a primitive that CBOR carries, or an array: `[n]` refers to node n, `[kind, data]` is a
//       primitive that CBOR does not carry.
//   G2. A node is an array that starts with its kind; the first meeting of an object makes its node, later
//       ones refer to it, so cycles and shared references survive.
//   G3. Neither lowering nor reviving recurses, so depth is bounded by memory alone.

/** Kinds of nodes. */
export const NODE = {
  object: 0,
  array: 1,
  sparseArray: 2,
  map: 3,
  set: 4,
  date: 5,
  regExp: 6,
  view: 7,
  buffer: 8,
  boxed: 9,
  error: 10,
  instance: 11,
  url: 12,
  handle: 13,
} as const;

/** Kinds of primitives that need help. */
export const PRIMITIVE = { bigint: 0, negativeZero: 1, text: 2 } as const;

export type GraphNode = unknown[];

/** Turns any value into a graph of arrays, numbers, text and bytes. */
export function lowerValue(value: unknown, name: string): unknown[] {
  return new Lowering(name).lower(value);
}

interface Meeting {
  readonly value: object;
  readonly node: GraphNode;
  readonly parent: Meeting | undefined;
  /** How the parent names it, such as `.callback` or `[0]`. */
  readonly step: string;
  /** Inside an error: what cannot travel is left out instead of refused. */
  readonly lenient: boolean;
  /** What it travels as, in place of its fields. */
  readonly handle: HandleState | undefined;
}

/** Classes, by their tag, whose state cannot leave the process. */
const REFUSED = new Set(
  (
    'Promise WeakMap WeakSet WeakRef FinalizationRegistry Generator AsyncGenerator SharedArrayBuffer Blob File ' +
    'FormData Headers Request Response ReadableStream WritableStream TransformStream AbortSignal ' +
    'AbortController MessagePort WebSocket'
  ).split(' '),
);

class Lowering {
  readonly #name: string;
  readonly #nodes: unknown[] = [undefined];
  readonly #numbers = new Map<object, number>();
  readonly #waiting: Meeting[] = [];

  constructor(name: string) {
    this.#name = name;
  }

  lower(value: unknown): unknown[] {
    this.#nodes[0] = this.#slot(value, undefined, '');
    for (let meeting = this.#waiting.pop(); meeting; meeting = this.#waiting.pop()) this.#fill(meeting);
    return this.#nodes;
  }

  #slot(value: unknown, parent: Meeting | undefined, step: string): unknown {
    switch (typeof value) {
      case 'string':
        return isPlainText(value) ? value : [PRIMITIVE.text, textBytes(value)];
      case 'number':
        return Object.is(value, -0) ? [PRIMITIVE.negativeZero, 0] : value;
      case 'bigint':
        return [PRIMITIVE.bigint, value.toString(16)];
      case 'function':
      case 'symbol':
        return this.#refuse(`a ${typeof value}`, parent, step);
      case 'object':
        return value === null ? null : this.#reference(value, parent, step);
      default:
        return value;
    }
  }

  #reference(value: object, parent: Meeting | undefined, step: string): unknown {
    const known = this.#numbers.get(value);
    if (known !== undefined) return [known];
    const tag = Object.prototype.toString.call(value).slice(8, -1);
    if (REFUSED.has(tag)) return this.#refuse(`a ${tag}`, parent, step);
    const handle = handleState(value);
    if (handle === null) return this.#refuse(`of the class "${value.constructor.name}"`, parent, step);
    if (parent?.lenient && isEmitter(value)) return undefined;
    const node: GraphNode = [];
    const lenient = parent?.lenient === true || value instanceof Error;
    const number = this.#nodes.push(node) - 1;
    this.#numbers.set(value, number);
    this.#waiting.push({ value, node, parent, step, lenient, handle });
    return [number];
  }

  #fill(meeting: Meeting): void {
    const { value, node } = meeting;
    if (Array.isArray(value)) this.#fillArray(value, meeting);
    else if (value instanceof Map) this.#fillMap(value, meeting);
    else if (value instanceof Set) this.#fillSet(value, meeting);
    else if (value instanceof Date) node.push(NODE.date, value.getTime());
    else if (value instanceof RegExp)
      node.push(NODE.regExp, this.#slot(value.source, meeting, ''), value.flags);
    else if (ArrayBuffer.isView(value)) node.push(NODE.view, viewType(value), viewBytes(value));
    else if (value instanceof ArrayBuffer) node.push(NODE.buffer, new Uint8Array(value));
    else if (value instanceof Error) this.#fillError(value, meeting);
    else if (value instanceof URL) node.push(NODE.url, value.href);
    else if (meeting.handle) this.#fillHandle(meeting.handle, meeting);
    else if (isBoxed(value)) node.push(NODE.boxed, this.#slot(value.valueOf(), meeting, ''));
    else this.#fillObject(value, meeting);
  }

  #fillHandle({ kind, state }: HandleState, meeting: Meeting): void {
    meeting.node.push(NODE.handle, kind, lowerValue(state, this.#name));
  }

  #fillObject(value: object, meeting: Meeting): void {
    if (isRecord(value)) meeting.node.push(NODE.object);
    else meeting.node.push(NODE.instance, travelName(value.constructor));
    for (const key of Object.keys(value)) this.#pushProperty(key, Reflect.get(value, key), meeting);
  }

  #pushProperty(key: string, value: unknown, meeting: Meeting): void {
    meeting.node.push(this.#slot(key, meeting, ''), this.#slot(value, meeting, propertyStep(key)));
  }

  #fillArray(value: unknown[], meeting: Meeting): void {
    const indexes = Object.keys(value).filter((key) => /^\d+$/.test(key));
    if (indexes.length === value.length) {
      meeting.node.push(NODE.array);
      for (let i = 0; i < value.length; i++) meeting.node.push(this.#slot(value[i], meeting, `[${i}]`));
      return;
    }
    meeting.node.push(NODE.sparseArray, value.length);
    for (const index of indexes) {
      meeting.node.push(Number(index), this.#slot(value[Number(index)], meeting, `[${index}]`));
    }
  }

  #fillMap(value: ReadonlyMap<unknown, unknown>, meeting: Meeting): void {
    meeting.node.push(NODE.map);
    for (const [key, item] of value) {
      const label = typeof key === 'string' ? JSON.stringify(key) : String(typeof key);
      meeting.node.push(this.#slot(key, meeting, `.keys()`), this.#slot(item, meeting, `.get(${label})`));
    }
  }

  #fillSet(value: ReadonlySet<unknown>, meeting: Meeting): void {
    meeting.node.push(NODE.set);
    for (const item of value) meeting.node.push(this.#slot(item, meeting, '.values()'));
  }

  #fillError(value: Error, meeting: Meeting): void {
    const { classNames, name, message, stack, properties } = describeError(value);
    meeting.node.push(NODE.error, classNames);
    for (const text of [name, message, stack]) meeting.node.push(this.#slot(text, meeting, ''));
    for (const [key, property] of properties) {
      if (typeof property !== 'function' && typeof property !== 'symbol') {
        this.#pushProperty(key, property, meeting);
      }
    }
  }

  #refuse(what: string, parent: Meeting | undefined, step: string): undefined {
    if (parent?.lenient) return undefined;
    let path = step;
    for (let meeting = parent; meeting; meeting = meeting.parent) path = meeting.step + path;
    throw new SerializationError(`"${this.#name}${path}" is ${what} and cannot be sent`, {
      hint: 'Send plain data, or an id that the other side looks up.',
      details: { path: `${this.#name}${path}` },
    });
  }
}

/** Sockets, streams and requests hang on errors of HTTP clients; they would drag half the process along. */
function isEmitter(value: object): boolean {
  return typeof Reflect.get(value, 'emit') === 'function' || typeof Reflect.get(value, 'pipe') === 'function';
}

/** True for `{…}` of this or another realm, and for objects without a prototype. */
function isRecord(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}

function isBoxed(value: object): boolean {
  return (
    value instanceof Number || value instanceof String || value instanceof Boolean || value instanceof BigInt
  );
}

function propertyStep(key: string): string {
  return /^[\p{ID_Start}$_][\p{ID_Continue}$]*$/u.test(key) ? `.${key}` : `[${JSON.stringify(key)}]`;
}

function viewType(view: ArrayBufferView): string {
  // A Buffer, or a user's subclass, arrives as the standard class below it.
  return view instanceof DataView ? 'DataView' : (view as Uint8Array)[Symbol.toStringTag];
}

function viewBytes(view: ArrayBufferView): Uint8Array {
  return new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
}

function textBytes(text: string): Uint8Array {
  const units = Uint16Array.from({ length: text.length }, (_, index) => text.charCodeAt(index));
  return new Uint8Array(units.buffer);
}
