import {
  assertEnvironmentName,
  assertWebSuffix,
  type ChangeEnvironmentRequest,
  DEFAULTS,
  type EnvironmentRecord,
  type EnvironmentsRecord,
  GantryError,
  InvalidError,
  slug,
} from '@gantry/protocol';

/** They are kept in one record, which must stay small. */
const MOST_ENVIRONMENTS = 1_000;

/**
 * Names, ids and suffixes of a list belong to one environment each.
 *
 * @throws InvalidError for names and suffixes that cannot be, GantryError `CONFLICT` for those that another one has.
 */
export function withEnvironment(list: EnvironmentsRecord, added: EnvironmentRecord): EnvironmentsRecord {
  assertEnvironmentName(added.name);
  assertWebSuffix(added.webSuffix);
  assertFree(list, added);
  if (list.environments.length >= MOST_ENVIRONMENTS) {
    throw new GantryError('CONFLICT', `the workspace has ${MOST_ENVIRONMENTS} environments already`, {
      hint: 'Delete those that nobody needs: gantry environment delete <name>',
    });
  }
  return { ...list, environments: [...list.environments, added] };
}

/**
 * @throws InvalidError where there is nothing to change, for what cannot be, and for another name of `main`; GantryError
 * `CONFLICT` for what another one has.
 */
export function withChange(
  list: EnvironmentsRecord,
  id: string,
  { name, webSuffix }: ChangeEnvironmentRequest,
): EnvironmentsRecord {
  if (name === undefined && webSuffix === undefined) {
    throw new InvalidError('nothing of the environment is to change', {
      hint: 'Give a new name, or a new web suffix.',
    });
  }
  const present = list.environments.find((one) => one.id === id);
  if (!present) return list;
  const changed = {
    ...present,
    ...(name !== undefined && { name }),
    ...(webSuffix !== undefined && { webSuffix }),
  };
  if (changed.name !== present.name) {
    if (id === DEFAULTS.environment) throw keepsName('renamed');
    assertEnvironmentName(changed.name);
  }
  assertWebSuffix(changed.webSuffix);
  assertFree(list, changed);
  return { ...list, environments: list.environments.map((one) => (one.id === id ? changed : one)) };
}

/** @throws InvalidError for `main`. */
export function withoutEnvironment(
  list: EnvironmentsRecord,
  id: string,
  deletedAtMs: number,
): EnvironmentsRecord {
  if (id === DEFAULTS.environment) throw keepsName('deleted');
  const gone = list.environments.find((one) => one.id === id);
  if (!gone) return list;
  return {
    environments: list.environments.filter((one) => one !== gone),
    deleted: [...list.deleted, { id, name: gone.name, deletedAtMs }],
  };
}

/** @throws InvalidError for a name without letters and digits. */
export function defaultSuffix(name: string): string {
  assertEnvironmentName(name);
  const suffix = slug(name);
  if (suffix !== '') return suffix;
  throw new InvalidError(`no web suffix can be made of the name "${name}"`, {
    hint: 'Give it one: --web-suffix <text>',
  });
}

function assertFree({ environments }: EnvironmentsRecord, wanted: EnvironmentRecord): void {
  const others = environments.filter(({ id }) => id !== wanted.id);
  const namesake = others.find(({ id, name }) => name === wanted.name || id === wanted.name);
  if (namesake) {
    // What an earlier version kept under a name is found by it for good.
    const why = namesake.name === wanted.name ? '' : `: "${namesake.name}" was called so first`;
    throw new GantryError('CONFLICT', `there is an environment "${wanted.name}" already${why}`, {
      hint: 'Use it, or choose another name.',
    });
  }
  const owner = others.find(({ webSuffix }) => webSuffix === wanted.webSuffix);
  if (!owner) return;
  const what = wanted.webSuffix === '' ? 'has no web suffix' : `has the web suffix "${wanted.webSuffix}"`;
  throw new GantryError('CONFLICT', `the environment "${owner.name}" ${what} already`, {
    hint:
      wanted.webSuffix === ''
        ? `One can be without. Give that one a suffix first: gantry environment update ${owner.name} --set-web-suffix <text>`
        : `Give "${wanted.name}" another one: --web-suffix <text>, or --set-web-suffix <text> of an update.`,
  });
}

function keepsName(what: string): InvalidError {
  return new InvalidError(`the environment "${DEFAULTS.environment}" cannot be ${what}`, {
    hint: 'It is where everything goes that names no environment.',
  });
}
