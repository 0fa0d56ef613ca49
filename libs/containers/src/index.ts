export type {
  Container,
  ContainerDriver,
  ContainerEnd,
  DriverCapabilities,
  StartOptions,
} from './container-driver.ts';
export { ProcessDriver, type ProcessDriverOptions } from './process-driver.ts';
