import {
  BuildError,
  InvalidError,
  type FunctionOptionsSpec,
  type FunctionSpec,
  type Manifest,
} from '@gantry/protocol';

import { clusterConflicts } from './cluster-conflicts.ts';

/**
 * Checks what no single field shows: functions that contradict each other or themselves.
 *
 * @throws BuildError for two functions of one name, InvalidError for a function that cannot be.
 */
export function assertConsistent({ functions, images = [] }: Manifest): void {
  const names = new Set<string>();
  for (const spec of functions) {
    if (names.has(spec.name)) {
      throw new BuildError(`the manifest has two functions called "${spec.name}"`, {
        hint: 'Rename one of them.',
      });
    }
    names.add(spec.name);
    assertScaling(spec.name, spec.options);
    assertMethods(spec);
    assertScheduled(spec);
    assertImage(spec, images);
    const [conflict] = clusterConflicts(spec);
    if (conflict) throw new InvalidError(conflict.what, { hint: conflict.hint });
  }
}

function assertScaling(name: string, options: FunctionOptionsSpec): void {
  const { minContainers = 0, maxContainers, maxInputs = 1, targetInputs = 1 } = options;
  if (maxContainers !== undefined && minContainers > maxContainers) {
    throw new InvalidError(`"${name}" has more minContainers than maxContainers`);
  }
  if (targetInputs > maxInputs) throw new InvalidError(`"${name}" has more targetInputs than maxInputs`);
}

function assertMethods({ name, kind, options, methods }: FunctionSpec): void {
  if (options.batching && methods.length !== 1) {
    throw new InvalidError(`"${name}" is batched and must have exactly one method`);
  }
  if (kind === 'function' && methods[0]?.name !== '') {
    throw new InvalidError(`the method of the function "${name}" must have no name`);
  }
}

function assertScheduled({ name, kind, methods, schedule }: FunctionSpec): void {
  if (!schedule) return;
  if (kind === 'class') throw new InvalidError(`the class "${name}" cannot have a schedule`);
  const needed = (methods[0]?.params ?? []).find(({ optional, rest }) => !optional && !rest);
  if (needed) throw new InvalidError(`"${name}" has a schedule and needs the argument "${needed.name}"`);
  if (methods[0]?.handlerKind.toLowerCase().endsWith('generator')) {
    throw new InvalidError(`"${name}" has a schedule and is a generator`);
  }
}

function assertImage({ name, options }: FunctionSpec, images: readonly unknown[]): void {
  if (options.image === undefined || options.image < images.length) return;
  throw new InvalidError(`"${name}" has image ${options.image}, but the manifest has ${images.length}`);
}
