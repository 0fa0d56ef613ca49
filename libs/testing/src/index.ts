export { findProgram } from './find-program.ts';
export { freePort } from './free-port.ts';
export { isRunning } from './is-running.ts';
export { findMinio, minioAvailable, startMinio, type TestMinio } from './minio.ts';
export { startNats, type StartNatsOptions, type TestNats } from './nats.ts';
export { TcpProxy } from './tcp-proxy.ts';
export { temporaryDirectory, type TemporaryDirectory } from './temporary-directory.ts';
export { waitUntil, type WaitUntilOptions } from './wait-until.ts';
