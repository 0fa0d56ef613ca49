import type {
  EntrypointSpec,
  FunctionSpec,
  Manifest,
  MethodSpec,
  ParameterSpec,
  ScheduleSpec,
  SourceSite,
  WebSpec,
} from '@gantry/protocol';

import { siteKey, type AppFacts, type ClassFacts, type HandlerFacts } from './app-facts.ts';
import { endpointMistakes } from './endpoint-rules.ts';
import type { EvaluatedApp, EvaluatedClass, EvaluatedFunction } from './evaluated-app.ts';
import { clusterConflicts } from './cluster-conflicts.ts';
import { toOptionsSpec } from './function-options.ts';
import type { HandlerKind } from './handler-kind.ts';
import { toBuildError, type Mistake } from './mistake.ts';
import { scheduleMistakes } from './schedule-rules.ts';

/**
 * Joins what the bundle registered with what the compiler knows.
 *
 * @throws BuildError for names used twice for endpoints with several bodies, and for parameters where nobody passes any.
 */
export function composeUnits(
  app: EvaluatedApp,
  facts: AppFacts,
  entry: string,
): Pick<Manifest, 'functions' | 'types' | 'entrypoints'> {
  const functions = app.functions.map((unit) =>
    unit.kind === 'function' ? functionSpec(unit, facts, entry) : classSpec(unit, facts, entry),
  );
  const entrypoints = app.entrypoints.map((item) => entrypointSpec(item, facts, entry));
  const mistakes = [
    ...nameless(functions),
    ...nameless(entrypoints),
    ...duplicates(functions),
    ...duplicates(entrypoints),
    ...endpointMistakes(functions),
    ...scheduleMistakes(functions),
    ...batchedGenerators(functions),
    ...clusterMistakes(functions),
  ];
  if (mistakes.length > 0) throw toBuildError(mistakes);
  const types = Object.fromEntries(facts.types);
  return { functions, ...(facts.types.size > 0 ? { types } : {}), entrypoints };
}

function functionSpec(unit: EvaluatedFunction, facts: AppFacts, entry: string): FunctionSpec {
  const known = unit.site && facts.handlers.get(siteKey(unit.site));
  const site = siteOf(unit.site, entry);
  const callable = !unit.web || unit.web.type === 'endpoint';
  const method: MethodSpec = {
    name: '',
    handlerKind: refine(unit.handlerKind, known),
    callable,
    params: callerParams(known?.params, unit.batched),
    ...(callable ? signatureOf(known, unit.batched) : {}),
    ...webOf(unit, known),
    ...docOf(known),
    site,
  };
  return {
    name: unit.name,
    kind: 'function',
    site,
    ...docOf(known),
    options: toOptionsSpec(unit.options, unit),
    ...scheduleOf(unit),
    methods: [method],
    parameters: [],
    hooks: { enter: [], exit: [] },
  };
}

function classSpec(unit: EvaluatedClass, facts: AppFacts, entry: string): FunctionSpec {
  const known = unit.site && facts.classes.get(siteKey(unit.site));
  const site = siteOf(unit.site, entry);
  return {
    name: unit.name,
    kind: 'class',
    site,
    ...docOf(known),
    options: toOptionsSpec(unit.options, unit),
    methods: unit.methods.map((method) => methodSpec(method, { known, site, batched: unit.batched })),
    parameters: unit.parameters.map((parameter) => parameterSpec(parameter, known)),
    hooks: {
      enter: unit.enter.map(({ name, snap }) => ({ name, snap })),
      exit: unit.exit.map(({ name }) => ({ name })),
    },
  };
}

interface Surroundings {
  known: ClassFacts | undefined;
  site: SourceSite;
  batched: EvaluatedClass['batched'];
}

function methodSpec(
  method: EvaluatedClass['methods'][number],
  { known, site, batched }: Surroundings,
): MethodSpec {
  const facts = known?.methods.get(method.name);
  return {
    name: method.name,
    handlerKind: refine(method.handlerKind, facts),
    callable: method.callable,
    params: callerParams(facts?.params, batched),
    ...(method.callable ? signatureOf(facts, batched) : {}),
    ...webOf({ ...method, batched }, facts),
    ...docOf(facts),
    site: facts?.site ?? site,
  };
}

