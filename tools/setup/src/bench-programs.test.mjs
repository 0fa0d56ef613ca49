import { expect, test } from 'vitest';
import { programsFor } from './bench-programs.mjs';

test('a benchmark is given the programs that it needs, and no others', () => {
  expect(programsFor(['--only', 'collections,web', '--quick'])).toEqual(['redis-server', 'wrk', 'openssl']);
  expect(programsFor(['--only=volumes'])).toEqual(['minio']);
  expect(programsFor(['--only', 'containers'])).toEqual([]);
});

test('without a choice all are measured, so all programs are needed', () => {
  expect(programsFor(['--quick'])).toEqual(['redis-server', 'wrk', 'openssl', 'minio']);
});

test('whoever asks for help needs none', () => {
  expect(programsFor(['--help'])).toEqual([]);
});
