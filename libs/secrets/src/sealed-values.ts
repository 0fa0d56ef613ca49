import type { SecretValues } from '@gantry/protocol';

import type { KeyRing } from './key-ring.ts';

// What a sealed value belongs to, authenticated with it.
export const namedContext = ({ environment, name }: { environment: string; name: string }): string =>
  `the secret "${name}" of environment "${environment}"`;
export const inlineContext = (appId: string, index: number): string =>
  `the inline secret ${index} of app "${appId}"`;

export function sealValues(ring: KeyRing, values: SecretValues, context: string): Uint8Array {
  return ring.seal(Buffer.from(JSON.stringify(values)), context);
}

export function openValues(ring: KeyRing, sealed: Uint8Array, context: string): SecretValues {
  return JSON.parse(Buffer.from(ring.open(sealed, context)).toString()) as SecretValues;
}
