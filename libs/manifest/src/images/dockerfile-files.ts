import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';

import { FilePatternMatcher, type DockerfileDraft } from 'gantry/internal';

import { toBuildError } from '../mistake.ts';
import { copiedFiles, isTaken } from './dockerfile-context.ts';
import type { Ignored } from './folder-walk.ts';
import {
  findFolderFiles,
  findLocalFiles,
  sortedByName,
  type ArchiveFile,
  type LocalFilesOptions,
} from './local-files.ts';

/**
 * The text of a Dockerfile.
 *
 * @throws BuildError if there is none.
 */
export function dockerfileText(
  path: string,
  { root, site }: Pick<LocalFilesOptions, 'root' | 'site'>,
): string {
  const file = resolve(root, path);
  if (existsSync(file)) return readFileSync(file, 'utf8');
  const hint = `Check the path; it is taken relative to the project's folder, ${root}.`;
  throw toBuildError([{ ...site, what: `the Dockerfile "${path}" does not exist`, hint }]);
}

/**
 * Finds the files that the COPY and ADD lines of a Dockerfile take.
 *
 * @throws BuildError for one that is not there.
 */
export async function dockerfileFiles(
  draft: DockerfileDraft,
  text: string,
  options: LocalFilesOptions,
): Promise<ArchiveFile[]> {
  const copied = copiedFiles(text);
  const named = await findLocalFiles(draft.files, options);
  const names = new Set(named.map(({ name }) => name));
  const { copiesAny, sources } = copied;
  if (!copiesAny || (sources.length > 0 && sources.every((source) => names.has(source)))) return named;
  const path = draft.contextDir ?? '.';
  const ignored = ignoredBy(draft, resolve(options.root, path), options);
  const inFolder = await findFolderFiles({ path, ignored, wanted: copied }, options);
  const files = sortedByName([...inFolder, ...named]);
  assertTaken(sources, files, { path, options });
  return files;
}

function ignoredBy(draft: DockerfileDraft, context: string, options: LocalFilesOptions): Ignored {
  const { ignore } = draft;
  if (ignore !== undefined) return (paths) => options.askIgnored(ignore, paths);
  const file = ignoreFileOf(draft, context, options.root);
  const matcher =
    file === undefined
      ? new FilePatternMatcher()
      : FilePatternMatcher.fromText(readFileSync(file, 'utf8'), file);
  const prunes = matcher.prunes;
  return (paths) => Promise.resolve({ ignored: paths.map((path) => matcher.matches(path)), prunes });
}

function ignoreFileOf({ path }: DockerfileDraft, context: string, root: string): string | undefined {
  const file = path === undefined ? undefined : resolve(root, path);
  const beside = file === undefined ? [] : [`${file}.dockerignore`, join(dirname(file), '.dockerignore')];
  return [...beside, join(context, '.dockerignore'), join(root, '.dockerignore')].find((candidate) =>
    existsSync(candidate),
  );
}

function assertTaken(
  sources: readonly string[],
  files: readonly ArchiveFile[],
  { path, options }: { path: string; options: LocalFilesOptions },
): void {
  const names = files.map(({ name }) => name);
  const missing = sources.find((source) => !isTaken(source, names));
  if (missing === undefined) return;
  const what = `the Dockerfile copies "${missing}", which is not in "${path}", or left out by a .dockerignore`;
  throw toBuildError([{ ...options.site, what, hint: 'Correct the path, or say another `contextDir`.' }]);
}
