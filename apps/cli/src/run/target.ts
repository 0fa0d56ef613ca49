import type { EntrypointSpec, FunctionSpec, Manifest, MethodSpec } from '@gantry/protocol';

import { UsageError } from '../usage-error.ts';

/** The two halves of `file::name`. */
export interface TargetText {
  file: string;
  /** Undefined when only a file is named. */
  name: string | undefined;
}

/** What `gantry run` runs. */
export type RunTarget =
  /** On this machine. */
  | { type: 'entrypoint'; entrypoint: EntrypointSpec }
  /** In a container. */
  | { type: 'function'; spec: FunctionSpec; method: MethodSpec };

/**
 * Splits `src/app.ts::main`, `src/app.ts::app.main` and `src/app.ts::Class.method`.
 *
 * @throws UsageError if one of the halves is missing.
 */
export function parseTarget(text: string): TargetText {
  const [file = '', name, ...more] = text.split('::');
  if (file === '' || name === '' || more.length > 0) {
    throw new UsageError(`"${text}" is not a target`, {
      hint: 'Write it as <file>::<function>, such as app.ts::main.',
    });
  }
  return { file, name };
}

/** The name in `app.main` that may be that of the app; undefined where there is none. */
export function appPartOf({ name }: TargetText): string | undefined {
  const [first, ...rest] = name?.split('.') ?? [];
  return rest.length > 0 ? first : undefined;
}

/**
 * Finds what a name means in a manifest. Without a name: the only entrypoint, else the only function.
 *
 * @param appNames - What the app may be called in front of the name; `app` is always understood.
 * @throws UsageError that lists what there is.
 */
export function chooseTarget(
  manifest: Manifest,
  name: string | undefined,
  appNames: readonly string[] = [],
): RunTarget {
  const targets = listTargets(manifest);
  if (name === undefined) return chooseOnly(targets);
  const withoutApp = ['app', ...appNames]
    .filter((app) => name.startsWith(`${app}.`))
    .map((app) => name.slice(app.length + 1));
  const found = [name, ...withoutApp].flatMap(
    (wanted) => targets.find((target) => target.name === wanted) ?? [],
  );
  if (found[0]) return found[0].target;
  const cls = manifest.functions.find((spec) => spec.kind === 'class' && spec.name === name);
  if (cls)
    throw new UsageError(`"${name}" is a class; name one of its methods`, {
      hint: listNames(targets, `${name}.`),
    });
  throw new UsageError(`the app has nothing called "${name}"`, { hint: listNames(targets) });
}

interface NamedTarget {
  name: string;
  target: RunTarget;
}

function listTargets(manifest: Manifest): NamedTarget[] {
  const entrypoints = manifest.entrypoints.map((entrypoint): NamedTarget => ({
    name: entrypoint.name,
    target: { type: 'entrypoint', entrypoint },
  }));
  const functions = manifest.functions.flatMap((spec) =>
    spec.methods
      .filter((method) => method.callable)
      .map((method): NamedTarget => {
        const name = spec.kind === 'class' ? `${spec.name}.${method.name}` : spec.name;
        return { name, target: { type: 'function', spec, method } };
      }),
  );
  return [...entrypoints, ...functions];
}

function chooseOnly(targets: readonly NamedTarget[]): RunTarget {
  const entrypoints = targets.filter(({ target }) => target.type === 'entrypoint');
  const candidates = entrypoints.length > 0 ? entrypoints : targets;
  const [only, ...others] = candidates;
  if (only && others.length === 0) return only.target;
  if (!only)
    throw new UsageError('the app has nothing to run', { hint: 'Add a function or a local entrypoint.' });
  throw new UsageError('the app has several things to run; name one', { hint: listNames(candidates) });
}

function listNames(targets: readonly NamedTarget[], prefix = ''): string {
  const names = targets.map(({ name }) => name).filter((name) => name.startsWith(prefix));
  return names.length > 0 ? `Choose from: ${names.join(', ')}.` : 'It has nothing that can be run.';
}

/** How a target is called in messages. */
export function targetName(target: RunTarget): string {
  if (target.type === 'entrypoint') return target.entrypoint.name;
  return target.spec.kind === 'class' ? `${target.spec.name}.${target.method.name}` : target.spec.name;
}
