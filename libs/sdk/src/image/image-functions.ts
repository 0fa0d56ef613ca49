import { encodeValue, InvalidError, mountLists } from '@gantry/protocol';

import { checkRange } from '../option-checks.ts';
import type { AnyFunction } from '../registry.ts';
import { mountsByPath } from '../volumes/mount-checks.ts';
import type { StepFields } from './draft-steps.ts';
import type { RunFunctionOptions } from './image-options.ts';
import type { NewStep } from './image-steps.ts';
import { imageFunctions } from './registered-functions.ts';
import { checkStepKeys, stepFields } from './step-checks.ts';

// They travel as one word of a command line.
const MOST_ARGUMENT_BYTES = 64 * 1024;

/** @throws {@link InvalidError} for what has no name, or one that is taken. */
export function keepImageFunction(subject: string, fn: unknown): asserts fn is AnyFunction {
  if (typeof fn !== 'function') {
    throw new InvalidError(`${subject} needs a function`, {
      hint: 'Give it the function itself, not a handle.',
    });
  }
  if (fn.name === '') {
    throw new InvalidError(`${subject}: the function has no name`, {
      hint: 'Assign it to a constant first.',
    });
  }
  const known = imageFunctions().get(fn.name);
  if (known && known !== fn) {
    throw new InvalidError(`${subject}: two functions are called "${fn.name}"`, {
      hint: 'Rename one of them.',
    });
  }
  imageFunctions().set(fn.name, fn as AnyFunction);
}

/** The step that runs a function. */
export function functionStep(subject: string, fn: AnyFunction, options: RunFunctionOptions): NewStep {
  checkStepKeys(subject, options, [
    ...['args', 'timeoutMs', 'cpu', 'memoryMiB', 'volumes', 'networkFileSystems'],
  ]);
  const { args = [], timeoutMs = 3_600_000, cpu, memoryMiB } = options;
  if (!Array.isArray(args)) throw new InvalidError(`${subject}: args must be a list of arguments`);
  checkRange(`${subject}: timeoutMs`, timeoutMs, { min: 10, max: 24 * 3_600_000, integer: false });
  if (cpu !== undefined) checkRange(`${subject}: cpu`, cpu, { min: 0.001, max: Infinity, integer: false });
  if (memoryMiB !== undefined) {
    checkRange(`${subject}: memoryMiB`, memoryMiB, { min: 1, max: Infinity, integer: true });
  }
  const encoded = encodeValue(args);
  if (encoded.length > MOST_ARGUMENT_BYTES) {
    throw new InvalidError(`${subject}: args are ${encoded.length} bytes, above ${MOST_ARGUMENT_BYTES}`, {
      hint: 'Put them into a file, with addLocalFile(..., { copy: true }) before this step.',
    });
  }
  const spec: StepFields = {
    type: 'function',
    name: fn.name,
    args: Buffer.from(encoded).toString('base64'),
    timeoutMs,
    cpu,
    memoryMiB,
    ...mountLists(mountsByPath(subject, options)),
    ...stepFields(subject, options),
  };
  return { spec, functionText: Function.prototype.toString.call(fn) };
}
