import type { IncomingMessage } from 'node:http';

import { InvalidError, type MethodSpec, type EndpointSpec } from '@gantry/protocol';

import { DtoBuilder } from './dto.ts';
import { missing, type FieldProblem } from './field-problem.ts';
import { sourceParameters, type SourcedParameter } from './parameter-source.ts';
import { readTextArgument, readTextFields } from './query-arguments.ts';
import { readBody } from './read-body.ts';
import { toWebRequest } from './web-request.ts';

/** A request on its way to becoming arguments. */
export interface Incoming {
  request: IncomingMessage;
  /** Without the question mark; empty for none. */
  query: string;
  /** Parts of the path by their names. */
  path: ReadonlyMap<string, string>;
  signal: AbortSignal;
  /** `design:paramtypes` of the method. */
  paramTypes: readonly unknown[];
}

/** Arguments for the method, or what to answer instead. */
export type Binding =
  | { type: 'bound'; args: unknown[] }
  | { type: 'refused'; status: 400 | 415 | 422; detail: FieldProblem[] | string };

/** Turns requests into arguments of one endpoint method, as its manifest entry says. */
export class ArgumentBinder {
  readonly #parameters: readonly SourcedParameter[];
  readonly #json: readonly SourcedParameter[];
  readonly #sources: ReadonlySet<string>;
  readonly #headers: Readonly<Record<string, string>>;

  constructor(method: MethodSpec, web: EndpointSpec) {
    this.#parameters = sourceParameters(method, web);
    this.#headers = web.headers ?? {};
    this.#json = this.#parameters.filter(({ source }) => source === 'json');
    this.#sources = new Set(this.#parameters.map(({ source }) => source));
  }

  /** @throws RequestSizeError if a body that must be in memory is too large. */
  async bind(incoming: Incoming): Promise<Binding> {
    if (this.#parameters.length === 0) return { type: 'bound', args: [] };
    const body = await this.#readBody(incoming);
    if (body.type === 'refused') return body;
    const dtos = new DtoBuilder();
    const query = new URLSearchParams(incoming.query);
    const args: unknown[] = [];
    for (const parameter of this.#parameters) {
      args[parameter.index] = this.#argument(parameter, { incoming, query, body, dtos });
    }
    await dtos.check();
    if (dtos.problems.length > 0) return { type: 'refused', status: 422, detail: dtos.problems };
    return { type: 'bound', args: this.#spread(args) };
  }

  #argument({ spec, source, index }: SourcedParameter, from: Sources): unknown {
    const { problems } = from.dtos;
    const target = from.incoming.paramTypes[index];
    switch (source) {
      case 'query':
        return readTextArgument(spec, from.query.getAll(spec.name), { place: 'query', problems });
      case 'path':
        return readTextArgument(spec, present(from.incoming.path.get(spec.name)), {
          place: 'path',
          problems,
        });
      case 'header':
        return this.#headerArgument(spec, from);
      case 'queryFields':
        return fieldsArgument(spec, from, { texts: from.query, place: 'query', target });
      case 'json':
        return this.#jsonArgument({ spec, source, index }, from);
      case 'bytes':
        return new Uint8Array(from.body.bytes ?? []);
      case 'request':
        return toWebRequest(from.incoming.request, { signal: from.incoming.signal, body: from.body.bytes });
      case 'form':
        return from.body.form;
      case 'formField':
        return formArgument(spec, from);
      case 'formFields':
        return fieldsArgument(spec, from, { texts: textsOf(from.body.form), place: 'body', target });
    }
  }

  #headerArgument(spec: SourcedParameter['spec'], { incoming, dtos }: Sources): unknown {
    const name = this.#headers[spec.name]?.toLowerCase() ?? '';
    const value = incoming.request.headers[name];
    const texts = present(Array.isArray(value) ? value.join(', ') : value);
    return readTextArgument({ ...spec, name }, texts, { place: 'header', problems: dtos.problems });
  }

