import { type GpuDevice, parseGpuConfig } from '@gantry/protocol';

import { isOfType, kindOf } from './gpu-types.ts';
import type { Resources } from './placement.ts';

/** Which kinds of GPUs there are, over all machines. */
export class GpuKinds {
  readonly #kinds = new Map<string, { device: GpuDevice; machines: number }>();

  add(devices: readonly GpuDevice[]): void {
    for (const [kind, device] of onePerKind(devices)) {
      const known = this.#kinds.get(kind);
      if (known) known.machines++;
      else this.#kinds.set(kind, { device, machines: 1 });
    }
  }

  remove(devices: readonly GpuDevice[]): void {
    for (const kind of onePerKind(devices).keys()) {
      const known = this.#kinds.get(kind);
      if (known && --known.machines === 0) this.#kinds.delete(kind);
    }
  }

  /**
   * What a container may take instead of each other, the best first: for each wish, each kind that fits it. Without
   * wishes that is what it needs anyway; none at all where no machine has what is wished for.
   */
  alternatives(need: Resources, wishes: readonly string[] | undefined): Resources[] {
    if (!wishes) return [need];
    const found = new Map<string, Resources>();
    for (const wish of wishes) {
      const { type, count } = parseGpuConfig(wish);
      for (const [kind, { device }] of this.#kinds) {
        if (isOfType(device, type)) found.set(`${kind}:${count}`, { ...need, gpus: { [kind]: count } });
      }
    }
    return [...found.values()];
  }
}

function onePerKind(devices: readonly GpuDevice[]): Map<string, GpuDevice> {
  return new Map(devices.map((device) => [kindOf(device), device]));
}
