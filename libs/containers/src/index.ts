export type {
  Container,
  ContainerDriver,
  ContainerEnd,
  ContainerLimits,
  ContainerMount,
  ContainerRoot,
  DriverCapabilities,
  StartOptions,
} from './container-driver.ts';
export { ProcessDriver, type ProcessDriverOptions } from './process-driver.ts';
