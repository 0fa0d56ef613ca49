import 'reflect-metadata';

import { type ChangeEnvironmentRequest, InvalidError, type NewEnvironmentRequest } from '@gantry/protocol';
import { plainToInstance } from 'class-transformer';
import { IsString, ValidateIf, validateSync } from 'class-validator';

// Not IsOptional, which also lets null pass.
const Optional = (): PropertyDecorator => ValidateIf((_body, value) => value !== undefined);

class NewEnvironmentBody implements NewEnvironmentRequest {
  @IsString() name!: string;
  @Optional() @IsString() webSuffix?: string;
}

class ChangeEnvironmentBody implements ChangeEnvironmentRequest {
  @Optional() @IsString() name?: string;
  @Optional() @IsString() webSuffix?: string;
}

/** @throws InvalidError that names the wrong field. */
export function readNewEnvironment(body: Record<string, unknown>): NewEnvironmentRequest {
  return read(NewEnvironmentBody, body);
}

/** @throws InvalidError that names the wrong field. */
export function readEnvironmentChange(body: Record<string, unknown>): ChangeEnvironmentRequest {
  return read(ChangeEnvironmentBody, body);
}

function read<T extends object>(Body: new () => T, body: Record<string, unknown>): T {
  const found = plainToInstance(Body, body);
  const first = validateSync(found, {
    forbidUnknownValues: true,
    whitelist: true,
    forbidNonWhitelisted: true,
  })[0];
  if (!first) return found;
  const reason = Object.values(first.constraints ?? {})[0] ?? 'is not valid';
  throw new InvalidError(`"${first.property}" of the environment is wrong: ${reason}`, {
    details: { field: first.property },
  });
}
