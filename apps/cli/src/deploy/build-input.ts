import { rmSync } from 'node:fs';
import path from 'node:path';

import type { Manifest } from '@gantry/protocol';
import { findSetting } from 'gantry/internal';

import { findEntry, projectRootOf, type BuildInput } from './find-entry.ts';

/** A build on disk. */
export interface BuiltApp {
  manifest: Manifest;
  /** Names under which the entry exports the app; unknown for what was built before. */
  exportNames: readonly string[];
  /** The folder that the manifest's paths are relative to. */
  folder: string;
  /** What its code comes from, for people: the entry, relative to its project, or what was built before. */
  source?: string | undefined;
  /** Absolute paths of the local files that images take along; unknown for what was built before. */
  imageFiles: readonly string[];
  /** What its user should know, although the build has succeeded. */
  warnings?: readonly string[] | undefined;
}

/** What changes a build when it changes. Absolute paths. */
export interface WatchedPaths {
  /** Files, also some that do not exist. */
  files: readonly string[];
  /** Folders of which all files count, also new ones. */
  folders: readonly string[];
}

/** Builds one app, as often as its sources change. */
export interface AppBuild {
  build(): Promise<BuiltApp>;
  /** What the last build read, or looked for, also when it failed; nothing for what was built before. */
  readonly watched: WatchedPaths;
  /** The entry file, or the folder of what was built before. */
  readonly path: string;
}

export interface OpenBuildOptions {
  cwd: string;
  /** Says what to do about local files that change meanwhile. */
  env: Readonly<Record<string, string | undefined>>;
  /** The entry is given as an import specifier rather than as a path. */
  module?: boolean | undefined;
  /** Name under which the entry exports the app that is meant, if it does. */
  app?: string | undefined;
  /** Folder for the build. @defaultValue a folder in the project that is removed when this process ends */
  out?: string | undefined;
}

/**
 * Finds out how to build what a command line names.
 *
 * @throws NotFoundError if there is no such entry.
 */
export async function openBuild(given: string, options: OpenBuildOptions): Promise<AppBuild> {
  // Loaded on demand: most commands build nothing.
  const { createBuilder, loadManifest, resolveModule } = await import('@gantry/manifest');
  const entry = options.module ? await resolveModule(given, options.cwd) : given;
  const input = findEntry(entry, options.cwd);
  if (input.type === 'built') {
    const { folder } = input;
    return {
      watched: { files: [], folders: [] },
      path: folder,
      build: async () => {
        const manifest = await loadManifest(folder);
        const source = path.relative(options.cwd, path.join(folder, manifest.bundle.path));
        return { manifest, exportNames: [], imageFiles: [], folder, source };
      },
    };
  }
  const folder = options.out ?? temporaryFolder(input);
  const source = path.relative(projectRootOf(input.entry), input.entry);
  const buildValidation = findSetting('buildValidation', options.env).value;
  const builder = createBuilder({ entry: input.entry, outDir: folder, app: options.app, buildValidation });
  return {
    path: input.entry,
    get watched() {
      return { files: builder.watchFiles, folders: builder.watchFolders };
    },
    build: async () => {
      const { manifest, exportNames, imageFiles, warnings } = await builder.build();
      return { manifest, exportNames, imageFiles, warnings, folder, source };
    },
  };
}

/** Inside the project, so that packages which stay outside of the bundle are found from there. */
function temporaryFolder({ entry }: Extract<BuildInput, { type: 'source' }>): string {
  const folder = path.join(projectRootOf(entry), 'node_modules', '.cache', 'gantry', `build-${process.pid}`);
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
  return folder;
}
