export { startWebServer, type WebServerOptions } from './web-server.ts';
export type { WebHandler } from './web-input.ts';
export { preloadValidation } from './validation.ts';
