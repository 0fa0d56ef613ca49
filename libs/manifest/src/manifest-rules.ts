import 'reflect-metadata';

import {
  BATCHING_RANGES,
  CLUSTER_RANGES,
  CONCURRENCY_RANGES,
  isGpuConfig,
  OPTION_RANGES,
  RETRY_RANGES,
  type OptionRange,
} from '@gantry/protocol';
import { Type } from 'class-transformer';
import {
  IsArray,
  IsBoolean,
  IsIn,
  IsInt,
  IsNumber,
  IsObject,
  IsOptional,
  IsString,
  Matches,
  Max,
  Min,
  ValidateBy,
  ValidateIf,
  ValidateNested,
} from 'class-validator';

import { isListOfImages } from './image-rules.ts';
import {
  areCustomDomains,
  isBucketMounts,
  isFilledList,
  isLabel,
  isListOf,
  isRangeOrNumber,
  isSecretRef,
  isHeaderNames,
  isStringRecord,
  ROUTE_PATH,
  isTypeSpec,
  isVolumeMounts,
} from './manifest-values.ts';
import { isScheduleSpec } from './schedule-shape.ts';

// class-validator's rules, applied as functions: these sources run under Node's type stripping, which has no
// decorators. Each class names the shape of one interface of the protocol's manifest.

type Rules = Record<string, PropertyDecorator[]>;
type Shape = new () => object;

function declare(rules: Rules): Shape {
  const shape = class {};
  for (const [property, decorators] of Object.entries(rules)) {
    for (const decorate of decorators) decorate(shape.prototype, property);
  }
  return shape;
}

const text = [IsString()];
const name = [IsString(), Matches(/^\S{1,200}$/)];
const wholeNumber = [IsInt(), Min(0)];
// Not IsOptional, which also lets null pass: whoever reads a manifest expects a value or nothing.
const optional = (...decorators: PropertyDecorator[]): PropertyDecorator[] => [
  ValidateIf((_object, value) => value !== undefined),
  ...decorators,
];
const optionalText = optional(IsString());
const ranged = ({ min, max, integer }: OptionRange): PropertyDecorator[] => [
  integer ? IsInt() : IsNumber(),
  Min(min),
  ...(Number.isFinite(max) ? [Max(max)] : []),
];
const allRanged = (ranges: Readonly<Record<string, OptionRange>>): Rules =>
  Object.fromEntries(Object.entries(ranges).map(([key, range]) => [key, ranged(range)]));
const allOptional = (rules: Rules): Rules =>
  Object.fromEntries(Object.entries(rules).map(([key, decorators]) => [key, optional(...decorators)]));
const one = (shape: Shape): PropertyDecorator[] => [IsObject(), ValidateNested(), Type(() => shape)];
/** Its property `type` says which shape it has; `shape` if that is none of `kinds`. */
const oneOf = (shape: Shape, kinds: Readonly<Record<string, Shape>>): PropertyDecorator[] => [
  IsObject(),
  ValidateNested(),
  // Not the library's own discriminator, which fails on a list with something else than objects in it.
  Type((help) => {
    const holder = help?.object as Record<string, { type?: unknown } | null | undefined> | undefined;
    const kind = holder?.[help?.property ?? '']?.type;
    return typeof kind === 'string' && Object.hasOwn(kinds, kind) ? (kinds[kind] ?? shape) : shape;
  }),
];
const many = (shape: Shape): PropertyDecorator[] => [
  IsArray(),
  // ValidateNested looks into lists of lists, and finds nothing wrong in an empty one.
  IsObject({ each: true }),
  ValidateNested({ each: true }),
  Type(() => shape),
];
const satisfies = (check: (value: unknown) => boolean, message: string): PropertyDecorator =>
  ValidateBy({ name: message, validator: { validate: check, defaultMessage: () => `$property ${message}` } });

const oneMethodPerFunction = ValidateBy({
  name: 'oneMethodPerFunction',
  validator: {
    validate: (methods: unknown, use) =>
      (use?.object as { kind?: unknown }).kind !== 'function' ||
      (Array.isArray(methods) && methods.length === 1),
    defaultMessage: () => '$property of a function must be exactly one',
  },
});

const file = {
  path: [IsString(), Matches(/^[A-Za-z0-9][\w.-]*$/)],
  digest: [Matches(/^sha256-[0-9a-f]{64}$/)],
  sizeBytes: wholeNumber,
};

const FileShape = declare(file);
const PackageShape = declare({ name, version: text });
const PackagesShape = declare({ ...file, contents: many(PackageShape) });
const SiteShape = declare({ file: text, line: [IsInt(), Min(1)] });

const ParameterShape = declare({
  name,
  type: [satisfies(isTypeSpec, 'must be a type that manifests know')],
  optional: [IsBoolean()],
  defaultValue: [IsOptional()],
  rest: optional(IsBoolean()),
  doc: optionalText,
});

