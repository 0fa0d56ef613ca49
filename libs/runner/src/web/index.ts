export { ContainerSocket } from '../container-socket.ts';
export { Tunnels } from '../tunnels.ts';
export { startWebServer, type WebServerOptions } from './web-server.ts';
export type { WebHandler } from './endpoint-route.ts';
export { preloadValidation } from './validation.ts';
