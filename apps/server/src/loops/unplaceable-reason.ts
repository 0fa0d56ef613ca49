import { type Action, describeNeed, type MachineFacts, misfitOf } from '@gantry/scheduling';

type Unplaceable = Pick<Extract<Action, { type: 'unplaceable' }>, 'reason' | 'containers' | 'record'>;

const WHAT_HELPS = 'gantry container list shows what runs there';

/** Why no machine takes containers of a function, and what helps: for whoever waits for them. */
export function unplaceableReason(
  { reason, containers, record }: Unplaceable,
  machines: readonly MachineFacts[],
): string {
  if (reason === 'noWorker') return 'no worker is connected';
  const { options } = record.spec;
  const misfit = misfitOf(options, machines);
  if (misfit) return misfit.reason;
  if (options.cluster) {
    const gangs = `${more(containers, 'gang')} of ${options.cluster.size} containers`;
    return `no machines whose containers reach each other have room for ${gangs} (${describeNeed(options)} each): ${WHAT_HELPS}`;
  }
  const need = containers === 1 ? describeNeed(options) : `${describeNeed(options)} each`;
  return `no machine has room for ${more(containers, 'container')} (${need}): ${WHAT_HELPS}`;
}

function more(count: number, what: string): string {
  return count === 1 ? `one more ${what}` : `${count} more ${what}s`;
}
