import { InvalidError } from '@gantry/protocol';

import { posix } from '../node-modules.ts';
import { keepIgnore, type LocalPath } from './draft-steps.ts';
import { FilePatternMatcher } from './file-pattern-matcher.ts';
import type { AddLocalSourceOptions, Ignore } from './image-options.ts';
import { checkRemotePath, checkText, splitWords } from './step-checks.ts';

/** One file and the folder it goes to. */
export function fileUnder(
  subject: string,
  localPath: string,
  remotePath: string,
): { remotePath: string; paths: LocalPath[] } {
  checkText(subject, localPath);
  checkRemotePath(subject, remotePath);
  const target = remotePath.endsWith('/') ? remotePath + baseName(localPath) : remotePath;
  const name = posix.basename(target);
  return {
    remotePath: posix.normalize(posix.dirname(target)),
    paths: [{ kind: 'file', path: localPath, name }],
  };
}

/** A folder and where what it holds goes to. */
export function folderUnder(
  subject: string,
  { localPath, remotePath, ignore }: { localPath: string; remotePath: string; ignore?: number | undefined },
): { remotePath: string; paths: LocalPath[] } {
  checkText(subject, localPath);
  checkRemotePath(subject, remotePath);
  const target = posix.normalize(remotePath).replace(/(?<=.)\/$/, '');
  return { remotePath: target, paths: [{ kind: 'folder', path: localPath, name: '', ignore }] };
}

/** Takes `(...names, options?)` of packages apart. */
export function splitSources(
  subject: string,
  args: readonly unknown[],
): { words: string[]; options: Partial<AddLocalSourceOptions> } {
  const { words, options } = splitWords<AddLocalSourceOptions>(subject, args, ['copy', 'ignore']);
  for (const name of words) {
    if (/^(?:@[\w.~-]+\/)?[\w~-][\w.~-]*$/.test(name)) continue;
    throw new InvalidError(`${subject}: "${name}" is no name of a package`, {
      hint: 'Name a package of the workspace, such as @acme/lib. For a folder there is addLocalDir.',
    });
  }
  return { words, options };
}

/** Packages of the workspace below the working directory. */
export function sourcesUnder(
  subject: string,
  names: readonly string[],
  ignore: Ignore | undefined,
): { remotePath: string; paths: LocalPath[] } {
  const rule = ignoreRef(subject, ignore ?? ((path) => !/\.(?:[cm]?[jt]sx?|json)$/.test(path)));
  return {
    remotePath: '.',
    paths: names.map((name) => ({ kind: 'source', path: name, name, ignore: rule })),
  };
}

/** Files by the names that `COPY` calls them by. */
export function namedFiles(subject: string, files: Readonly<Record<string, string>>): LocalPath[] {
  if (typeof files !== 'object' || files === null || Array.isArray(files)) {
    throw new InvalidError(
      `${subject}: contextFiles must map names to paths, such as { 'a.txt': 'data/a.txt' }`,
    );
  }
  return Object.entries(files).map(([name, path]) => {
    checkText(`${subject}: contextFiles`, path);
    checkRemotePath(`${subject}: contextFiles`, name);
    return { kind: 'file', path, name: posix.normalize(name).replace(/^\/+/, '') };
  });
}

/** Keeps what says which files are left out, where the build step finds it. */
export function ignoreRef(subject: string, ignore: Ignore): number {
  if (typeof ignore === 'function') {
    return keepIgnore({ matches: (path) => ignore(path) === true, prunes: false });
  }
  if (isMatcher(ignore)) return keepIgnore(ignore);
  if (!Array.isArray(ignore)) {
    throw new InvalidError(
      `${subject}: ignore must be a list of patterns, a FilePatternMatcher or a function`,
    );
  }
  return keepIgnore(new FilePatternMatcher(...(ignore as string[])));
}

/** @throws {@link InvalidError} for an option that is neither true nor false. */
export function checkFlags(subject: string, flags: Readonly<Record<string, unknown>>): void {
  for (const [name, value] of Object.entries(flags)) {
    if (value === undefined || typeof value === 'boolean') continue;
    throw new InvalidError(`${subject}: ${name} must be true or false, not ${String(value)}`);
  }
}

function baseName(localPath: string): string {
  return localPath.split(/[\\/]/).filter(Boolean).at(-1) ?? '';
}

// Not by instanceof: a program may hold two copies of the SDK.
function isMatcher(ignore: unknown): ignore is FilePatternMatcher {
  return (
    typeof ignore === 'object' &&
    ignore !== null &&
    'matches' in ignore &&
    typeof ignore.matches === 'function'
  );
}
