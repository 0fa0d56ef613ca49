export { describeContainerDriver, type DriverUnderTest } from './container-driver-contract.ts';
export { HostProcess } from './exec/host-process.ts';
