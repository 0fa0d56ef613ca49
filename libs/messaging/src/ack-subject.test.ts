import { expect, it } from 'vitest';

import { parseAckSubject } from './ack-subject.ts';

it('reads deliveries and sequences from both forms of reply subjects', () => {
  const facts = { deliveries: 3, streamSequence: 14, consumerSequence: 15, pending: 2 };
  expect(parseAckSubject('$JS.ACK.GANTRY_INPUTS.fu-1.3.14.15.1700000000000000000.2')).toEqual(facts);
  expect(parseAckSubject('$JS.ACK._.AbC.GANTRY_INPUTS.fu-1.3.14.15.1700000000000000000.2')).toEqual(facts);
  expect(parseAckSubject('$JS.ACK.hub.AbC.GANTRY_INPUTS.fu-1.3.14.15.1700000000000000000.2.x')).toEqual(
    facts,
  );
});

it('takes nothing else for a delivery', () => {
  expect(parseAckSubject('_INBOX.abc')).toBeUndefined();
  expect(parseAckSubject('$JS.ACK.short')).toBeUndefined();
  expect(parseAckSubject('$JS.FC.GANTRY.x.y')).toBeUndefined();
});
