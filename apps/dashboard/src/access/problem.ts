import type { ProblemDetails } from '@gantry/protocol';

/** What the server refused, and what to do. */
export class Problem extends Error {
  readonly status: number;
  readonly hint: string | undefined;

  constructor(status: number, message: string, hint?: string) {
    super(message);
    this.status = status;
    this.hint = hint;
  }
}

export async function problemOf(response: Response): Promise<Problem> {
  const body = (await response.json().catch(() => undefined)) as Partial<ProblemDetails> | undefined;
  const message = typeof body?.message === 'string' ? body.message : `the server answered ${response.status}`;
  return new Problem(response.status, message, typeof body?.hint === 'string' ? body.hint : undefined);
}

/** A sentence for people. */
export function sentence(text: string): string {
  const begun = text.charAt(0).toUpperCase() + text.slice(1);
  return /[.!?]$/.test(begun) ? begun : `${begun}.`;
}
