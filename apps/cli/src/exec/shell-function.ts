import type { FunctionOptionsSpec, FunctionSpec, Manifest } from '@gantry/protocol';

import type { BuiltApp } from '../deploy/build-input.ts';
import { createPrompt } from '../terminal/prompt.ts';
import { UsageError } from '../usage-error.ts';

/**
 * Finds the function or class whose containers a shell is to see; the method after a class does not matter. Of
 * several that are not named, a person is asked for one.
 *
 * @throws UsageError that lists what there is.
 */
export async function chooseShellFunction(
  { manifest: { functions }, exportNames }: Pick<BuiltApp, 'manifest' | 'exportNames'>,
  name: string | undefined,
): Promise<FunctionSpec> {
  if (name !== undefined) return findFunction(functions, name, exportNames);
  const [only, ...others] = functions;
  if (!only) throw new UsageError('the app has no functions', { hint: 'Add one.' });
  if (others.length === 0) return only;
  const names = functions.map((spec) => spec.name).join(', ');
  if (process.stdin.isTTY !== true) {
    throw new UsageError('the app has several functions; name one', { hint: `Choose from: ${names}.` });
  }
  using prompt = createPrompt({ input: process.stdin, output: process.stderr });
  return findFunction(
    functions,
    await prompt.ask(`Shell of which function (${names})? `, 'the function'),
    exportNames,
  );
}

function findFunction(
  functions: readonly FunctionSpec[],
  name: string,
  appNames: readonly string[],
): FunctionSpec {
  const parts = name.split('.');
  const withoutApp = ['app', ...appNames].includes(parts[0] ?? '') ? parts.slice(1) : parts;
  for (const wanted of [parts[0], withoutApp[0]]) {
    const found = functions.find((spec) => spec.name === wanted);
    if (found) return found;
  }
  throw new UsageError(`the app has no function or class "${name}"`, {
    hint: `Choose from: ${functions.map((spec) => spec.name).join(', ') || 'none'}.`,
  });
}

/** The function alone, as a shell needs it: nothing in it starts by itself, or answers anybody. */
export function manifestForShell(manifest: Manifest, spec: FunctionSpec): Manifest {
  const { schedule: _schedule, methods, options, ...rest } = spec;
  const quiet: FunctionSpec = {
    ...rest,
    options: withoutScaling(options),
    methods: methods.map(({ web: _web, ...method }) => method),
  };
  return { ...manifest, functions: [quiet], entrypoints: [] };
}

function withoutScaling(options: FunctionOptionsSpec): FunctionOptionsSpec {
  const { minContainers: _min, maxContainers: _max, bufferContainers: _buffer, ...rest } = options;
  return rest;
}
