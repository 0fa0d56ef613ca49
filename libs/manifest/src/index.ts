import { AppBuilder } from './build.ts';
import type { Builder, BuildOptions, BuildResult } from './builder.ts';

export type { Builder, BuildOptions, BuildResult, BuildValidation } from './builder.ts';
export { clientSource, type ClientSourceOptions } from './client-source.ts';
export { readInlineSecrets, type InlineSecretsOptions } from './inline-secrets.ts';
export { loadManifest } from './manifest-file.ts';
export { validateManifest } from './manifest-validation.ts';
export { resolveModule } from './resolve-module.ts';

/**
 * Builds an app: compiles and bundles the entry, evaluates it, and writes `manifest.json`, `bundle.mjs`, its
 * source map, and `packages.tar.gz` for npm packages that cannot be bundled.
 *
 * The same sources and packages give the same bytes. Prints nothing.
 *
 * @throws BuildError for every mistake in the user's sources; `details` has `file`, `line` and all `mistakes`.
 *
 * @example
 * ```ts
 * const { manifest, files } = await buildApp({ entry: 'src/app.ts', outDir: 'dist' });
 * ```
 */
export function buildApp(options: BuildOptions): Promise<BuildResult> {
  return createBuilder(options).build();
}

/**
 * Prepares a builder for watch mode. It keeps what did not change, so that every build after the first is faster.
 *
 * @example
 * ```ts
 * const builder = createBuilder({ entry: 'src/app.ts', outDir: 'dist' });
 * const first = await builder.build();
 * ```
 */
export function createBuilder(options: BuildOptions): Builder {
  return new AppBuilder(options);
}
