import { registryKeys, type RouteRecord, wildcardOf } from '@gantry/protocol';

import { onePerGateway } from '../injection.ts';

/** Follows the keys of the registry that match a pattern. */
export interface RouteRegistry {
  watch<T>(
    pattern: string,
    listener: (change: { key: string; value: T | undefined }) => void,
  ): Promise<{ stop(): void }>;
}

/** Which function answers for a host name: a copy of the registry's routes that follows it. */
@onePerGateway()
export class RouteTable {
  readonly #byHost = new Map<string, RouteRecord>();
  readonly #hostOfKey = new Map<string, string>();

  /** Resolves once every present route is known. */
  follow(registry: RouteRegistry): Promise<{ stop(): void }> {
    return registry.watch<RouteRecord>(registryKeys.allRoutes, ({ key, value }) => this.apply(key, value));
  }

  /** Takes over one change; undefined removes the route. */
  apply(key: string, route: RouteRecord | undefined): void {
    const before = this.#hostOfKey.get(key);
    if (before !== undefined) this.#byHost.delete(before);
    this.#hostOfKey.delete(key);
    if (!route) return;
    const host = route.host.toLowerCase();
    this.#byHost.set(host, route);
    this.#hostOfKey.set(key, host);
  }

  /** A route of the name itself comes before one of its whole level. */
  find(host: string): RouteRecord | undefined {
    const exact = this.#byHost.get(host);
    if (exact) return exact;
    const wildcard = wildcardOf(host);
    return wildcard === undefined ? undefined : this.#byHost.get(wildcard);
  }
}
