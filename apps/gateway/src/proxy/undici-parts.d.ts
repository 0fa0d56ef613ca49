// The parts of undici that the gateway loads. With its index come caches, mocks and a whole fetch: 12 MiB of each process.
declare module 'undici/lib/dispatcher/pool.js' {
  import { Pool } from 'undici';
  export = Pool;
}

declare module 'undici/lib/core/errors.js' {
  import { errors } from 'undici';
  export = errors;
}
