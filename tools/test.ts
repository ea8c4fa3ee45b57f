import { globSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { run } from 'node:test';
import { spec } from 'node:test/reporters';

/**
 * Runs the tests: `node tools/test.ts [FILE OR PATTERN ...]`. Prints each file's outcome and, last of all, a line
 * `N passed, N failed` with the skipped ones added if there are any.
 */

const patterns = process.argv.slice(2);
const files = (patterns.length > 0 ? patterns : ['test/**/*.test.ts']).flatMap((pattern) => globSync(pattern)).sort();
if (files.length === 0) {
  console.error(`no test files match ${patterns.join(' ')}`);
  process.exit(2);
}

let passed = 0;
let failed = 0;
let skipped = 0;

/** The longest a test file may take, in milliseconds. */
const FILE_TIMEOUT = 300_000;

const stream = run({ files, concurrency: availableParallelism(), timeout: FILE_TIMEOUT });
stream.on('test:pass', ({ details, skip, todo }) => {
  if (details.type === 'suite') return;
  if (skip !== undefined || todo !== undefined) skipped++;
  else passed++;
});
stream.on('test:fail', ({ details }) => {
  if (details.type !== 'suite') failed++;
});

const reporter = stream.compose(new spec());
reporter.pipe(process.stdout);
reporter.on('end', () => {
  const rest = skipped > 0 ? `, ${skipped} skipped` : '';
  console.log(`${passed} passed, ${failed} failed${rest}`);
  process.exitCode = failed > 0 || passed === 0 ? 1 : 0;
});