function parameterSpec(
  { name, hasDefault }: EvaluatedClass['parameters'][number],
  known: ClassFacts | undefined,
): ParameterSpec {
  const spec = known?.parameters.get(name);
  return {
    ...(spec ?? { name, type: { type: 'unknown' } }),
    optional: (spec?.optional ?? false) || hasDefault,
  };
}

function entrypointSpec(
  item: EvaluatedApp['entrypoints'][number],
  facts: AppFacts,
  entry: string,
): EntrypointSpec {
  const known = item.site && facts.handlers.get(siteKey(item.site));
  const site = siteOf(item.site, entry);
  return { name: item.name, params: known?.params ?? anyArguments(), ...docOf(known), site };
}

// A function that only returns what another one makes looks synchronous; its return type knows better.
function refine(evaluated: HandlerKind, known: HandlerFacts | undefined): HandlerKind {
  return evaluated === 'sync' ? (known?.returns ?? 'sync') : evaluated;
}

// A batched body takes lists, its callers pass single values: the manifest speaks of callers.
function callerParams(params: ParameterSpec[] | undefined, batched: object | undefined): ParameterSpec[] {
  if (!params || !batched) return params ?? anyArguments();
  return params.map((param) => (param.type.type === 'array' ? { ...param, type: param.type.items } : param));
}

function signatureOf(
  known: HandlerFacts | undefined,
  batched: object | undefined,
): Pick<MethodSpec, 'signature'> {
  return known ? { signature: known.signature(batched !== undefined) } : {};
}

// What a batched body returns is for many requests.
function webOf(
  { web, batched }: { web?: WebSpec | undefined; batched?: object | undefined },
  known: HandlerFacts | undefined,
): Pick<MethodSpec, 'web'> {
  if (!web) return {};
  const response = web.type === 'endpoint' && web.docs && !batched ? known?.response() : undefined;
  return { web: response ? { ...web, response } : web } as Pick<MethodSpec, 'web'>;
}

// Registered by a wrapper, so that no source line says what it takes.
function anyArguments(): ParameterSpec[] {
  return [{ name: 'args', type: { type: 'array', items: { type: 'unknown' } }, optional: true, rest: true }];
}

function siteOf(site: SourceSite | undefined, entry: string): SourceSite {
  return site ? { file: site.file, line: site.line } : { file: entry, line: 1 };
}

function docOf(facts: { doc?: string | undefined } | undefined): { doc?: string } {
  return facts?.doc === undefined ? {} : { doc: facts.doc };
}

// The SDK's schedules turn themselves into what the manifest says.
function scheduleOf({ options }: EvaluatedFunction): { schedule?: ScheduleSpec } {
  const { schedule } = options as { schedule?: ScheduleSpec };
  return schedule === undefined ? {} : { schedule };
}

function nameless(items: readonly { name: string; site: SourceSite }[]): Mistake[] {
  const what = 'this function has no name';
  const hint = 'Assign it to a constant, or set the option `name`.';
  return items.filter(({ name }) => name === '').map(({ site }) => ({ ...site, what, hint }));
}

function duplicates(items: readonly { name: string; site: SourceSite }[]): Mistake[] {
  const first = new Map<string, SourceSite>();
  const mistakes: Mistake[] = [];
  for (const { name, site } of items.filter((item) => item.name !== '')) {
    const other = first.get(name);
    if (!other) {
      first.set(name, site);
      continue;
    }
    const what = `the name "${name}" is taken by ${other.file}:${other.line}`;
    mistakes.push({ ...site, what, hint: 'Rename one, or set the option `name`.' });
  }
  return mistakes;
}

function batchedGenerators(functions: readonly FunctionSpec[]): Mistake[] {
  return functions.flatMap(({ name, options, methods }) =>
    methods.flatMap(({ handlerKind, site }) => {
      if (!options.batching || !handlerKind.toLowerCase().endsWith('generator')) return [];
      const what = `"${name}" is batched and a generator`;
      return [{ ...site, what, hint: 'Return a list with one result for each input.' }];
    }),
  );
}

function clusterMistakes(functions: readonly FunctionSpec[]): Mistake[] {
  return functions.flatMap((spec) =>
    clusterConflicts(spec).map(({ site, what, hint }) => ({ ...site, what, hint })),
  );
}
