/** What containers prove who they are with, under `identity`: the issuer of tokens, and the keys that sign them. */
export interface IdentityRecord {
  /** Address below which others find the public keys. */
  issuer: string;
  /** The first one signs. Older ones stay as long as what they signed is valid. */
  keys: IdentityKey[];
}

export interface IdentityKey {
  id: string;
  createdAtMs: number;
  /** Modulus and exponent of an RSA key, base64url, as a JWK has them. */
  publicKey: { n: string; e: string };
  /** The private key, PKCS #8, encrypted. */
  sealed: Uint8Array;
}

/** Path of the discovery document below the issuer. */
export const IDENTITY_DISCOVERY_PATH = '/.well-known/openid-configuration';
/** Path of the public keys below the issuer. */
export const IDENTITY_KEYS_PATH = '/.well-known/jwks.json';

/** Environment variables of containers: the token with which they prove who they are, and the file that has the newest. */
export const IDENTITY_VARIABLES = {
  token: 'GANTRY_IDENTITY_TOKEN',
  file: 'GANTRY_IDENTITY_TOKEN_FILE',
} as const;
