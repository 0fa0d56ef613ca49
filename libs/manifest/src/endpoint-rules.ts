import type { EndpointSpec, FunctionSpec, MethodSpec, ParameterSpec } from '@gantry/protocol';

import type { Mistake } from './mistake.ts';

/** What no request could be turned into the arguments of. */
export function endpointMistakes(functions: readonly FunctionSpec[]): Mistake[] {
  return functions.flatMap(({ name, methods }) =>
    methods.flatMap((method) => {
      const subject = method.name === '' ? name : `${name}.${method.name}`;
      if (!method.web) return [];
      if (method.web.type !== 'endpoint') return takesParameters(subject, method);
      return [...severalBodies(subject, method), ...wrongSources(subject, method, method.web)];
    }),
  );
}

function takesParameters(subject: string, { params, site }: MethodSpec): Mistake[] {
  if (params.length === 0) return [];
  const what = `"${subject}" makes a web app and takes parameters`;
  const hint =
    'It is called once per container, without arguments: use parameters of a class, which come from the query.';
  return [{ ...site, what, hint }];
}

function severalBodies(subject: string, { params, site }: MethodSpec): Mistake[] {
  const bodies = params.filter(({ type }) => type.type === 'object').map((param) => `"${param.name}"`);
  if (bodies.length < 2) return [];
  const what = `the endpoint "${subject}" takes ${bodies.length} bodies, ${bodies.join(' and ')}`;
  return [{ ...site, what, hint: 'A request has one body: put all fields into one class.' }];
}

function wrongSources(
  subject: string,
  { params, site }: MethodSpec,
  { path = '/', headers = {} }: EndpointSpec,
): Mistake[] {
  const named = [
    ...[...path.matchAll(/:(\w+)/g)].map(([, name = '']) => ({ name, source: `the path "${path}"` })),
    ...Object.entries(headers).map(([name, header]) => ({ name, source: `the header "${header}"` })),
  ];
  return named.flatMap(({ name, source }) => {
    const parameter = params.find((candidate) => candidate.name === name);
    if (!parameter) {
      const what = `the endpoint "${subject}" takes "${name}" from ${source}, and has no such parameter`;
      return [{ ...site, what, hint: `Add a parameter called "${name}", or correct the option.` }];
    }
    if (isText(parameter)) return [];
    const what = `the endpoint "${subject}" takes "${name}" from ${source}, which holds only text`;
    return [{ ...site, what, hint: 'Give it the type string, number, boolean, bigint, Date or an enum.' }];
  });
}

const TEXTS = new Set(['string', 'number', 'integer', 'boolean', 'bigint', 'date', 'enum', 'unknown']);

function isText({ type, rest }: ParameterSpec): boolean {
  return TEXTS.has(type.type) && !rest;
}
