import type { Manifest } from '@gantry/protocol';

/** What to do about files of this machine that change while a build takes them along. */
export type BuildValidation = 'error' | 'warning' | 'ignore';

export interface BuildOptions {
  /** The file that makes the app. */
  entry: string;
  /** Where the manifest and its files go. */
  outDir: string;
  /**
   * Name under which the entry exports the app to build. Where it exports none of that name, the usual choice counts.
   *
   * @defaultValue the app exported as `app`, else the default export, else the only one
   */
  app?: string | undefined;
  /**
   * The folder that paths in messages and in the manifest are relative to; `entry` and `outDir` are, too.
   *
   * @defaultValue the nearest folder above the entry with a `package.json`; `entry` and `outDir` are then
   * relative to the working directory
   */
  projectRoot?: string | undefined;
  /** @defaultValue 'error' */
  buildValidation?: BuildValidation | undefined;
}

export interface BuildResult {
  manifest: Manifest;
  /** Names under which the entry exports the app. */
  exportNames: string[];
  /** Absolute path of the folder that was written. */
  outDir: string;
  /** Absolute paths of the manifest's files. */
  files: { bundle: string; sourceMap: string; packages?: string };
  /** Absolute paths of the user's files that the result depends on, sorted. */
  watchFiles: string[];
  /** Absolute paths of the local files that images take along, sorted. */
  imageFiles: string[];
  /** What its user should know, although it has succeeded. */
  warnings: string[];
  /** How long the parts took; they overlap. */
  timings: { totalMs: number; bundleMs: number; analyseMs: number; evaluateMs: number; packagesMs: number };
}

/** Builds the same app repeatedly. */
export interface Builder {
  /**
   * Builds from what is on disk now. One build at a time.
   *
   * @throws BuildError for every mistake in the user's sources.
   */
  build(): Promise<BuildResult>;
  /** The user's files that the last build read, or looked for, also when it failed; absolute, sorted. */
  readonly watchFiles: string[];
  /** Folders of which it took all files: another build may find more there. Absolute, sorted. */
  readonly watchFolders: string[];
}
