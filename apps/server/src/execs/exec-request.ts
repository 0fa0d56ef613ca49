import 'reflect-metadata';

import { decodeFrame, type ExecRequest, InvalidError } from '@gantry/protocol';
import { plainToInstance, Type } from 'class-transformer';
import {
  ArrayMaxSize,
  ArrayNotEmpty,
  IsArray,
  IsInt,
  IsObject,
  IsString,
  Matches,
  Max,
  Min,
  ValidateIf,
  ValidateNested,
  validateSync,
} from 'class-validator';

// An argument of a program cannot hold the character that ends it.
const TEXT = /^[^\0]*$/;
const MOST_WORDS = 10_000;

const Optional = (): PropertyDecorator => ValidateIf((_body, value) => value !== undefined);

class TerminalBody {
  @IsInt() @Min(1) @Max(65_535) columns!: number;
  @IsInt() @Min(1) @Max(65_535) rows!: number;
  @Optional() @Matches(/^[\w.+-]{1,64}$/) term?: string;
}

class ExecBody {
  @IsArray()
  @ArrayNotEmpty()
  @ArrayMaxSize(MOST_WORDS)
  @IsString({ each: true })
  @Matches(TEXT, { each: true })
  command!: string[];
  @Optional() @IsObject() env?: Record<string, string>;
  @Optional() @Matches(TEXT) workdir?: string;
  @Optional() @IsObject() @ValidateNested() @Type(() => TerminalBody) terminal?: TerminalBody;
}

/**
 * Reads what a client wants to run.
 *
 * @throws InvalidError naming what is wrong, DeserializationError if the bytes are no message.
 */
export function readExecRequest(bytes: Uint8Array): ExecRequest {
  const body = decodeFrame<unknown>(bytes);
  if (typeof body !== 'object' || body === null || Array.isArray(body)) {
    throw new InvalidError('a request to run a program must be an object');
  }
  const request = plainToInstance(ExecBody, body);
  const [wrong] = validateSync(request, { forbidUnknownValues: true });
  if (wrong) throw invalid(wrong.property);
  for (const [name, value] of Object.entries(request.env ?? {})) {
    const isFit = /^[^=\0]+$/.test(name) && typeof value === 'string' && TEXT.test(value);
    if (!isFit) throw invalid(`env.${name}`);
  }
  const { command, env, workdir, terminal } = request;
  if (command[0] === '') throw invalid('command');
  return { command, env, workdir, terminal: terminal && { ...terminal } };
}

function invalid(field: string): InvalidError {
  return new InvalidError(`"${field}" of the request to run a program is wrong`, {
    hint: 'A command is a list of words, the first one a program; sizes of terminals are whole numbers from 1.',
    details: { field },
  });
}
