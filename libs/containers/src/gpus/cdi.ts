/** A specification file of the Container Device Interface; what is not used here is left out. */
export interface CdiSpec {
  kind?: string;
  devices?: readonly { name: string; containerEdits?: Partial<ContainerEdits> }[];
  /** For every container with one of the devices. */
  containerEdits?: Partial<ContainerEdits>;
}

/** How a container's configuration changes for its devices. */
export interface ContainerEdits {
  env: readonly string[];
  deviceNodes: readonly { path: string; hostPath?: string }[];
  mounts: readonly { hostPath: string; containerPath: string; options?: readonly string[] }[];
  hooks: readonly CdiHook[];
}

export interface CdiHook {
  hookName: string;
  path: string;
  args?: readonly string[];
  env?: readonly string[];
  timeout?: number;
}

/**
 * What specifications say of some devices, put together; undefined if one of the devices is in none of them. Of
 * specifications with the same device, the last counts.
 */
export function cdiEdits(
  specs: readonly CdiSpec[],
  kind: string,
  names: readonly string[],
): ContainerEdits | undefined {
  const used = new Set<CdiSpec>();
  const parts: Partial<ContainerEdits>[] = [];
  for (const name of names) {
    const spec = specs.findLast(
      (each) => each.kind === kind && each.devices?.some((device) => device.name === name),
    );
    if (!spec) return undefined;
    if (!used.has(spec)) parts.push(spec.containerEdits ?? {});
    used.add(spec);
    parts.push(spec.devices?.find((device) => device.name === name)?.containerEdits ?? {});
  }
  return {
    env: parts.flatMap(({ env = [] }) => env),
    deviceNodes: unique(
      parts.flatMap(({ deviceNodes = [] }) => deviceNodes),
      ({ path }) => path,
    ),
    mounts: unique(
      parts.flatMap(({ mounts = [] }) => mounts),
      ({ containerPath }) => containerPath,
    ),
    hooks: parts.flatMap(({ hooks = [] }) => hooks),
  };
}

function unique<T>(all: readonly T[], keyOf: (each: T) => string): T[] {
  return [...new Map(all.map((each) => [keyOf(each), each])).values()];
}
