/** The path of an endpoint, such as `/items/:id`. */
export class RoutePath {
  readonly #segments: readonly string[];

  constructor(path: string) {
    this.#segments = path.split('/');
  }

  /** The parts that have a name, by name; undefined if the path of the request is another one. */
  match(path: string): ReadonlyMap<string, string> | undefined {
    const given = path.split('/');
    if (given.length !== this.#segments.length) return undefined;
    const values = new Map<string, string>();
    for (const [at, segment] of this.#segments.entries()) {
      const text = decoded(given[at] ?? '');
      if (text === undefined) return undefined;
      if (!segment.startsWith(':')) {
        if (text !== segment) return undefined;
      } else if (text === '') return undefined;
      else values.set(segment.slice(1), text);
    }
    return values;
  }
}

/** The path as OpenAPI writes it. */
export function templateOf(path: string): string {
  return path.replaceAll(/:(\w+)/g, '{$1}');
}

/** Names of the parts that are parameters. */
export function namesIn(path: string): ReadonlySet<string> {
  return new Set([...path.matchAll(/:(\w+)/g)].map(([, name = '']) => name));
}

function decoded(segment: string): string | undefined {
  try {
    return decodeURIComponent(segment);
  } catch {
    return undefined;
  }
}
