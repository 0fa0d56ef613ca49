import { InvalidError } from '@gantry/protocol';

/**
 * The names of apps under which a function or class may be deployed, in the order in which to look.
 *
 * @throws {@link InvalidError} if it has no name itself, or none of the apps has one.
 */
export function candidateApps(name: string, apps: readonly (string | undefined)[]): string[] {
  if (name === '') {
    throw new InvalidError('this function has no name and cannot be called remotely', {
      hint: 'Start the program with `gantry run`, or name it: app.function({ name: "square" }, ...).',
    });
  }
  const known = apps.filter((candidate) => candidate !== undefined);
  if (known.length > 0) return known;
  throw new InvalidError(`the app of "${name}" has no name, so its deployment cannot be found`, {
    hint: 'Start the program with `gantry run`, or give the app a name.',
  });
}
