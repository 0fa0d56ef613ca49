import type { ClusterInfo, GangPlace } from '@gantry/protocol';

/** Where the containers of a gang are, as they say it. */
export class GangAddresses {
  readonly #place: GangPlace;
  readonly #known = new Map<number, string>();
  readonly #all: Promise<void>;
  #resolve: () => void = () => undefined;

  constructor(place: GangPlace) {
    this.#place = place;
    this.#all = new Promise((resolve) => (this.#resolve = resolve));
  }

  add(rank: number, address: string): void {
    this.#known.set(rank, address);
    if (this.#known.size === this.#place.containerIds.length) this.#resolve();
  }

  /** Resolves once all are known. */
  async info(): Promise<ClusterInfo> {
    await this.#all;
    const { rank, containerIds } = this.#place;
    const addresses = containerIds.map((_, other) => this.#known.get(other) ?? '');
    return { id: containerIds[0] ?? '', rank, size: containerIds.length, addresses };
  }
}
