import { describe, expect, it } from 'vitest';

import { ecrRequest, signature } from './ecr-request.ts';
import { registryCredentials } from './registry-credentials.ts';

const AWS = { AWS_ACCESS_KEY_ID: 'AKIDEXAMPLE', AWS_SECRET_ACCESS_KEY: 'secret', AWS_REGION: 'eu-west-1' };

describe('credentials for an image registry', () => {
  it('are a name and a password', async () => {
    const values = { REGISTRY_USERNAME: 'me', REGISTRY_PASSWORD: 'p:w' };
    expect(await registryCredentials('static', values)).toEqual({ username: 'me', password: 'p:w' });
  });

  it('are the text of a key file at Google', async () => {
    const text = '{"type":"service_account"}';
    expect(await registryCredentials('gcp', { SERVICE_ACCOUNT_JSON: text })).toEqual({
      username: '_json_key',
      password: text,
    });
    await expect(registryCredentials('gcp', { SERVICE_ACCOUNT_JSON: '/key.json' })).rejects.toThrow(
      'is no JSON',
    );
  });

  it('are asked for at AWS', async () => {
    const asked: string[] = [];
    const answer = (body: unknown) =>
      (async (url: string) => {
        asked.push(url);
        return Response.json(body);
      }) as unknown as typeof fetch;
    const authorizationToken = Buffer.from('AWS:a:b').toString('base64');
    const credentials = await registryCredentials(
      'aws',
      AWS,
      answer({ authorizationData: [{ authorizationToken }] }),
    );
    expect(credentials).toEqual({ username: 'AWS', password: 'a:b' });
    expect(asked).toEqual(['https://api.ecr.eu-west-1.amazonaws.com/']);
    await expect(registryCredentials('aws', AWS, answer({ message: 'bad keys' }))).rejects.toThrow(
      'bad keys',
    );
  });

  it('that lack something are refused by its name', async () => {
    await expect(registryCredentials('static', { REGISTRY_USERNAME: 'me' })).rejects.toMatchObject({
      message: 'the secret for the image registry lacks REGISTRY_PASSWORD',
      hint: 'It must hold REGISTRY_USERNAME, REGISTRY_PASSWORD.',
    });
  });
});

describe('a request to AWS', () => {
  it('is signed as in the published test vector "post-vanilla"', () => {
    const headers = { host: 'example.amazonaws.com', 'x-amz-date': '20150830T123600Z' };
    const scope = {
      ...{ accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY' },
      ...{ region: 'us-east-1', service: 'service', method: 'POST', path: '/', time: '20150830T123600Z' },
    };
    expect(signature(headers, '', scope)).toBe(
      'AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, ' +
        'SignedHeaders=host;x-amz-date, Signature=5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b',
    );
  });

  it('signs all its headers', () => {
    const keys = { accessKeyId: 'A', secretAccessKey: 's', sessionToken: 't', region: 'us-east-1', nowMs: 0 };
    const { headers } = ecrRequest(keys);
    expect(headers['x-amz-date']).toBe('19700101T000000Z');
    expect(headers['authorization']).toContain(
      'SignedHeaders=content-type;host;x-amz-date;x-amz-security-token;x-amz-target,',
    );
  });
});
