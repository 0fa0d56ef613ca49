import { InvalidError } from '@gantry/protocol';

/**
 * Where an S3 store is, in the words of its client.
 *
 * @throws InvalidError for what is no URL.
 */
export function addressOf(endpoint: string): { endPoint: string; port: number; useSSL: boolean } {
  const url = URL.parse(endpoint);
  if (url === null || !['http:', 'https:'].includes(url.protocol)) {
    throw new InvalidError(`"${endpoint}" is not the URL of an S3 store`, {
      hint: 'Write it like "http://minio.example.com:9000".',
    });
  }
  const useSSL = url.protocol === 'https:';
  return { endPoint: url.hostname, port: url.port === '' ? (useSSL ? 443 : 80) : Number(url.port), useSSL };
}
