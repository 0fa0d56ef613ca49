import type { EvaluatedApp } from './evaluated-app.ts';
import { toBuildError } from './mistake.ts';

/**
 * Chooses the app that an entry is about: the one exported under the wanted name, else the one exported as `app`,
 * else the default export, else the only one exported, else the only one there is.
 *
 * @throws BuildError if there is none, or no way to tell.
 */
export function selectApp(
  apps: readonly EvaluatedApp[],
  entry: string,
  wanted: string | undefined,
): EvaluatedApp {
  const byName = (name: string): EvaluatedApp | undefined =>
    apps.find((app) => app.exportNames.includes(name));
  const chosen =
    (wanted === undefined ? undefined : byName(wanted)) ??
    byName('app') ??
    byName('default') ??
    onlyOne(exported(apps)) ??
    onlyOne(apps);
  if (chosen) return chosen;
  if (apps.length === 0) {
    const hint = 'Write: export const app = new App("my-app");';
    throw toBuildError([{ file: entry, what: 'no app is made here', hint }]);
  }
  const names = apps.map(({ name }) => (name === undefined ? 'one without a name' : `"${name}"`));
  const what = `${apps.length} apps are made here, ${names.join(' and ')}, and none is exported as "app"`;
  throw toBuildError([
    { file: entry, what, hint: 'Export the one to deploy as "app", or join them with app.include.' },
  ]);
}

function exported(apps: readonly EvaluatedApp[]): EvaluatedApp[] {
  return apps.filter((app) => app.exportNames.length > 0);
}

function onlyOne(apps: readonly EvaluatedApp[]): EvaluatedApp | undefined {
  return apps.length === 1 ? apps[0] : undefined;
}
