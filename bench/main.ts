import { CommandError, ExitStatus } from '../src/cli/exit-status.ts';
import { benchBoot } from './boot.ts';
import { benchCpu } from './cpu.ts';
import { benchSmp } from './smp.ts';
import { benchTranslate } from './translate.ts';
import { benchWasm } from './wasm.ts';

/** `npm run bench -- COMMAND [OPTION...]`: how fast hostrock is, beside a peer where there is one. */

const commands: Readonly<Record<string, (args: string[]) => Promise<number>>> = {
  boot: benchBoot,
  cpu: benchCpu,
  smp: benchSmp,
  translate: benchTranslate,
  wasm: benchWasm,
};

const help = `usage: npm run bench -- COMMAND [OPTION...]

  boot       booting a kernel, against QEMU on the same kernel and ramdisk
  cpu        processor time of real programs, against QEMU and native
  smp        what a second virtual processor gains
  translate  translating guest code to WebAssembly, without a guest
  wasm       encoding WebAssembly modules

'npm run bench -- COMMAND --help' tells a command's options.
`;

const main = async (args: string[]): Promise<number> => {
  const [name, ...rest] = args;
  if (name === '--help' || name === '-h') {
    process.stdout.write(help);
    return ExitStatus.success;
  }
  if (name === undefined) {
    process.stderr.write(help);
    return ExitStatus.usage;
  }
  const command = Object.hasOwn(commands, name) ? commands[name] : undefined;
  if (command === undefined)
    throw new CommandError(`no benchmark '${name}': there are ${Object.keys(commands).join(', ')}`);
  return await command(rest);
};

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  if (!(error instanceof Error)) throw error;
  process.stderr.write(`bench: ${error.message}\n`);
  process.exitCode = error instanceof CommandError ? error.status : ExitStatus.failure;
}
