import 'reflect-metadata';

import {
  BuildError,
  type DeployRequest,
  type FunctionOptionsSpec,
  type FunctionSpec,
  InvalidError,
  MANIFEST_SCHEMA_VERSION,
  VersionError,
} from '@gantry/protocol';
import { assertSchedule } from '@gantry/scheduling';
import { plainToInstance, Type } from 'class-transformer';
import {
  ArrayMaxSize,
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
  MaxLength,
  Min,
  ValidateNested,
  type ValidationError,
  validateSync,
} from 'class-validator';

const MINUTE_MS = 60_000;
const DAY_MS = 24 * 60 * MINUTE_MS;
const MAX_FUNCTIONS = 1_000;
const RANGES = new Set(['cpu', 'memoryMiB']);
/** What comes after the check walks the request by recursion. */
const MAX_DEPTH = 200;
const NAME = /^[A-Za-z0-9._-]{1,64}$/;

class FileBody {
  @IsString() path!: string;
  @Matches(/^sha256-[0-9a-f]{64}$/) digest!: string;
  @IsInt() @Min(0) sizeBytes!: number;
}

class WebBody {
  @IsIn(['endpoint']) type!: string;
  @IsIn(['GET', 'POST', 'PUT', 'PATCH', 'DELETE']) method!: string;
  @IsBoolean() docs!: boolean;
  @IsOptional() @Matches(/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/) label?: string;
}

class ParamBody {
  @IsString() @MaxLength(200) name!: string;
  @IsObject() type!: object;
  @IsBoolean() optional!: boolean;
}

class MethodBody {
  @IsString() @MaxLength(200) name!: string;
  @IsIn(['sync', 'async', 'generator', 'asyncGenerator']) handlerKind!: string;
  @IsBoolean() callable!: boolean;
  @IsArray()
  @IsObject({ each: true })
  @ValidateNested({ each: true })
  @Type(() => ParamBody)
  params!: ParamBody[];
  @IsOptional() @IsObject() @ValidateNested() @Type(() => WebBody) web?: WebBody;
}

class RetriesBody {
  @IsInt() @Min(0) @Max(10) maxRetries!: number;
  @IsNumber() @Min(0) @Max(MINUTE_MS) initialDelayMs!: number;
  @IsNumber() @Min(1) @Max(10) backoffCoefficient!: number;
  @IsNumber() @Min(0) @Max(MINUTE_MS) maxDelayMs!: number;
}

class BatchingBody {
  @IsInt() @Min(1) @Max(1_000) maxBatchSize!: number;
  @IsNumber() @Min(0) @Max(10 * MINUTE_MS) waitMs!: number;
}

class OptionsBody {
  @IsOptional() @IsNumber() @Min(10) @Max(DAY_MS) timeoutMs?: number;
  @IsOptional() @IsNumber() @Min(10) @Max(DAY_MS) startupTimeoutMs?: number;
  @IsOptional() @IsInt() @Min(0) @Max(100_000) minContainers?: number;
  @IsOptional() @IsInt() @Min(1) @Max(100_000) maxContainers?: number;
  @IsOptional() @IsInt() @Min(0) @Max(100_000) bufferContainers?: number;
  @IsOptional() @IsNumber() @Min(1) @Max(DAY_MS) scaledownWindowMs?: number;
  @IsOptional() @IsInt() @Min(1) @Max(100_000) maxInputs?: number;
  @IsOptional() @IsInt() @Min(1) @Max(100_000) targetInputs?: number;
  @IsOptional() @IsInt() @Min(1) maxInputsPerContainer?: number;
  @IsOptional() @IsObject() @ValidateNested() @Type(() => BatchingBody) batching?: BatchingBody;
  @IsOptional() @IsObject() @ValidateNested() @Type(() => RetriesBody) retries?: RetriesBody;
  @IsOptional() @IsObject() env?: Record<string, string>;
}

class HooksBody {
  @IsArray() @IsObject({ each: true }) enter!: object[];
  @IsArray() @IsObject({ each: true }) exit!: object[];
}

class FunctionBody {
  @Matches(NAME) name!: string;
  @IsIn(['function', 'class']) kind!: string;
  @IsObject() @ValidateNested() @Type(() => OptionsBody) options!: OptionsBody;
  @IsOptional() @IsObject() schedule?: object;
  @IsArray()
  @IsObject({ each: true })
  @ValidateNested({ each: true })
  @Type(() => MethodBody)
  methods!: MethodBody[];
  @IsArray()
  @IsObject({ each: true })
  @ValidateNested({ each: true })
  @Type(() => ParamBody)
  parameters!: ParamBody[];
  @IsObject() @ValidateNested() @Type(() => HooksBody) hooks!: HooksBody;
}

class ManifestBody {
  @IsInt() schemaVersion!: number;
  @IsString() sdkVersion!: string;
  @IsOptional() @IsString() appName?: string;
  @IsObject() @ValidateNested() @Type(() => FileBody) bundle!: FileBody;
  @IsObject() @ValidateNested() @Type(() => FileBody) sourceMap!: FileBody;
  @IsOptional() @IsObject() @ValidateNested() @Type(() => FileBody) packages?: FileBody;
  @IsArray()
  @IsObject({ each: true })
  @ArrayMaxSize(MAX_FUNCTIONS)
  @ValidateNested({ each: true })
  @Type(() => FunctionBody)
  functions!: FunctionBody[];
  @IsArray() entrypoints!: unknown[];
}

