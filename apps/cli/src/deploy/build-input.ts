import { rmSync } from 'node:fs';
import path from 'node:path';

import type { Manifest } from '@gantry/protocol';

import { findEntry, projectRootOf, type BuildInput } from './find-entry.ts';

/** A build on disk. */
export interface BuiltApp {
  manifest: Manifest;
  /** The folder that the manifest's paths are relative to. */
  folder: string;
}

/** Builds one app, as often as its sources change. */
export interface AppBuild {
  build(): Promise<BuiltApp>;
  /** Sources that the last build read, also when it failed; empty for what was built before. */
  readonly watchFiles: readonly string[];
}

/**
 * Finds out how to build what a command line names.
 *
 * @param out - Folder for the build. @defaultValue a folder in the project that is removed when this process ends
 * @throws NotFoundError if there is no such entry.
 */
export async function openBuild(
  given: string,
  options: { cwd: string; out?: string | undefined },
): Promise<AppBuild> {
  const input = findEntry(given, options.cwd);
  // Loaded on demand: most commands build nothing.
  const { createBuilder, loadManifest } = await import('@gantry/manifest');
  if (input.type === 'built') {
    const { folder } = input;
    return { watchFiles: [], build: async () => ({ manifest: await loadManifest(folder), folder }) };
  }
  const folder = options.out ?? temporaryFolder(input);
  const builder = createBuilder({ entry: input.entry, outDir: folder });
  return {
    get watchFiles() {
      return builder.watchFiles;
    },
    build: async () => ({ manifest: (await builder.build()).manifest, folder }),
  };
}

/** Inside the project, so that packages which stay outside of the bundle are found from there. */
function temporaryFolder({ entry }: Extract<BuildInput, { type: 'source' }>): string {
  const folder = path.join(projectRootOf(entry), 'node_modules', '.cache', 'gantry', `build-${process.pid}`);
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
  return folder;
}
