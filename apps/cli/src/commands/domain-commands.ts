import type { DomainSummary } from '@gantry/protocol';
import { findConnection } from 'gantry/internal';

import { ApiClient } from '../api-client.ts';
import { type CommandContext, type CommandInput, type CommandSpec, SHARED_OPTIONS } from '../command.ts';
import type { Style } from '../terminal/style.ts';
import { type Column, toTable } from '../terminal/table.ts';
import { toAge } from '../terminal/units.ts';

const ARGUMENT = { usage: '<domain>', description: 'such as api.example.com, or *.example.com' };

export const domainAddCommand: CommandSpec = {
  path: ['domain', 'add'],
  summary: 'make a domain known, for the option customDomains of web functions',
  details:
    'Prints the text record that shows whose the domain is. Make it, then say "gantry domain verify". A domain also\n' +
    'needs an address record (or a CNAME) that leads to the gateway.',
  arguments: [ARGUMENT],
  options: [
    { flags: '--trusted', description: 'look for no text record: for names of your own network' },
    SHARED_OPTIONS.profile,
    SHARED_OPTIONS.json,
  ],
  examples: [
    ['gantry domain add api.example.com', 'prints its text record'],
    ['gantry domain add *.shop.internal --trusted', 'usable at once'],
  ],
  async run(context, input) {
    const [name = ''] = input.arguments;
    const trusted = input.options.flag('trusted');
    await act(context, input, async (client) => {
      const domain = await client.addDomain(name, { trusted });
      return { domain, lines: domain.verifiedAtMs === undefined ? recordToMake(domain) : ready(domain) };
    });
  },
};

export const domainVerifyCommand: CommandSpec = {
  path: ['domain', 'verify'],
  summary: 'look for the text record of a domain',
  arguments: [ARGUMENT],
  options: [SHARED_OPTIONS.profile, SHARED_OPTIONS.json],
  examples: [['gantry domain verify api.example.com', 'from now on, deployed functions can have it']],
  async run(context, input) {
    const [name = ''] = input.arguments;
    await act(context, input, async (client) => {
      const domain = await client.verifyDomain(name);
      return { domain, lines: ready(domain) };
    });
  },
};

export const domainRemoveCommand: CommandSpec = {
  path: ['domain', 'remove'],
  summary: 'forget a domain that no app answers for any more',
  arguments: [ARGUMENT],
  options: [SHARED_OPTIONS.profile, SHARED_OPTIONS.json],
  examples: [['gantry domain remove api.example.com', 'refused while a deployed function has it']],
  async run(context, input) {
    const [name = ''] = input.arguments;
    await act(context, input, async (client) => {
      const domain = await client.removeDomain(name);
      return { domain, lines: [`Removed the domain ${domain.name}.`] };
    });
  },
};

export const domainListCommand: CommandSpec = {
  path: ['domain', 'list'],
  summary: 'list the domains that web functions can have',
  options: [SHARED_OPTIONS.profile, SHARED_OPTIONS.json],
  examples: [['gantry domain list', 'names, whether they are verified, and their text records']],
  async run({ terminal, env }, { options }) {
    const connection = findConnection(env, { profile: options.text('profile') });
    const domains = await new ApiClient(connection).listDomains();
    if (options.flag('json')) return terminal.out(JSON.stringify(domains, undefined, 2));
    if (domains.length === 0) {
      return terminal.note('No domains. Make one known: gantry domain add <domain>');
    }
    for (const line of toTable(columns(terminal.style, Date.now()), domains, terminal.style))
      terminal.out(line);
    for (const { host, failure } of domains.flatMap(({ certificates = [] }) => certificates)) {
      if (failure)
        terminal.note(
          `No certificate for ${host}: ${failure.message} Tried again ${toTime(failure.retryAtMs)}.`,
        );
    }
  },
};

async function act(
  { terminal, env }: CommandContext,
  { options }: CommandInput,
  work: (client: ApiClient) => Promise<{ domain: DomainSummary; lines: string[] }>,
): Promise<void> {
  const connection = findConnection(env, { profile: options.text('profile') });
  const { domain, lines } = await work(new ApiClient(connection));
  if (options.flag('json')) return terminal.out(JSON.stringify(domain, undefined, 2));
  for (const line of lines) terminal.out(line);
}

function recordToMake({ name, record }: DomainSummary): string[] {
  return [
    'Make this record in the DNS of the domain:',
    '',
    `  ${record.name}  TXT  "${record.text}"`,
    '',
    `Then: gantry domain verify ${name}`,
  ];
}

function ready({ name }: DomainSummary): string[] {
  return [`The domain ${name} is verified: deployed web functions can have it, with customDomains.`];
}

function columns(style: Style, nowMs: number): Column<DomainSummary>[] {
  return [
    { title: 'domain', cell: ({ name }) => style.bold(name) },
    { title: 'verified', cell: ({ verifiedAtMs }) => (verifiedAtMs === undefined ? 'not yet' : 'yes') },
    { title: 'certificates', cell: ({ certificates }) => certificatesCell(certificates) },
    { title: 'added', cell: ({ createdAtMs }) => toAge(createdAtMs, nowMs) },
    { title: 'text record', cell: ({ record }) => `${record.name}  ${record.text}` },
  ];
}

function certificatesCell(certificates: DomainSummary['certificates'] = []): string {
  const ends = certificates.flatMap(({ endsAtMs }) => endsAtMs ?? []);
  const failed = certificates.some(({ failure }) => failure);
  const until = ends.length === 0 ? '' : `until ${new Date(Math.min(...ends)).toISOString().slice(0, 10)}`;
  return failed ? ['failed', until].filter(Boolean).join(', ') : until || '-';
}

function toTime(atMs: number): string {
  return `at ${new Date(atMs).toISOString().slice(0, 16).replace('T', ' ')} UTC`;
}
