import type { MethodSpec, ParameterSpec, TypeSpec, EndpointSpec } from '@gantry/protocol';

import { namesIn } from './route-path.ts';

/** Where an endpoint's argument comes from. */
export type ParameterSource =
  /** The part of the path that has its name. */
  | 'path'
  /** A header. */
  | 'header'
  /** Query parameters of the same name. */
  | 'query'
  /** An object whose fields are query parameters: an object parameter of a verb without a body. */
  | 'queryFields'
  /** The JSON body; a field of it if several parameters come from there. */
  | 'json'
  /** The body as it is. */
  | 'bytes'
  /** The web `Request`. */
  | 'request'
  /** The whole form as `FormData`, one field of it, or an object whose fields are fields of it. */
  | 'form'
  | 'formField'
  | 'formFields';

export interface SourcedParameter {
  spec: ParameterSpec;
  /** Position in the method's parameter list. */
  index: number;
  source: ParameterSource;
}

type Verb = EndpointSpec['method'];

/** Decides, by the endpoint's options, the types and the verb, where each parameter of an endpoint comes from. */
export function sourceParameters(method: MethodSpec, web: EndpointSpec): SourcedParameter[] {
  const { path = '/', headers = {}, form = false } = web;
  const hasForm = form || method.params.some(({ type }) => isOfForm(type));
  const inPath = namesIn(path);
  return method.params.map((spec, index) => {
    const named = inPath.has(spec.name) ? 'path' : Object.hasOwn(headers, spec.name) ? 'header' : undefined;
    return { spec, index, source: named ?? sourceOf(spec.type, web.method, hasForm) };
  });
}

function isOfForm(type: TypeSpec): boolean {
  return (
    type.type === 'form' || type.type === 'file' || (type.type === 'array' && type.items.type === 'file')
  );
}

function sourceOf(type: TypeSpec, verb: Verb, hasForm: boolean): ParameterSource {
  switch (type.type) {
    case 'request':
    case 'form':
      return type.type;
    case 'file':
      return 'formField';
    default:
      break;
  }
  const hasBody = verb === 'POST' || verb === 'PUT' || verb === 'PATCH';
  if (!hasBody) return type.type === 'object' ? 'queryFields' : 'query';
  if (hasForm) return type.type === 'object' ? 'formFields' : 'formField';
  if (type.type === 'object') return 'json';
  if (type.type === 'bytes') return 'bytes';
  return type.type === 'unknown' || type.type === 'array' ? 'json' : 'query';
}