const RetriesShape = declare(allRanged(RETRY_RANGES));
const BatchingShape = declare(allRanged(BATCHING_RANGES));

const ClusterShape = declare(allRanged(CLUSTER_RANGES));

const OptionsShape = declare({
  ...allOptional(allRanged({ ...OPTION_RANGES, ...CONCURRENCY_RANGES })),
  cpu: optional(satisfies(isRangeOrNumber, 'must be a positive number or [request, limit]')),
  memoryMiB: optional(satisfies(isRangeOrNumber, 'must be a positive number or [request, limit]')),
  retries: optional(...one(RetriesShape)),
  enableMemorySnapshot: optional(IsBoolean()),
  batching: optional(...one(BatchingShape)),
  cluster: optional(...one(ClusterShape)),
  env: optional(satisfies(isStringRecord, 'must map names to text')),
  image: optional(...wholeNumber),
  gpu: optional(satisfies((value) => isFilledList(value, isGpuConfig), 'must be a list of <TYPE>[:<count>]')),
  region: optional(satisfies((value) => isFilledList(value, isLabel), 'must be a list of labels')),
  cloud: optional(satisfies(isLabel, 'must be a label')),
  nonpreemptible: optional(IsBoolean()),
  blockNetwork: optional(IsBoolean()),
  privateNetwork: optional(IsBoolean()),
  restrictAccess: optional(IsBoolean()),
  volumes: optional(satisfies(isVolumeMounts, 'must be a list of volumes and their paths')),
  buckets: optional(satisfies(isBucketMounts, 'must be a list of buckets and their paths')),
  secrets: optional(satisfies((value) => isListOf(value, isSecretRef), 'must be a list of secrets')),
});

const web = {
  type: [IsIn(['endpoint', 'asgi', 'wsgi', 'server'])],
  label: optional(Matches(/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/)),
  customDomains: optional(satisfies(areCustomDomains, 'must be different domains')),
  requiresProxyAuth: optional(IsBoolean()),
};
const WebShape = declare(web);
const ResponseShape = declare({
  contentType: text,
  schema: optional(IsObject()),
  components: optional(IsObject()),
});
const EndpointShape = declare({
  ...web,
  method: [IsIn(['GET', 'POST', 'PUT', 'PATCH', 'DELETE'])],
  docs: [IsBoolean()],
  path: optional(Matches(ROUTE_PATH)),
  headers: optional(satisfies(isHeaderNames, 'must map parameters to header names')),
  form: optional(IsBoolean()),
  response: optional(...one(ResponseShape)),
});
const WebServerShape = declare({
  ...web,
  port: ranged({ min: 1, max: 65_535, integer: true }),
  startupTimeoutMs: ranged({ min: 1, max: 3_600_000, integer: false }),
});

const MethodShape = declare({
  name: [IsString()],
  handlerKind: [IsIn(['sync', 'async', 'generator', 'asyncGenerator'])],
  callable: [IsBoolean()],
  params: many(ParameterShape),
  signature: optionalText,
  web: optional(...oneOf(WebShape, { endpoint: EndpointShape, server: WebServerShape })),
  doc: optionalText,
  site: one(SiteShape),
});

const EnterShape = declare({ name, snap: [IsBoolean()] });
const ExitShape = declare({ name });
const HooksShape = declare({ enter: many(EnterShape), exit: many(ExitShape) });

const FunctionShape = declare({
  name: [Matches(/^[A-Za-z0-9._-]{1,64}$/)],
  kind: [IsIn(['function', 'class'])],
  site: one(SiteShape),
  doc: optionalText,
  options: one(OptionsShape),
  schedule: optional(satisfies(isScheduleSpec, 'must be a cron expression or a period')),
  methods: [...many(MethodShape), oneMethodPerFunction],
  parameters: many(ParameterShape),
  hooks: one(HooksShape),
});

const EntrypointShape = declare({
  name,
  params: many(ParameterShape),
  doc: optionalText,
  site: one(SiteShape),
});

/** The rules of a whole manifest. */
export const ManifestShape = declare({
  schemaVersion: [IsInt()],
  sdkVersion: text,
  appName: optional(IsString(), Matches(/^\P{C}{1,64}$/u)),
  description: optional(IsString(), Matches(/^\P{C}{1,200}$/u)),
  bundle: one(FileShape),
  sourceMap: one(FileShape),
  packages: optional(...one(PackagesShape)),
  images: optional(
    satisfies(
      isListOfImages,
      'must be a list of images: a base and steps that manifests know, and their sites',
    ),
  ),
  functions: many(FunctionShape),
  types: optional(satisfies(isStringRecord, 'must map names to text')),
  entrypoints: many(EntrypointShape),
});
