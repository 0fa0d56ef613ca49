import { DeserializationError } from './errors.ts';
import { reviveError, restoreProperties } from './error-values.ts';
import { reviveHandle } from './handles.ts';
import { knownClass } from './known-classes.ts';
import { NODE, PRIMITIVE, type GraphNode } from './value-graph.ts';

/** Rebuilds the value that `lowerValue` turned into a graph. */
export function reviveValue(graph: unknown): unknown {
  if (!Array.isArray(graph)) throw new DeserializationError('the value is no graph');
  return new Revival(graph as unknown[]).revive();
}

type Filler = (shell: never, node: GraphNode, revival: Revival) => void;

class Revival {
  readonly #graph: readonly unknown[];
  readonly #values: unknown[] = [];

  constructor(graph: readonly unknown[]) {
    this.#graph = graph;
  }

  // Shells first, so that every slot of every node has its object, whichever way it points.
  revive(): unknown {
    for (let i = 1; i < this.#graph.length; i++) this.#values[i] = this.#shell(this.#graph[i] as GraphNode);
    for (let i = 1; i < this.#graph.length; i++) {
      const node = this.#graph[i] as GraphNode;
      FILLERS[node[0] as number]?.(this.#values[i] as never, node, this);
    }
    return this.slot(this.#graph[0]);
  }

  slot(slot: unknown): unknown {
    if (!Array.isArray(slot)) return slot;
    if (slot.length === 1) return this.#values[slot[0] as number];
    const [kind, data] = slot as [number, unknown];
    if (kind === PRIMITIVE.bigint) return toBigInt(data as string);
    if (kind === PRIMITIVE.negativeZero) return -0;
    if (kind === PRIMITIVE.text) return toText(data as Uint8Array);
    throw new DeserializationError(`the value holds a primitive of the unknown kind ${kind}`, {
      hint: 'Both sides must run the same version of Gantry.',
    });
  }

  #shell(node: GraphNode): unknown {
    switch (node[0]) {
      case NODE.object:
        return {};
      case NODE.array:
        return [];
      case NODE.sparseArray:
        return new Array(node[1] as number);
      case NODE.map:
        return new Map();
      case NODE.set:
        return new Set();
      case NODE.error:
        return this.#error(node);
      case NODE.instance:
        return Object.create(
          (knownClass(node[1] as string)?.prototype as object | undefined) ?? Object.prototype,
        );
      default:
        return this.#leaf(node);
    }
  }

  #leaf(node: GraphNode): unknown {
    switch (node[0]) {
      case NODE.date:
        return new Date(node[1] as number);
      case NODE.regExp:
        return new RegExp(this.slot(node[1]) as string, node[2] as string);
      case NODE.view:
        return toView(node[1] as string, node[2] as Uint8Array);
      case NODE.buffer:
        return exactBuffer(node[1] as Uint8Array);
      case NODE.boxed:
        return Object(this.slot(node[1]));
      case NODE.url:
        return new URL(node[1] as string);
      case NODE.handle:
        return reviveHandle({ kind: node[1] as string, state: reviveValue(node[2]) });
      default:
        throw new DeserializationError(`the value holds an object of the unknown kind ${String(node[0])}`, {
          hint: 'Both sides must run the same version of Gantry.',
        });
    }
  }

  #error(node: GraphNode): Error {
    return reviveError({
      classNames: node[1] as string[],
      name: this.slot(node[2]) as string,
      message: this.slot(node[3]) as string,
      stack: this.slot(node[4]) as string | undefined,
    });
  }
}

const FILLERS: Partial<Record<number, Filler>> = {
  [NODE.object]: (shell: object, node, revival) => fillProperties(shell, node.slice(1), revival),
  [NODE.instance]: (shell: object, node, revival) => fillProperties(shell, node.slice(2), revival),
  [NODE.array]: (shell: unknown[], node, revival) => {
    for (let i = 1; i < node.length; i++) shell.push(revival.slot(node[i]));
  },
  [NODE.sparseArray]: (shell: unknown[], node, revival) => {
    for (let i = 2; i < node.length; i += 2) shell[node[i] as number] = revival.slot(node[i + 1]);
  },
  [NODE.map]: (shell: Map<unknown, unknown>, node, revival) => {
    for (let i = 1; i < node.length; i += 2) shell.set(revival.slot(node[i]), revival.slot(node[i + 1]));
  },
  [NODE.set]: (shell: Set<unknown>, node, revival) => {
    for (let i = 1; i < node.length; i++) shell.add(revival.slot(node[i]));
  },
  [NODE.error]: (shell: Error, node, revival) => {
    const properties: [string, unknown][] = [];
    for (let i = 5; i < node.length; i += 2) {
      properties.push([revival.slot(node[i]) as string, revival.slot(node[i + 1])]);
    }
    restoreProperties(shell, properties);
  },
};

function fillProperties(shell: object, entries: unknown[], revival: Revival): void {
  for (let i = 0; i < entries.length; i += 2) {
    // Defined, not assigned: a key may be `__proto__`, and a class may have setters.
    Object.defineProperty(shell, revival.slot(entries[i]) as string, {
      value: revival.slot(entries[i + 1]),
      enumerable: true,
      writable: true,
      configurable: true,
    });
  }
}

function toBigInt(hex: string): bigint {
  return hex.startsWith('-') ? -BigInt(`0x${hex.slice(1)}`) : BigInt(`0x${hex}`);
}

function toText(bytes: Uint8Array): string {
  let text = '';
  for (const unit of new Uint16Array(exactBuffer(bytes))) text += String.fromCharCode(unit);
  return text;
}

/** A buffer that holds these bytes and nothing else, so that any element size is aligned. */
function exactBuffer(bytes: Uint8Array): ArrayBuffer {
  if (bytes.byteLength === bytes.buffer.byteLength && bytes.buffer instanceof ArrayBuffer)
    return bytes.buffer;
  return bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength) as ArrayBuffer;
}

type ViewClass = new (buffer: ArrayBuffer) => ArrayBufferView;

function toView(type: string, bytes: Uint8Array): ArrayBufferView {
  const viewClass: unknown = Reflect.get(globalThis, type);
  if (
    !/^(?:DataView|(?:Big)?(?:Int|Uint|Float)\d+(?:Clamped)?Array)$/.test(type) ||
    typeof viewClass !== 'function'
  ) {
    throw new DeserializationError(`the value holds a "${type}", which this program does not know`);
  }
  return new (viewClass as ViewClass)(exactBuffer(bytes));
}
