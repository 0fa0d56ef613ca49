import type { ImageConfig } from '@gantry/protocol';

/** A Dockerfile, and the build arguments that it needs. */
export interface ArguedDockerfile {
  text: string;
  args: Readonly<Record<string, string>>;
}

/**
 * A Dockerfile that goes on from an image, with what that says about processes. Values of several lines are arguments,
 * since no instruction can hold them.
 */
export function dockerfileOn(image: string, config: ImageConfig, text: string): ArguedDockerfile {
  const lines = [`FROM ${image}`, 'USER root'];
  const args: Record<string, string> = {};
  for (const [name, value] of Object.entries(config.env)) {
    if (/[\n\r]/.test(value)) {
      const argument = `gantry_${name}`;
      args[argument] = value;
      lines.push(`ARG ${argument}`, `ENV ${name}="$${argument}"`);
    } else lines.push(`ENV ${name}="${escaped(value)}"`);
  }
  if (config.workdir !== undefined) lines.push(`WORKDIR ${escaped(config.workdir)}`);
  if (config.shell) lines.push(`SHELL ${JSON.stringify(config.shell)}`);
  if (config.entrypoint) lines.push(`ENTRYPOINT ${JSON.stringify(config.entrypoint)}`);
  if (config.cmd) lines.push(`CMD ${JSON.stringify(config.cmd)}`);
  return { text: `${[...lines, text].join('\n')}\n`, args };
}

function escaped(value: string): string {
  return value.replace(/[\\"$]/g, '\\$&');
}
