import { CommandError, ExitStatus } from './exit-status.ts';

/** The command line: finds the command and turns its outcome into an exit status. */

type Main = (args: string[]) => Promise<number>;

interface Command {
  readonly summary: string;
  /** Loads the command alone: each needs a good part of the program. */
  readonly load: () => Promise<Main>;
}

const commands: Readonly<Record<string, Command>> = {
  run: {
    summary: 'boot a kernel as a Xen guest, with its console on this terminal',
    load: async () => (await import('./run.ts')).run,
  },
  selftest: {
    summary: 'run the built-in guest and say what works on this machine',
    load: async () => (await import('./selftest.ts')).selftest,
  },
  doctor: {
    summary: 'say what this machine can and cannot do',
    load: async () => (await import('./doctor.ts')).doctor,
  },
};

const help = (): string => {
  const width = Math.max(...Object.keys(commands).map((name) => name.length));
  const list = Object.entries(commands).map(([name, { summary }]) => `  ${name.padEnd(width)}  ${summary}`);
  return [
    'hostrock: a hypervisor in TypeScript',
    '',
    'usage: hostrock COMMAND [OPTION...]',
    '',
    ...list,
    '',
    "'hostrock COMMAND --help' tells a command's options; 'hostrock --version' the version.",
    '',
  ].join('\n');
};

const main = async (args: string[]): Promise<number> => {
  const [name, ...rest] = args;
  if (name === '--version' || name === '-V') {
    const { version } = await import('./version.ts');
    process.stdout.write(`hostrock ${version()}\n`);
    return ExitStatus.success;
  }
  if (name === '--help' || name === '-h' || name === 'help') {
    process.stdout.write(help());
    return ExitStatus.success;
  }
  if (name === undefined) {
    process.stderr.write(help());
    return ExitStatus.usage;
  }
  const command = Object.hasOwn(commands, name) ? commands[name] : undefined;
  if (command === undefined) throw new CommandError(`no command '${name}'; 'hostrock --help' lists them`);
  const commandMain = await command.load();
  return await commandMain(rest);
};

// As `| head` does it to every other program. What restores the terminal hangs on 'exit'.
for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(ExitStatus.brokenPipe);
    process.stderr.write(`hostrock: cannot write the output: ${error.message}\n`);
    process.exit(ExitStatus.failure);
  });
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  if (!(error instanceof Error)) throw error;
  const debug = process.env.HOSTROCK_DEBUG !== undefined;
  process.stderr.write(`hostrock: ${debug ? (error.stack ?? error.message) : error.message}\n`);
  process.exitCode = error instanceof CommandError ? error.status : ExitStatus.failure;
}
