import { createHash, createHmac } from 'node:crypto';

export interface EcrKeys {
  accessKeyId: string;
  secretAccessKey: string;
  sessionToken?: string | undefined;
  region: string;
  nowMs: number;
}

const SERVICE = 'ecr';
const TARGET = 'AmazonEC2ContainerRegistry_V20150921.GetAuthorizationToken';
const BODY = '{}';

/** The request for a password of a container registry of AWS, signed as version 4 of their scheme wants it. */
export function ecrRequest(keys: EcrKeys): {
  url: string;
  method: string;
  headers: Record<string, string>;
  body: string;
} {
  const host = `api.ecr.${keys.region}.amazonaws.com`;
  const time = new Date(keys.nowMs).toISOString().replace(/[-:]|\.\d{3}/g, '');
  const headers: Record<string, string> = {
    'content-type': 'application/x-amz-json-1.1',
    host,
    'x-amz-date': time,
    ...(keys.sessionToken ? { 'x-amz-security-token': keys.sessionToken } : {}),
    'x-amz-target': TARGET,
  };
  const authorization = signature(headers, BODY, {
    ...keys,
    service: SERVICE,
    path: '/',
    method: 'POST',
    time,
  });
  return { url: `https://${host}/`, method: 'POST', headers: { ...headers, authorization }, body: BODY };
}

export interface SigningScope {
  accessKeyId: string;
  secretAccessKey: string;
  region: string;
  service: string;
  method: string;
  path: string;
  /** Such as `20150830T123600Z`. */
  time: string;
}

/** The value of the header `authorization`. Headers are given in lower case and signed all, in order of their names. */
export function signature(headers: Record<string, string>, body: string, scope: SigningScope): string {
  const { accessKeyId, secretAccessKey, region, service, method, path, time } = scope;
  const names = Object.keys(headers).sort();
  const signed = names.join(';');
  const listed = names.map((name) => `${name}:${headers[name]}\n`).join('');
  const request = [method, path, '', listed, signed, sha256(body)].join('\n');
  const day = time.slice(0, 8);
  const credential = `${day}/${region}/${service}/aws4_request`;
  const text = ['AWS4-HMAC-SHA256', time, credential, sha256(request)].join('\n');
  const key = [day, region, service, 'aws4_request'].reduce<Buffer | string>(
    (secret, part) => createHmac('sha256', secret).update(part).digest(),
    `AWS4${secretAccessKey}`,
  );
  const signatureHex = createHmac('sha256', key).update(text).digest('hex');
  return `AWS4-HMAC-SHA256 Credential=${accessKeyId}/${credential}, SignedHeaders=${signed}, Signature=${signatureHex}`;
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