  /** One parameter is the body; several are its fields. */
  #jsonArgument({ spec, index }: SourcedParameter, { body, dtos, incoming }: Sources): unknown {
    const embedded = this.#json.length > 1;
    const loc = embedded ? ['body', spec.name] : ['body'];
    const value = embedded ? (body.json as Record<string, unknown> | undefined)?.[spec.name] : body.json;
    if (value === undefined || (value === null && spec.optional)) {
      if (!spec.optional && !spec.rest) dtos.problems.push(missing(...loc));
      return undefined;
    }
    return dtos.build(value, spec.type, { loc, target: incoming.paramTypes[index] });
  }

  async #readBody(incoming: Incoming): Promise<ReadBody | Extract<Binding, { type: 'refused' }>> {
    if (FORMS.some((source) => this.#sources.has(source))) return readForm(incoming);
    if (this.#json.length > 0) return readJson(incoming.request, this.#json.length > 1);
    if (this.#sources.has('bytes')) return { type: 'body', bytes: await readBody(incoming.request) };
    return { type: 'body' };
  }

  #spread(args: unknown[]): unknown[] {
    const last = this.#parameters.at(-1);
    if (!last?.spec.rest) return args;
    const rest = args.pop();
    return [...args, ...(Array.isArray(rest) ? rest : [])];
  }
}

interface ReadBody {
  type: 'body';
  bytes?: Buffer | undefined;
  json?: unknown;
  form?: FormData | undefined;
}

interface Sources {
  incoming: Incoming;
  query: URLSearchParams;
  body: ReadBody;
  dtos: DtoBuilder;
}

type Refusal = Extract<Binding, { type: 'refused' }>;

async function readJson(request: IncomingMessage, embedded: boolean): Promise<ReadBody | Refusal> {
  const contentType = request.headers['content-type'];
  const bytes = await readBody(request);
  if (bytes.length === 0) return { type: 'body', bytes };
  if (contentType !== undefined && !/^\s*application\/([\w.+-]+\+)?json\b/i.test(contentType)) {
    const detail = `this endpoint takes JSON: send it with "content-type: application/json", not "${contentType}"`;
    return { type: 'refused', status: 415, detail };
  }
  try {
    const json: unknown = JSON.parse(bytes.toString('utf8'));
    if (!embedded || (typeof json === 'object' && json !== null)) return { type: 'body', bytes, json };
    return refuseBody('Input should be a valid object', 'model_attributes_type');
  } catch (error) {
    return refuseBody(
      `JSON decode error: ${error instanceof Error ? error.message : 'not JSON'}`,
      'json_invalid',
    );
  }
}

async function readForm({ request }: Incoming): Promise<ReadBody | Refusal> {
  const contentType = request.headers['content-type'] ?? '';
  if (!/^\s*(multipart\/form-data|application\/x-www-form-urlencoded)\b/i.test(contentType)) {
    const got = contentType === '' ? 'no content type' : `"${contentType}"`;
    const detail = `this endpoint takes a form: send "multipart/form-data", not ${got}`;
    return { type: 'refused', status: 415, detail };
  }
  const bytes = await readBody(request);
  try {
    const body = new Response(new Uint8Array(bytes), { headers: { 'content-type': contentType } });
    return { type: 'body', bytes, form: await body.formData() };
  } catch (cause) {
    throw new InvalidError('the form in the request body could not be read', { cause });
  }
}

function refuseBody(msg: string, type: string): Refusal {
  return { type: 'refused', status: 422, detail: [{ loc: ['body'], msg, type }] };
}

const FORMS = ['form', 'formField', 'formFields'];

function present(text: string | undefined): string[] {
  return text === undefined ? [] : [text];
}

/** An object from texts by the names of its fields. */
function fieldsArgument(
  { type, optional }: SourcedParameter['spec'],
  { dtos }: Sources,
  { texts, place, target }: { texts: URLSearchParams; place: string; target: unknown },
): unknown {
  if (type.type !== 'object') return undefined;
  const plain = readTextFields(type.fields, texts, { place, problems: dtos.problems });
  if (optional && Object.keys(plain).length === 0) return undefined;
  return dtos.build(plain, type, { loc: [place], target });
}

function textsOf(form: FormData | undefined): URLSearchParams {
  const texts = [...(form ?? [])].filter((entry): entry is [string, string] => typeof entry[1] === 'string');
  return new URLSearchParams(texts);
}

/** A file as `File`, bytes as the file's content; text fields are converted as query parameters are. */
function formArgument(spec: SourcedParameter['spec'], { body, query, dtos }: Sources): unknown {
  const entries = body.form?.getAll(spec.name) ?? [];
  if (spec.type.type === 'file' || (spec.type.type === 'array' && spec.type.items.type === 'file')) {
    const files = entries.filter((entry): entry is File => entry instanceof File);
    if (spec.type.type === 'array') return files;
    if (files.length === 0 && !spec.optional) dtos.problems.push(missing('body', spec.name));
    return files[0];
  }
  const texts = entries.filter((entry): entry is string => typeof entry === 'string');
  const inQuery = texts.length === 0 && query.has(spec.name);
  return readTextArgument(spec, inQuery ? query.getAll(spec.name) : texts, {
    place: inQuery ? 'query' : 'body',
    problems: dtos.problems,
  });
}
