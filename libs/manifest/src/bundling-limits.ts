import { existsSync } from 'node:fs';
import { join } from 'node:path';

import type { InstalledPackage } from './installed-packages.ts';

/**
 * Code that only works where the package was installed: it finds files beside itself, starts workers from
 * files, loads native addons, or imports names that are computed at run time. A false match costs size only.
 */
export const NEEDS_OWN_FILES = new RegExp(
  [
    String.raw`\b__dirname\b`,
    String.raw`\b__filename\b`,
    String.raw`import\.meta\.(?:url|dirname|filename|resolve)\b`,
    String.raw`\bnew Worker\(`,
    String.raw`\brequire\.resolve\b`,
    String.raw`\bcreateRequire\b`,
    String.raw`\.node['"\`]`,
    String.raw`\brequire\(\s*[^'"\s)]`,
    String.raw`\bimport\(\s*[^'"\s)/]`,
  ].join('|'),
);

const ADDON_LOADERS = new Set([
  'bindings',
  'cmake-js',
  'nan',
  'napi-build-utils',
  'node-addon-api',
  'node-gyp-build',
  'node-gyp-build-optional-packages',
  'node-pre-gyp',
  '@mapbox/node-pre-gyp',
  'prebuild-install',
]);

const INSTALL_SCRIPTS = ['preinstall', 'install', 'postinstall'];

/** True when what a package says of itself shows that it must stay as installed. */
export function isNative({ json, root }: InstalledPackage): boolean {
  if (json.os || json.cpu || json.libc || json.gypfile || json.binary !== undefined) return true;
  if (INSTALL_SCRIPTS.some((script) => json.scripts?.[script] !== undefined)) return true;
  if (
    Object.keys({ ...json.dependencies, ...json.optionalDependencies }).some((name) =>
      ADDON_LOADERS.has(name),
    )
  ) {
    return true;
  }
  return existsSync(join(root, 'binding.gyp')) || existsSync(join(root, 'prebuilds'));
}
