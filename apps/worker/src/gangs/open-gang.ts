import type { ContainerOrder } from '../containers/load-message.ts';
import { GangFollower } from './gang-follower.ts';
import { GangLeader } from './gang-leader.ts';
import type { GangPart } from './gang-part.ts';
import type { GangOptions } from './gang-ties.ts';

/** What a container does as one of a gang. */
export function openGang(options: GangOptions): GangPart {
  return options.place.rank === 0 ? new GangLeader(options) : new GangFollower(options);
}

/** The order as a container of a gang carries it out: of a gang the leader counts inputs, and ends it after so many. */
export function startedAs(order: ContainerOrder): ContainerOrder {
  if (!order.gang || order.gang.rank === 0) return order;
  const { record } = order;
  const options = { ...record.spec.options, maxInputsPerContainer: undefined };
  return { ...order, record: { ...record, spec: { ...record.spec, options } } };
}
