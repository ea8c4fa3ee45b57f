import { spawnSync } from 'node:child_process';
import { layeringViolations } from './layers.ts';

/** Everything that can be checked without running the program: format and lint, types, layers. */

const tools: readonly (readonly string[])[] = [
  ['biome', 'check', '--error-on-warnings', '.'],
  ['tsc', '-p', '.'],
];

let ok = true;
for (const [command, ...args] of tools) {
  const { status } = spawnSync(`node_modules/.bin/${command}`, args, { stdio: 'inherit' });
  if (status !== 0) ok = false;
}
const violations = layeringViolations();
for (const violation of violations) console.error(violation);
if (violations.length > 0) ok = false;
console.log(ok ? 'all checks pass' : 'checks failed');
process.exitCode = ok ? 0 : 1;
