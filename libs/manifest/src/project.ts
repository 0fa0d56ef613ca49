import { existsSync, realpathSync } from 'node:fs';
import { dirname, isAbsolute, join, relative, resolve, sep } from 'node:path';

import { toBuildError } from './mistake.ts';

/** The folder being built, and its entry file; both are real paths. */
export interface Project {
  root: string;
  entry: string;
}

/**
 * Finds the entry and the project around it.
 *
 * @throws BuildError if the entry does not exist.
 */
export function openProject(options: { entry: string; projectRoot?: string | undefined }): Project {
  const from = resolve(options.projectRoot ?? '.');
  const entry = isAbsolute(options.entry) ? options.entry : join(from, options.entry);
  if (!existsSync(entry)) {
    const hint = 'Check the path; it is taken relative to the project folder.';
    throw toBuildError([{ file: options.entry, what: 'the entry file does not exist', hint }]);
  }
  const realEntry = realpathSync(entry);
  const root = options.projectRoot === undefined ? nearestProject(dirname(realEntry)) : realpathSync(from);
  return { root, entry: realEntry };
}

function nearestProject(folder: string): string {
  for (let current = folder; ; current = dirname(current)) {
    if (existsSync(join(current, 'package.json'))) return current;
    if (dirname(current) === current) return folder;
  }
}

/**
 * How a file is called in messages, manifests and source maps: relative to the project, with slashes, and free
 * of where the project or its packages lie on this machine.
 */
export function displayPath(project: Project, file: string): string {
  const path = relative(project.root, file).split(sep).join('/');
  const at = `/${path}`.lastIndexOf('/node_modules/');
  return at < 0 ? path : path.slice(at);
}
