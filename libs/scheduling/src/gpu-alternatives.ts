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

/**
 * GPUs of one machine for a container that is placed by hand, by index: of the first wish of which enough of one kind
 * are free. Undefined if there are none; an empty list without wishes.
 */
export function chooseGpus(
  devices: readonly GpuDevice[],
  taken: ReadonlySet<number>,
  wishes: readonly string[] | undefined,
): number[] | undefined {
  if (!wishes) return [];
  const free = devices.filter(({ index }) => !taken.has(index));
  for (const wish of wishes) {
    const { type, count } = parseGpuConfig(wish);
    const fitting = free.filter((device) => isOfType(device, type));
    for (const kind of onePerKind(fitting).keys()) {
      const same = fitting.filter((device) => kindOf(device) === kind);
      if (same.length >= count) return same.slice(0, count).map(({ index }) => index);
    }
  }
  return undefined;
}

function onePerKind(devices: readonly GpuDevice[]): Map<string, GpuDevice> {
  return new Map(devices.map((device) => [kindOf(device), device]));
}
