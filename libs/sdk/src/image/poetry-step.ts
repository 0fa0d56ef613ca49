import { InvalidError } from '@gantry/protocol';

import type { DraftStep, LocalPath } from './draft-steps.ts';
import type { PoetryInstallOptions } from './image-options.ts';
import { checkFlags } from './local-paths.ts';
import { checkStepKeys, checkText, checkTexts, stepFields } from './step-checks.ts';

const LISTS = ['with', 'without', 'only'] as const;
const LOCK_FILE = 'poetry.lock';
const NO_LOCK = 'Write it with "poetry lock", name another one as `lockfile`, or set `ignoreLockfile`.';

/** A step that installs what a project of Poetry depends on. */
export function poetryStep(
  subject: string,
  path: string,
  options: PoetryInstallOptions,
): Omit<DraftStep, 'stack'> {
  checkText(subject, path);
  checkStepKeys(subject, options, ['lockfile', 'ignoreLockfile', 'oldInstaller', ...LISTS]);
  checkTexts(subject, options, ['lockfile']);
  const { lockfile, ignoreLockfile = false, oldInstaller } = options;
  checkFlags(subject, { ignoreLockfile, oldInstaller });
  checkGroups(subject, options);
  if (ignoreLockfile && lockfile !== undefined) {
    throw new InvalidError(`${subject}: there is a lockfile, and ignoreLockfile says not to read it`, {
      hint: 'Leave one of the two out.',
    });
  }
  const lock = lockfile ?? path.replace(/[^/]*$/, LOCK_FILE);
  const paths: LocalPath[] = [
    { kind: 'file', path, name: 'pyproject.toml' },
    ...(ignoreLockfile ? [] : [{ kind: 'file' as const, path: lock, name: LOCK_FILE, hint: NO_LOCK }]),
  ];
  const groups = Object.fromEntries(
    LISTS.flatMap((key) => (options[key]?.length ? [[key, [...options[key]]]] : [])),
  );
  const flags = ignoreLockfile ? { ignoreLockfile: true as const } : {};
  const spec = { type: 'poetry', ...flags, ...groups, ...stepFields(subject, options) } as const;
  return { spec, local: { field: 'files', paths } };
}

function checkGroups(subject: string, options: PoetryInstallOptions): void {
  for (const key of LISTS) {
    const names: unknown = options[key];
    if (names === undefined) continue;
    if (!Array.isArray(names)) throw new InvalidError(`${subject}: ${key} must be a list of groups`);
    for (const name of names as unknown[]) checkText(`${subject}: ${key}`, name);
  }
  if (!options.only?.length || !(options.with?.length || options.without?.length)) return;
  throw new InvalidError(`${subject}: only says all groups, so there is nothing for with and without`, {
    hint: 'Leave them out, or leave only out.',
  });
}
