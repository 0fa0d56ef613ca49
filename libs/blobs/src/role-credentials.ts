import { AuthError, InternalFailure, type LentCredentials } from '@gantry/protocol';

const AWS_STS = 'https://sts.amazonaws.com';
const VERSION = '2011-06-15';
/** The shortest that AWS has by default: what leaks is worthless soon. */
const VALID_SECONDS = 3600;
const LIMIT_MS = 20_000;

export interface RoleRequest {
  /** URL of the store. @defaultValue that of AWS */
  endpoint?: string | undefined;
  roleArn: string;
  /** What proves who asks: a JWT whose issuer the store trusts. */
  token: string;
  /** How the store calls this use of the role in its logs. */
  sessionName: string;
}

/**
 * Takes on a role of a store (`AssumeRoleWithWebIdentity` of AWS STS, which MinIO has at the URL of the store), for an hour.
 *
 * @throws AuthError if the store does not trust the token, or does not give it the role; InternalFailure if it does not answer.
 */
export async function assumeRole({
  endpoint,
  roleArn,
  token,
  sessionName,
}: RoleRequest): Promise<LentCredentials> {
  const form = {
    ...{ Action: 'AssumeRoleWithWebIdentity', Version: VERSION, DurationSeconds: String(VALID_SECONDS) },
    ...{ RoleArn: roleArn, RoleSessionName: sessionName, WebIdentityToken: token },
  };
  const at = endpoint ?? AWS_STS;
  let reply: Response;
  let text: string;
  try {
    const signal = AbortSignal.timeout(LIMIT_MS);
    reply = await fetch(at, { method: 'POST', body: new URLSearchParams(form), signal });
    text = await reply.text();
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new InternalFailure(`${at} does not answer who asks for role "${roleArn}": ${reason}`, {
      cause,
      hint: 'Check that the worker can reach the store at this URL.',
    });
  }
  const field = (name: string): string => new RegExp(`<${name}>([^<]+)</${name}>`).exec(text)?.[1] ?? '';
  const [accessKey, secretKey] = [field('AccessKeyId'), field('SecretAccessKey')];
  const expiresAtMs = Date.parse(field('Expiration'));
  if (reply.ok && accessKey && secretKey && expiresAtMs)
    return { accessKey, secretKey, sessionToken: field('SessionToken'), expiresAtMs };
  const said = [field('Code'), field('Message')].filter(Boolean).join(', ');
  throw new AuthError(`${at} does not give role "${roleArn}": ${said || `it answers ${reply.status}`}`, {
    hint: 'The store has to trust the issuer of identity tokens (the address of the gateway), and the role their "sub".',
  });
}
