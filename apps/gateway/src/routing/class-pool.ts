import {
  completeParameters,
  isGantryError,
  parseText,
  poolKey,
  type ClassParameters,
  type FunctionRecord,
} from '@gantry/protocol';

import { onePerGateway } from '../injection.ts';

const MAX_CACHED_POOLS = 5_000;

/** Something wrong with a class parameter in the query; the shape endpoints use for their own parameters. */
export interface QueryProblem {
  loc: ['query', string];
  msg: string;
  type: string;
}

/** The containers a request may go to, or what is wrong with its class parameters. */
export type PoolChoice =
  { type: 'pool'; pool: string; parameters: ClassParameters } | { type: 'refused'; problems: QueryProblem[] };

/** Finds the pool of a request: a class with parameters takes them from query parameters of the same names. */
@onePerGateway()
export class ClassPools {
  /** In order of use, oldest first. */
  readonly #known = new Map<string, PoolChoice>();

  /** Answers at once for functions and for parameters seen before. `query` comes without the question mark. */
  choose(record: FunctionRecord, query: string): PoolChoice | Promise<PoolChoice> {
    const { parameters } = record.spec;
    if (parameters.length === 0) return { type: 'pool', pool: record.id, parameters: {} };
    const search = new URLSearchParams(query);
    const texts = parameters.map(({ name }) => search.getAll(name).at(-1));
    const key = JSON.stringify([record.id, record.version, texts]);
    const known = this.#known.get(key);
    if (!known) return this.#compute(record, texts, key);
    this.#known.delete(key);
    this.#known.set(key, known);
    return known;
  }

  async #compute(record: FunctionRecord, texts: (string | undefined)[], key: string): Promise<PoolChoice> {
    const choice = await toPool(record, texts);
    this.#known.set(key, choice);
    const [oldest] = this.#known.keys();
    if (this.#known.size > MAX_CACHED_POOLS && oldest !== undefined) this.#known.delete(oldest);
    return choice;
  }
}

async function toPool(record: FunctionRecord, texts: readonly (string | undefined)[]): Promise<PoolChoice> {
  const specs = record.spec.parameters;
  const given: Record<string, unknown> = {};
  const problems: QueryProblem[] = [];
  for (const [index, spec] of specs.entries()) {
    const text = texts[index];
    if (text === undefined) {
      if (spec.defaultValue !== undefined || spec.optional) continue;
      problems.push({ loc: ['query', spec.name], msg: 'Field required', type: 'missing' });
      continue;
    }
    const parsed = parseText(text, spec.type);
    if (parsed.ok) given[spec.name] = parsed.value;
    else problems.push({ loc: ['query', spec.name], msg: parsed.message, type: parsed.kind });
  }
  if (problems.length > 0) return { type: 'refused', problems };
  try {
    const parameters = completeParameters(record.spec.name, specs, given);
    return { type: 'pool', pool: await poolKey(record.id, parameters), parameters };
  } catch (error) {
    if (!isGantryError(error)) throw error;
    return { type: 'refused', problems: [{ loc: ['query', ''], msg: error.message, type: 'value_error' }] };
  }
}
