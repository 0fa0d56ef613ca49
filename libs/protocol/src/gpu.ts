import { InvalidError } from './errors.ts';

/** GPUs that a container asks for: all of one type, on one machine. */
export interface GpuRequest {
  /** In capitals, such as `H100` or `A100-80GB`; `ANY` fits every one. */
  type: string;
  count: number;
}

export const MOST_GPUS = 8;

const FORM = /^([A-Za-z0-9][A-Za-z0-9-]{0,40})(?::([0-9]{1,3}))?$/;

/**
 * Reads `<type>[:<count>]`, however it is written. Which types there are is known to the machines alone.
 *
 * @throws {@link InvalidError} for another form, and for a count that is not from 1 to 8.
 *
 * @example
 * ```ts
 * parseGpuConfig('h100:2'); // { type: 'H100', count: 2 }
 * ```
 */
export function parseGpuConfig(text: string): GpuRequest {
  const [, type = '', digits = '1'] = (typeof text === 'string' && FORM.exec(text.trim())) || [];
  if (type === '') {
    throw new InvalidError(`${JSON.stringify(text) ?? String(text)} names no GPU`, {
      hint: 'Write a type and, for more than one, a count: "H100" or "A100-80GB:4".',
    });
  }
  const count = Number(digits);
  if (count < 1 || count > MOST_GPUS) {
    throw new InvalidError(`"${text}": a container has from 1 to ${MOST_GPUS} GPUs`);
  }
  return { type: type.toUpperCase(), count };
}

/** The one way to write a request, as manifests do. */
export function formatGpu({ type, count }: GpuRequest): string {
  return count === 1 ? type : `${type}:${count}`;
}

/** True for a request as {@link formatGpu} writes it. */
export function isGpuConfig(text: unknown): text is string {
  if (typeof text !== 'string') return false;
  try {
    return formatGpu(parseGpuConfig(text)) === text;
  } catch {
    return false;
  }
}
