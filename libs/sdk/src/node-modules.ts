/*
 * What the SDK takes of Node. An ES module that imports a module of Node has Node look at all that this one exports, and
 * load what is behind it: 2 ms of CPU for every container that has the SDK in its bundle.
 */

export const { existsSync, mkdirSync, readFileSync, realpathSync, renameSync, statSync, writeFileSync } =
  process.getBuiltinModule('node:fs');
export const { basename, dirname, join, posix, resolve } = process.getBuiltinModule('node:path');
export const { fileURLToPath } = process.getBuiltinModule('node:url');
export const { subscribe, unsubscribe } = process.getBuiltinModule('node:diagnostics_channel');

/** Loaded by whoever uploads files. */
export const fileSystem = () => process.getBuiltinModule('node:fs/promises');
