import { expect, test } from 'vitest';

import { InvalidError } from './errors.ts';
import { newId } from './ids.ts';
import { assertPoolOptions, type PoolOptions } from './pool-options.ts';

const volume = { path: '/models', name: 'm', environment: 'main', volumeId: newId('vo') };
const bucket = { path: '/raw', bucket: 'trips', keyPrefix: 'raw/' };
const retries = { maxRetries: 3, initialDelayMs: 1_000, backoffCoefficient: 2, maxDelayMs: 60_000 };

test.each<[PoolOptions]>([
  [{}],
  [{ timeoutMs: 10, maxContainers: 1, bufferContainers: 0, scaledownWindowMs: 2_000 }],
  [{ cpu: 0.5, memoryMiB: [128, 256], retries }],
  [{ maxInputs: 1, targetInputs: 1, batching: { maxBatchSize: 1, waitMs: 0 } }],
  [{ secrets: [{ type: 'named', name: 'db', environment: 'dev' }] }],
  [{ volumes: [volume], buckets: [{ ...bucket, secret: { type: 'named', name: 's3' } }] }],
  [{ volumes: [], buckets: [] }],
  [{ maxInputs: undefined }],
])('a caller may replace options by %j', (options) => {
  expect(() => assertPoolOptions(options)).not.toThrow();
});

test.each<[unknown]>([
  [[]],
  [5],
  ['timeoutMs'],
  [{ minContainers: 1 }],
  [{ toString: 1 }],
  [{ timeoutMs: 9 }],
  [{ timeoutMs: '1000' }],
  [{ timeoutMs: Number.NaN }],
  [{ maxContainers: 0 }],
  [{ maxContainers: 1.5 }],
  [{ bufferContainers: -1 }],
  [{ scaledownWindowMs: 1_200_001 }],
  [{ cpu: 0 }],
  [{ cpu: Number.POSITIVE_INFINITY }],
  [{ memoryMiB: [256, 128] }],
  [{ memoryMiB: [128] }],
  [{ maxInputs: 0 }],
  [{ targetInputs: 0 }],
  [{ batching: { maxBatchSize: 0, waitMs: 0 } }],
  [{ batching: { maxBatchSize: 1 } }],
  [{ retries: { ...retries, maxRetries: 11 } }],
  [{ retries: { ...retries, novelty: 1 } }],
  [{ retries: null }],
  [{ secrets: {} }],
  [{ secrets: [{ type: 'inline', index: 0 }] }],
  [{ volumes: [{ ...volume, volumeId: 'models' }] }],
  [{ volumes: [{ ...volume, path: '/etc' }] }],
  [{ volumes: [{ ...volume, subPath: '../other' }] }],
  [{ volumes: [volume, volume] }],
  [{ volumes: { '/models': volume } }],
  [{ buckets: [{ ...bucket, keyPrefix: '/' }] }],
  [{ buckets: [{ ...bucket, secret: { type: 'inline', index: 0 } }] }],
  [{ gpu: ['H100'] }],
])('a caller may not replace options by %j', (options) => {
  expect(() => assertPoolOptions(options as PoolOptions)).toThrow(InvalidError);
});
