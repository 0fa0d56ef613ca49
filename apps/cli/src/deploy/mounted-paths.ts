import { posix } from 'node:path';

import type { AttachedFiles, Manifest } from '@gantry/protocol';

import type { BuiltApp } from './build-input.ts';

/** A path of the user's machine of which containers get the content. */
export interface MountedPath {
  /** Relative to the project's folder. */
  local: string;
  /** Absolute, or relative to the working directory. */
  remote: string;
  /** It is part of the image, instead of being put in place when a container starts. */
  isCopied: boolean;
}

const MOST_LINES = 10;

/** What images of an app take along, each once, in the order of the app's images. */
export function mountedPaths({ images = [] }: Pick<Manifest, 'images'>): MountedPath[] {
  const all = images.flatMap(({ steps, files = [] }) => [
    ...steps.flatMap((step) => (step.type === 'files' ? pathsOf(step, true) : [])),
    ...files.flatMap((attached) => pathsOf(attached, false)),
  ]);
  return [...new Map(all.map((path) => [mountedText(path), path])).values()];
}

function pathsOf({ remotePath, origins = [] }: AttachedFiles, isCopied: boolean): MountedPath[] {
  return origins.map(({ path, name }) => ({ local: path, remote: posix.join(remotePath, name), isCopied }));
}

/** One line about the code, and one about each path; many in short. */
export function mountedTexts({ manifest, source }: Pick<BuiltApp, 'manifest' | 'source'>): string[] {
  const code = source === undefined ? [] : [`Mounted ${source} with what it imports, as the bundle`];
  const texts = [...code, ...mountedPaths(manifest).map(mountedText)];
  if (texts.length <= MOST_LINES) return texts;
  return [...texts.slice(0, MOST_LINES - 1), `… and ${texts.length - MOST_LINES + 1} more local paths`];
}

/** Such as `Mounted assets at /srv/assets`; a place in the working directory begins with `./`. */
export function mountedText({ local, remote, isCopied }: MountedPath): string {
  const place = posix.isAbsolute(remote) ? remote : `./${remote === '.' ? '' : remote}`;
  return `${isCopied ? 'Copied' : 'Mounted'} ${local} at ${place}`;
}
