import type { LocalGpu } from '@gantry/containers';
import { BuildError, parseGpuConfig } from '@gantry/protocol';
import { isOfType } from '@gantry/scheduling';

/**
 * The GPUs that a build step gets: of its wishes, the first that the machine has.
 *
 * @throws BuildError if it has none of them.
 */
export function chooseStepGpus(
  gpu: string | readonly string[],
  found: readonly LocalGpu[],
): readonly LocalGpu[] {
  const wishes = typeof gpu === 'string' ? [gpu] : gpu;
  for (const wish of wishes) {
    const { type, count } = parseGpuConfig(wish);
    const fitting = found.filter((device) => isOfType(device, type));
    if (fitting.length >= count) return fitting.slice(0, count);
  }
  const there = found.length === 0 ? 'none' : found.map(({ type }) => type).join(', ');
  throw new BuildError(
    `it asks for ${wishes.join(' or ')}, and the machine that builds images has ${there}`,
    {
      hint: 'Run a server on a machine with such GPUs, or do what needs them in an @enter hook.',
    },
  );
}
