import type { MethodSpec, ParameterSpec, TypeSpec, EndpointSpec } from '@gantry/protocol';

/** Where an endpoint's argument comes from. */
export type ParameterSource =
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
  /** The whole form as `FormData`, or one field of it. */
  | 'form'
  | 'formField';

export interface SourcedParameter {
  spec: ParameterSpec;
  /** Position in the method's parameter list. */
  index: number;
  source: ParameterSource;
}

type Verb = EndpointSpec['method'];

/** Decides, by type and verb, where each parameter of an endpoint comes from. */
export function sourceParameters(method: MethodSpec, verb: Verb): SourcedParameter[] {
  const hasForm = method.params.some(({ type }) => type.type === 'form' || type.type === 'file');
  return method.params.map((spec, index) => ({ spec, index, source: sourceOf(spec.type, verb, hasForm) }));
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
  if (type.type === 'object') return 'json';
  if (hasForm) return 'formField';
  if (type.type === 'bytes') return 'bytes';
  return type.type === 'unknown' || type.type === 'array' ? 'json' : 'query';
}
