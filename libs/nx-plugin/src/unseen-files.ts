import { spawnSync } from 'node:child_process';
import { relative, sep } from 'node:path';

import { FilePatternMatcher } from 'gantry/internal';

export interface CacheView {
  /** The workspace, absolute. */
  root: string;
  /** Folders whose files are inputs of the target, relative to the workspace. */
  folders: readonly string[];
  /** Further inputs of the target, such as `{workspaceRoot}/schema.json`. */
  inputs: readonly unknown[];
}

/**
 * Of the files that a build read, those that are no inputs of its cached target: with them changed, Nx would bring an
 * old build back. Relative to the workspace.
 */
export function unseenFiles(files: readonly string[], { root, folders, inputs }: CacheView): string[] {
  const paths = files.map((file) => relative(root, file).split(sep).join('/'));
  const patterns = inputs.flatMap((input) =>
    typeof input === 'string' && input.startsWith('{workspaceRoot}/')
      ? [input.slice('{workspaceRoot}/'.length)]
      : [],
  );
  const named = new FilePatternMatcher(...patterns);
  const ignored = ignoredByGit(paths, root);
  return paths.filter((path) => {
    const isHere = folders.some((folder) => folder === '.' || path.startsWith(`${folder}/`));
    return ignored.has(path) || !(isHere || named.matches(path));
  });
}

// Nx does not look at what git ignores. Without git nothing is ignored.
function ignoredByGit(paths: readonly string[], root: string): ReadonlySet<string> {
  const inside = paths.filter((path) => !path.startsWith('../'));
  const { stdout } = spawnSync('git', ['check-ignore', '-z', '--stdin'], {
    cwd: root,
    input: inside.map((path) => `${path}\0`).join(''),
    encoding: 'utf8',
  });
  return new Set((stdout ?? '').split('\0').filter((path) => path !== ''));
}
