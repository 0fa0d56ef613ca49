import 'reflect-metadata';

import { validateManifest } from '@gantry/manifest/validation';
import { type DeployRequest, InvalidError, isDeeperThan, MOST_TAG_LENGTH } from '@gantry/protocol';
import { assertSchedule } from '@gantry/scheduling';
import { plainToInstance, Type } from 'class-transformer';
import {
  IsBoolean,
  IsObject,
  IsString,
  Matches,
  MaxLength,
  ValidateIf,
  ValidateNested,
  type ValidationError,
  validateSync,
} from 'class-validator';

const NAME = /^[A-Za-z0-9._-]{1,64}$/;
const IMAGE_ID = /^im-[0-9A-Za-z]{22}$/;
const MAX_DEPTH = 10;
const HINT = 'Build and deploy with the same version of Gantry as the server.';

// Not IsOptional, which also lets null pass.
const Optional = (): PropertyDecorator => ValidateIf((_body, value) => value !== undefined);

class CommitBody {
  @Matches(/^[0-9a-f]{4,64}$/) hash!: string;
  @IsBoolean() dirty!: boolean;
}

class ImagesBody {
  @Matches(IMAGE_ID, { each: true }) ids!: string[];
}

/** A deploy request without its manifest. */
class DeployBody {
  @Matches(NAME) environment!: string;
  @Optional() @IsString() name?: string;
  @Optional() @IsString() @MaxLength(MOST_TAG_LENGTH) tag?: string;
  @Optional() @IsBoolean() ephemeral?: boolean;
  @Optional() @IsBoolean() detach?: boolean;
  @Optional() @IsBoolean() interactive?: boolean;
  @Optional() @IsBoolean() schedules?: boolean;
  @Optional() @IsString() appId?: string;
  @Optional() @IsObject() @ValidateNested() @Type(() => ImagesBody) images?: ImagesBody;
  @Optional() @IsBoolean() forceBuild?: boolean;
  @Optional() @IsBoolean() ignoreCache?: boolean;
  @Optional() @IsObject() @ValidateNested() @Type(() => CommitBody) commit?: CommitBody;
  @Optional() @IsString() @MaxLength(200) deployedBy?: string;
}

/**
 * Checks the body of a deploy request.
 *
 * @throws VersionError for a manifest of another version, InvalidError naming what is wrong, BuildError for two
 * functions of one name.
 */
export function readDeployRequest(body: unknown): DeployRequest {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) {
    throw new InvalidError('a deploy request must be a JSON object');
  }
  const { manifest, ...rest } = body as Partial<DeployRequest>;
  if (isDeeperThan(rest, MAX_DEPTH))
    throw new InvalidError('the deploy request is nested too deep', { hint: HINT });
  const first = validateSync(plainToInstance(DeployBody, rest), { forbidUnknownValues: true })[0];
  if (first) throw invalidField(first);
  assertSecrets(rest.secrets);
  for (const { schedule } of validateManifest(manifest).functions) {
    if (schedule) assertSchedule(schedule);
  }
  return body as DeployRequest;
}

// Apart from the other fields: no message may quote a value.
function assertSecrets(secrets: unknown): void {
  if (secrets === undefined) return;
  if (typeof secrets === 'object' && secrets !== null && !Array.isArray(secrets)) return;
  throw new InvalidError('"secrets" of the deploy request must map indexes to values', { hint: HINT });
}

function invalidField(error: ValidationError, path = ''): InvalidError {
  const here = path === '' ? error.property : `${path}.${error.property}`;
  const child = error.children?.[0];
  if (child) return invalidField(child, here);
  const reason = Object.values(error.constraints ?? {})[0] ?? 'is not valid';
  return new InvalidError(`"${here}" of the deploy request is wrong: ${reason}`, {
    hint: HINT,
    details: { field: here },
  });
}
