import { isRootless } from './rootless/user-namespace.ts';

/**
 * World-readable, as the root of a container is nobody outside. One of its own where the machine's may lie hidden under
 * a `/run` that only the worker sees: the kernel's table of mounts names both the same.
 */
export const RUN_FOLDER = isRootless() ? '/run/gantry-user' : '/run/gantry-containers';
