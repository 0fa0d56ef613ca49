import type { FunctionLookup } from '@gantry/protocol';

import type { CallTracker } from './call-tracker.ts';

/** Requests about objects of the platform, such as volumes, by the paths of the server's API. */
export interface ObjectApi {
  /** `body` is sent as JSON, or as it is if it is bytes. */
  json<T>(path: string, parts?: { method?: 'GET' | 'PUT' | 'POST' | 'DELETE'; body?: unknown }): Promise<T>;
  /** What the answer consists of, as it comes. */
  stream(path: string): AsyncIterable<Uint8Array>;
}

/** Where calls go: a server over a client's session, or the worker around this container. */
export interface Platform {
  readonly closed: boolean;
  readonly tracker: CallTracker;
  readonly objects: ObjectApi;
  /** Where names are looked up unless a handle says otherwise. */
  readonly environment: string;
  /** @throws {@link NotFoundError} */
  lookup(app: string, name: string, environment?: string): Promise<FunctionLookup>;
  /** Makes the next lookup of this function ask again. */
  forgetLookup(lookup: FunctionLookup): void;
  /** Input whose code makes calls now, for call graphs. */
  currentInputId(): string | undefined;
}

/** Remembers lookups, each asked once however many handles need it. */
export class LookupCache {
  readonly #ask: (app: string, name: string, environment?: string) => Promise<FunctionLookup>;
  readonly #known = new Map<string, Promise<FunctionLookup>>();

  constructor(ask: (app: string, name: string, environment?: string) => Promise<FunctionLookup>) {
    this.#ask = ask;
  }

  lookup(app: string, name: string, environment?: string): Promise<FunctionLookup> {
    const key = JSON.stringify([app, name, environment]);
    let found = this.#known.get(key);
    if (!found) {
      found = this.#ask(app, name, environment);
      this.#known.set(key, found);
      found.catch(() => this.#known.delete(key));
    }
    return found;
  }

  /** Drops every entry: what is stale for one function is likely stale for its app. */
  clear(): void {
    this.#known.clear();
  }
}
