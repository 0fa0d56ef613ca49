import { BuildError, type ImageLayer } from '@gantry/protocol';

import type { BaseLayer, BaseLayers } from './base-layers.ts';
import { putLayer, storeLayer } from './layer-file.ts';
import type { LayerStore } from './layer-store.ts';

/** A layer that depends on nothing below it. */
export interface Base {
  /** Decides whether an earlier one is the same. */
  definition: string;
  /** Hands out the layer, as a tar. */
  make: (use: (tar: AsyncIterable<Uint8Array>) => Promise<void>) => Promise<void>;
}

/** What of a base this machine has from earlier builds: to be taken, to be replaced, or left alone. */
export type BaseUse = 'take' | 'replace' | 'leave';

interface MakeOptions {
  /** For what is under way. */
  folder: string;
  store: LayerStore;
  onFile?: ((file: BaseLayer) => Promise<void>) | undefined;
}

/** Of layers that nobody needs yet. */
const NO_STORE: LayerStore = {
  has: async () => true,
  get: () => Promise.reject(new BuildError('a base that was made ahead is in no store')),
  put: async () => undefined,
};

/** Makes the layers that images begin with, or takes those that this machine has. */
export class BaseMaker {
  readonly #store: LayerStore;
  readonly #kept: BaseLayers;
  readonly #ahead = new Map<string, Promise<void>>();

  constructor(store: LayerStore, kept: BaseLayers) {
    this.#store = store;
    this.#kept = kept;
  }

  /** The layer of an earlier build on this machine, or a new one; in the store when this resolves. */
  async layer(base: Base, { use, folder }: { use: BaseUse; folder: string }): Promise<ImageLayer> {
    const kept = use === 'take' ? await this.#find(base) : undefined;
    if (kept && (await putLayer(kept, this.#store))) return kept.layer;
    const onFile = use === 'leave' ? undefined : (file: BaseLayer) => this.#kept.keep(base.definition, file);
    return await make(base, { folder, store: this.#store, onFile });
  }

  /** Makes a base for builds to come, which wait for it instead of making it, too. False if there is one already. */
  async makeAhead(base: Base, folder: string): Promise<boolean> {
    const { definition } = base;
    if (this.#ahead.has(definition) || (await this.#kept.find(definition))) return false;
    const onFile = (file: BaseLayer) => this.#kept.keep(definition, file);
    const made = make(base, { folder, store: NO_STORE, onFile });
    const settled = made.then(
      () => undefined,
      () => undefined,
    );
    this.#ahead.set(definition, settled);
    try {
      await made;
      return true;
    } finally {
      this.#ahead.delete(definition);
    }
  }

  async #find({ definition }: Base): Promise<BaseLayer | undefined> {
    await this.#ahead.get(definition);
    return await this.#kept.find(definition);
  }
}

async function make(base: Base, { folder, store, onFile }: MakeOptions): Promise<ImageLayer> {
  let layer: ImageLayer | undefined;
  await base.make(async (tar) => {
    layer = await storeLayer(tar, { folder, store, onFile });
  });
  if (!layer) throw new BuildError('a base came out empty');
  return layer;
}
