export { describeContainerDriver, type DriverUnderTest } from './container-driver-contract.ts';
