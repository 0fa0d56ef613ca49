import type {
  EndpointSpec,
  FunctionSpec,
  MethodSpec,
  ParameterSpec,
  ResponseSpec,
  TypeSpec,
} from '@gantry/protocol';

import { sourceParameters, type SourcedParameter } from './parameter-source.ts';
import { templateOf } from './route-path.ts';
import { withRules } from './rule-schema.ts';
import { findRuledClass } from './validation.ts';

type Schema = Record<string, unknown>;
type Schemas = Record<string, Schema>;

/** An OpenAPI 3.1 description of one endpoint. */
export interface OpenApiDocument {
  openapi: '3.1.0';
  info: { title: string; version: string; description?: string };
  servers: { url: string }[];
  paths: Record<string, Record<string, Schema>>;
  components: { schemas: Schemas };
}

const VALIDATION_ERROR: Schema = {
  type: 'object',
  required: ['loc', 'msg', 'type'],
  properties: {
    loc: { type: 'array', items: { anyOf: [{ type: 'string' }, { type: 'integer' }] } },
    msg: { type: 'string' },
    type: { type: 'string' },
  },
};

const HTTP_VALIDATION_ERROR: Schema = {
  type: 'object',
  properties: { detail: { type: 'array', items: { $ref: '#/components/schemas/ValidationError' } } },
};

/** Describes an endpoint from its manifest entry. */
export function openApiDocument(spec: FunctionSpec, method: MethodSpec, web: EndpointSpec): OpenApiDocument {
  const schemas: Schemas = {};
  const sourced = sourceParameters(method, web);
  const operation: Schema = {
    operationId: method.name === '' ? spec.name : `${spec.name}_${method.name}`,
    ...describe(method.doc),
    parameters: [
      ...spec.parameters.map((parameter) => queryParameter(parameter, schemas)),
      ...sourced.flatMap((parameter) => parametersOf(parameter, web, schemas)),
    ],
    ...requestBody(sourced, schemas),
    responses: responses(web, schemas),
  };
  const description = spec.doc ?? method.doc;
  return {
    openapi: '3.1.0',
    info: {
      title: method.name === '' ? spec.name : `${spec.name}.${method.name}`,
      version: '1.0.0',
      ...(description === undefined ? {} : { description }),
    },
    servers: [{ url: '/' }],
    paths: { [templateOf(web.path ?? '/')]: { [web.method.toLowerCase()]: operation } },
    components: {
      schemas: { ...schemas, ValidationError: VALIDATION_ERROR, HTTPValidationError: HTTP_VALIDATION_ERROR },
    },
  };
}

function describe(doc: string | undefined): Schema {
  if (doc === undefined || doc === '') return {};
  const [summary = ''] = doc.split('\n');
  return doc === summary ? { summary } : { summary, description: doc };
}

function responses(
  { response = { contentType: 'application/json', schema: {} } }: EndpointSpec,
  schemas: Schemas,
): Schema {
  const { contentType, ...described } = response;
  const schema = withComponents(described, schemas);
  return {
    200: {
      description: 'Successful response',
      content: { [contentType]: schema === undefined ? {} : { schema } },
    },
    422: {
      description: 'Validation error',
      content: { 'application/json': { schema: { $ref: '#/components/schemas/HTTPValidationError' } } },
    },
  };
}

/** Adds what a response refers to. A class that requests have, too, is there already, with its rules. */
function withComponents(
  { schema, components = {} }: Omit<ResponseSpec, 'contentType'>,
  schemas: Schemas,
): unknown {
  const taken: Schemas = {
    ...schemas,
    ValidationError: VALIDATION_ERROR,
    HTTPValidationError: HTTP_VALIDATION_ERROR,
  };
  const names = new Map<string, string>();
  for (const [name, component] of Object.entries(components as Schemas)) {
    const before = taken[name];
    const isSame = before !== undefined && fieldNames(before) === fieldNames(component);
    names.set(name, before === undefined || isSame ? name : `${name}Response`);
  }
  const renamed = (part: unknown): unknown =>
    JSON.parse(JSON.stringify(part), (key, value: unknown) => {
      const name = key === '$ref' ? String(value).split('/').at(-1) : undefined;
      return name === undefined ? value : `#/components/schemas/${names.get(name) ?? name}`;
    });
  for (const [name, component] of Object.entries(components as Schemas)) {
    schemas[names.get(name) ?? name] ??= renamed(component) as Schema;
  }
  return schema === undefined ? undefined : renamed(schema);
}

function fieldNames({ properties = {} }: Schema): string {
  return Object.keys(properties as Schemas)
    .sort()
    .join();
}