class CommitBody {
  @Matches(/^[0-9a-f]{4,64}$/) hash!: string;
  @IsBoolean() dirty!: boolean;
}

class DeployBody {
  @IsObject() @ValidateNested() @Type(() => ManifestBody) manifest!: ManifestBody;
  @Matches(NAME) environment!: string;
  @IsOptional() @IsString() name?: string;
  @IsOptional() @IsString() @MaxLength(50) tag?: string;
  @IsOptional() @IsBoolean() ephemeral?: boolean;
  @IsOptional() @IsBoolean() detach?: boolean;
  @IsOptional() @IsBoolean() schedules?: boolean;
  @IsOptional() @IsString() appId?: string;
  @IsOptional() @IsObject() @ValidateNested() @Type(() => CommitBody) commit?: CommitBody;
  @IsOptional() @IsString() @MaxLength(200) deployedBy?: string;
}

/**
 * Checks the body of a deploy request.
 *
 * @throws VersionError for a manifest of another version, InvalidError naming the first wrong field,
 * BuildError for functions that contradict each other.
 */
export function readDeployRequest(body: unknown): DeployRequest {
  if (typeof body !== 'object' || body === null || Array.isArray(body))
    throw new InvalidError('a deploy request must be a JSON object');
  if (isDeeperThan(body, MAX_DEPTH)) {
    throw new InvalidError(`the deploy request is nested deeper than ${MAX_DEPTH} levels`, {
      hint: 'Build and deploy with the same version of Gantry as the server.',
    });
  }
  const { manifest } = body as { manifest?: { schemaVersion?: unknown } | null };
  const version = manifest?.schemaVersion;
  if (version !== undefined && version !== MANIFEST_SCHEMA_VERSION) {
    throw new VersionError(
      `the manifest has schema version ${String(version)}, this server reads ${MANIFEST_SCHEMA_VERSION}`,
      {
        hint: 'Build the app with the SDK of the same version as the server.',
      },
    );
  }
  const errors = validateSync(plainToInstance(DeployBody, body), { forbidUnknownValues: true });
  const first = errors[0];
  if (first) throw invalidField(first);
  const request = body as DeployRequest;
  checkFunctions(request);
  return request;
}

/** A positive number, or a request and a limit that is not below it. */
function isRange(value: unknown): boolean {
  const [request, limit] = Array.isArray(value) && value.length === 2 ? (value as unknown[]) : [value, value];
  if (typeof request !== 'number' || typeof limit !== 'number') return false;
  return request > 0 && request <= limit && limit < Number.POSITIVE_INFINITY;
}

function isDeeperThan(value: unknown, levels: number): boolean {
  if (typeof value !== 'object' || value === null) return false;
  return levels === 0 || Object.values(value).some((item) => isDeeperThan(item, levels - 1));
}

function checkFunctions({ manifest }: DeployRequest): void {
  manifest.functions.forEach(checkSchedule);
  const names = new Set<string>();
  for (const { name, options, kind, methods } of manifest.functions) {
    if (names.has(name)) {
      throw new BuildError(`the manifest has two functions called "${name}"`, {
        hint: 'Rename one of them.',
      });
    }
    names.add(name);
    for (const [option, value] of Object.entries(options)) {
      const isWrong = RANGES.has(option) ? !isRange(value) : value === null;
      if (isWrong) throw new InvalidError(`the option "${option}" of "${name}" is wrong`);
    }
    checkScaling(name, options);
    if (options.batching && methods.length !== 1) {
      throw new InvalidError(`"${name}" is batched and must have exactly one method`);
    }
    if (kind === 'function' && (methods.length !== 1 || methods[0]?.name !== '')) {
      throw new InvalidError(`the function "${name}" must have exactly one method, without a name`);
    }
  }
}

function checkScaling(name: string, options: FunctionOptionsSpec): void {
  const { minContainers = 0, maxContainers, maxInputs = 1, targetInputs = 1 } = options;
  if (maxContainers !== undefined && minContainers > maxContainers) {
    throw new InvalidError(`"${name}" has more minContainers than maxContainers`);
  }
  if (targetInputs > maxInputs) throw new InvalidError(`"${name}" has more targetInputs than maxInputs`);
}

function checkSchedule({ name, kind, methods, schedule }: FunctionSpec): void {
  if (!schedule) return;
  if (kind === 'class') throw new InvalidError(`the class "${name}" cannot have a schedule`);
  const needed = (methods[0]?.params ?? []).find(({ optional, rest }) => !optional && !rest);
  if (needed) throw new InvalidError(`"${name}" has a schedule and needs the argument "${needed.name}"`);
  if (methods[0]?.handlerKind.toLowerCase().endsWith('generator')) {
    throw new InvalidError(`"${name}" has a schedule and is a generator`);
  }
  assertSchedule(schedule);
}

function invalidField(error: ValidationError, path = ''): InvalidError {
  const here = path === '' ? error.property : `${path}.${error.property}`;
  const child = error.children?.[0];
  if (child) return invalidField(child, here);
  const reason = Object.values(error.constraints ?? {})[0] ?? 'is not valid';
  return new InvalidError(`"${here}" of the deploy request is wrong: ${reason}`, {
    hint: 'Build and deploy with the same version of Gantry as the server.',
    details: { field: here },
  });
}
