export { IdentityKeys, IDENTITY_TOKEN_MS } from './identity-keys.ts';
export { KeyRing } from './key-ring.ts';
export { SealingKeys, type SealingKeysOptions } from './sealing-keys.ts';
export type { SecretRegistry } from './secret-registry.ts';
export { SecretStore, type SaveSecret } from './secret-store.ts';
export { InlineSecrets, type AppVersion } from './inline-secrets.ts';
export { SecretOpener, type SecretScope } from './secret-opener.ts';
export { resealSecrets } from './reseal.ts';
export { SecretMask } from './secret-mask.ts';