function parametersOf(
  { spec, source }: SourcedParameter,
  { headers = {} }: EndpointSpec,
  schemas: Schemas,
): Schema[] {
  if (source === 'path') return [{ ...queryParameter(spec, schemas), in: 'path', required: true }];
  if (source === 'header')
    return [{ ...queryParameter(spec, schemas), name: headers[spec.name], in: 'header' }];
  if (source === 'query') return [queryParameter(spec, schemas)];
  if (source !== 'queryFields' || spec.type.type !== 'object') return [];
  return spec.type.fields.map((field) => queryParameter(field, schemas));
}

function queryParameter(parameter: ParameterSpec, schemas: Schemas): Schema {
  return {
    name: parameter.name,
    in: 'query',
    required: !parameter.optional && !parameter.rest,
    ...(parameter.doc === undefined ? {} : { description: parameter.doc }),
    schema: withDefault(toSchema(parameter.type, schemas), parameter),
  };
}

function requestBody(sourced: readonly SourcedParameter[], schemas: Schemas): Schema {
  const form = sourced.filter(({ source }) => source.startsWith('form'));
  if (form.length > 0) {
    const fields = form.flatMap(({ spec, source }) => {
      if (source === 'formFields' && spec.type.type === 'object') return spec.type.fields;
      return source === 'formField' ? [spec] : [];
    });
    return bodyOf('multipart/form-data', objectSchema(fields, schemas), true);
  }
  const json = sourced.filter(({ source }) => source === 'json').map(({ spec }) => spec);
  const [only] = json;
  if (json.length > 1) return bodyOf('application/json', objectSchema(json, schemas), true);
  if (only) return bodyOf('application/json', toSchema(only.type, schemas), !only.optional);
  if (sourced.some(({ source }) => source === 'bytes')) {
    return bodyOf('application/octet-stream', { type: 'string', format: 'binary' }, true);
  }
  return {};
}

function bodyOf(contentType: string, schema: Schema, required: boolean): Schema {
  return { requestBody: { required, content: { [contentType]: { schema } } } };
}

function objectSchema(fields: readonly ParameterSpec[], schemas: Schemas): Schema {
  const required = fields.filter(({ optional }) => !optional).map(({ name }) => name);
  return {
    type: 'object',
    properties: Object.fromEntries(fields.map((field) => [field.name, fieldSchema(field, schemas)])),
    ...(required.length > 0 ? { required } : {}),
  };
}

function fieldSchema(field: ParameterSpec, schemas: Schemas): Schema {
  const schema = withDefault(toSchema(field.type, schemas), field);
  return field.doc === undefined ? schema : { ...schema, description: field.doc };
}

function withDefault(schema: Schema, { defaultValue }: ParameterSpec): Schema {
  return defaultValue === undefined ? schema : { ...schema, default: defaultValue };
}

/** The fields of a class, with what its rules say of them. */
function ruledSchema(className: string, fields: readonly ParameterSpec[], schemas: Schemas): Schema {
  const schema = objectSchema(fields, schemas);
  const target = findRuledClass(className, new Set(fields.map(({ name }) => name)));
  const properties = Object.entries(schema['properties'] as Schemas);
  const ruled = properties.map(([name, field]) => [name, withRules(field, target, name)]);
  return { ...schema, properties: Object.fromEntries(ruled) as Schemas };
}

/** A type as JSON Schema; classes become components, which lets them contain themselves. */
function toSchema(type: TypeSpec, schemas: Schemas): Schema {
  const schema = toValueSchema(type, schemas);
  return type.nullable ? { anyOf: [schema, { type: 'null' }] } : schema;
}

function toValueSchema(type: TypeSpec, schemas: Schemas): Schema {
  switch (type.type) {
    case 'string':
    case 'number':
    case 'integer':
    case 'boolean':
      return { type: type.type };
    case 'bigint':
      return { type: 'integer' };
    case 'date':
      return { type: 'string', format: 'date-time' };
    case 'bytes':
      return { type: 'string', contentEncoding: 'base64' };
    case 'file':
      return { type: 'string', format: 'binary' };
    case 'enum':
      return { enum: type.values };
    case 'array':
      return { type: 'array', items: toSchema(type.items, schemas) };
    case 'object':
      return toObjectSchema(type, schemas);
    default:
      return {};
  }
}

function toObjectSchema(type: Extract<TypeSpec, { type: 'object' }>, schemas: Schemas): Schema {
  if (type.className === undefined)
    return type.fields.length > 0 ? objectSchema(type.fields, schemas) : { type: 'object' };
  if (!schemas[type.className]) {
    const component: Schema = {};
    schemas[type.className] = component;
    Object.assign(component, ruledSchema(type.className, type.fields, schemas));
  }
  return { $ref: `#/components/schemas/${type.className}` };
}
