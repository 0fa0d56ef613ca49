import 'reflect-metadata';

import { type ClusterInfo, InvalidError } from '@gantry/protocol';

import { assertOnClass, assertParentheses } from './decorator-use.ts';
import { containerHost } from './host.ts';
import { type ClassDecoratorFor, modify, registrationsOf } from './modifiers.ts';
import { checkClusteredOptions } from './option-checks.ts';
import type { ClusteredOptions } from './options.ts';
import type { AnyClass, AnyFunction } from './registry.ts';

const CLUSTERED = 'gantry:clustered';

/**
 * Runs each call in `size` containers at once, a gang: above a class, or around a free function. All of them get the same
 * input, know each other by {@link getClusterInfo}, and reach each other at their addresses; what rank 0 returns is the
 * result, once all have returned. They start together, in one region, or wait together until there is room for all.
 * If one fails, the attempt fails, the others are aborted, and a retry runs in all of them again. `minContainers`,
 * `maxContainers` and `bufferContainers` count gangs.
 *
 * @throws {@link InvalidError} on a size out of range, or off a class. The build refuses it together with `batched`,
 * several inputs at once, web endpoints and generators.
 *
 * @example
 * ```ts
 * export const train = app.function({ gpu: 'H100:8' }, clustered({ size: 4 }, async (steps: number) => {
 *   const { rank, size, addresses } = getClusterInfo();
 *   return await runTrainer({ rank, size, leader: `${addresses[0]}:29500`, steps });
 * }));
 * ```
 */
export function clustered(options: ClusteredOptions): ClassDecoratorFor;
export function clustered<A extends unknown[], R>(
  options: ClusteredOptions,
  fn: (...args: A) => R,
): (...args: A) => R;
export function clustered(...args: [ClusteredOptions, AnyFunction?]): ClassDecoratorFor | AnyFunction {
  const [options, fn] = args;
  if (typeof options === 'function') assertParentheses('clustered', args);
  checkClusteredOptions(options ?? {});
  if (fn) return modify(fn, { clustered: options });
  return (...use: unknown[]) => {
    assertOnClass('clustered', use);
    const target = use[0] as AnyClass;
    Reflect.defineMetadata(CLUSTERED, options, target);
    // Standing above @app.cls, this runs after the class was registered.
    for (const registration of registrationsOf(target)) registration.clustered = options;
  };
}

/** What `@clustered` says about a class, if it stands below `@app.cls`. */
export function clusteringOf(target: AnyClass): ClusteredOptions | undefined {
  return Reflect.getMetadata(CLUSTERED, target) as ClusteredOptions | undefined;
}

/**
 * The gang that this container is in: `rank` of this container, `size`, `addresses` of all containers in the order of
 * their ranks, and an `id` that all of them see and no other gang has. The same in `@enter` hooks and in every call.
 *
 * @throws {@link InvalidError} outside of containers, and in those of functions that are not {@link clustered}.
 *
 * @example
 * ```ts
 * const { rank, size, addresses } = getClusterInfo();
 * const right = addresses[(rank + 1) % size];
 * ```
 */
export function getClusterInfo(): ClusterInfo {
  const host = containerHost();
  if (!host) {
    throw new InvalidError('getClusterInfo() was called outside of a container', {
      hint: 'Call it in a clustered function that runs on the platform.',
    });
  }
  if (host.cluster) return host.cluster;
  throw new InvalidError('getClusterInfo() was called in a function that is not clustered', {
    hint: 'Put @clustered({ size: 2 }) above the class, or clustered({ size: 2 }, ...) around the function.',
  });
}
