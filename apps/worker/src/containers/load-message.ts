import {
  type ClassParameters,
  type ClusterInfo,
  type FunctionRecord,
  type GangPlace,
  gangSeat,
  IDENTITY_VARIABLES,
  type IdentityMessage,
  type LoadMessage,
  PRIVATE_ADDRESS_VARIABLE,
  type SecretValues,
} from '@gantry/protocol';

/** What to start. */
export interface ContainerOrder {
  containerId: string;
  pool: string;
  parameters: ClassParameters;
  record: FunctionRecord;
  /** It is there for a shell: its code is not loaded, and it takes no inputs. */
  isShell?: boolean;
  /** GPUs of this machine that it gets, by index. */
  gpus?: number[] | undefined;
  /** Set for those of clustered functions. */
  gang?: GangPlace | undefined;
}

/** What a container is called, and what it is one of. */
export function identityOf({ containerId, pool, record, gpus, gang }: ContainerOrder) {
  const { id: functionId, appId, version } = record;
  const own = { containerId, pool, functionId, appId, version };
  return { ...own, ...(gpus && { gpus }), ...(gang && { gang: gangSeat(gang) }) };
}

/** Names that the platform alone gives a value, or none: what is not known here stays unset. */
const RESERVED = new Set([
  'GANTRY_APP_ID',
  'GANTRY_CLOUD_PROVIDER',
  'GANTRY_CONTAINER_ID',
  'GANTRY_ENVIRONMENT',
  'GANTRY_FUNCTION_ID',
  'GANTRY_FUNCTION_NAME',
  ...Object.values(IDENTITY_VARIABLES),
  'GANTRY_IMAGE_ID',
  'GANTRY_IS_REMOTE',
  PRIVATE_ADDRESS_VARIABLE,
  'GANTRY_REGION',
  'GANTRY_WORKSPACE',
]);

function withoutReserved(env: SecretValues): Record<string, string> {
  return Object.fromEntries(Object.entries(env).filter(([name]) => !RESERVED.has(name)));
}

/** How code finds its token, and the file of the newest one. */
export function identityVariables({
  token,
  path,
}: Pick<IdentityMessage, 'token' | 'path'>): Record<string, string> {
  return { [IDENTITY_VARIABLES.token]: token, [IDENTITY_VARIABLES.file]: path };
}

/** Where the order is carried out, and what only this machine knows. */
export interface ContainerPlace extends Pick<LoadMessage, 'bundlePath' | 'httpSocketPath' | 'maxInputs'> {
  secrets: SecretValues;
  /** With which it can prove to others who it is. */
  identity?: Pick<IdentityMessage, 'token' | 'path'> | undefined;
  /** What the machine says of itself. */
  machine: Readonly<Record<string, string>>;
  /** Its own, if it has a private network. */
  privateAddress?: string | undefined;
  /** Where all of its gang are, if it is in one. */
  cluster?: ClusterInfo | undefined;
  /** What the environment is called now. */
  environmentName: string;
}

/** The order as its runner gets it. */
export function loadMessage(
  order: ContainerOrder,
  { secrets, identity, machine, environmentName, privateAddress, ...place }: ContainerPlace,
): LoadMessage {
  const { containerId, parameters, record } = order;
  const { appId, environment, spec, urls } = record;
  // Later ones win: secrets over plain variables, and over both what the platform alone may say.
  const env = {
    ...withoutReserved({ ...record.image?.env, ...spec.options.env, ...secrets }),
    ...machine,
    GANTRY_CONTAINER_ID: containerId,
    GANTRY_APP_ID: appId,
    GANTRY_ENVIRONMENT: environmentName,
    GANTRY_FUNCTION_ID: record.id,
    GANTRY_FUNCTION_NAME: spec.name,
    GANTRY_IS_REMOTE: '1',
    ...(record.image?.id === undefined ? {} : { GANTRY_IMAGE_ID: record.image.id }),
    ...(identity && identityVariables(identity)),
    ...(privateAddress !== undefined && { [PRIVATE_ADDRESS_VARIABLE]: privateAddress }),
    ...(record.workspace === undefined ? {} : { GANTRY_WORKSPACE: record.workspace }),
  };
  return {
    type: 'load',
    functionId: record.id,
    containerId,
    appId,
    environment,
    spec,
    parameters,
    env,
    urls,
    interactive: record.interactive,
    ...place,
  };
}
