import type { TranslationStatistics } from '../cpu/region-translator.ts';
import type { HostStatistics } from '../host/host.ts';
import type { ThreadStatistics } from '../host/thread-statistics.ts';
import { alignColumns } from './table.ts';

/** What physical CPUs and the translator counted, for people and for programs. */

/** Adds up what several threads counted; of the longest pauses it keeps the longest. */
const sum = ({ physicalCpus, translator }: HostStatistics): ThreadStatistics => {
  const add = (get: (thread: ThreadStatistics) => number): number =>
    physicalCpus.reduce((total, thread) => total + get(thread), 0);
  const addAll = (get: (thread: TranslationStatistics) => number): number =>
    add(get) + (translator === null ? 0 : get(translator));
  const names = Object.keys(physicalCpus[0]?.exits ?? {});
  return {
    instructions: add((thread) => thread.instructions),
    hotInstructions: add((thread) => thread.hotInstructions),
    decoded: add((thread) => thread.decoded),
    regions: addAll((thread) => thread.regions),
    regionInstructions: addAll((thread) => thread.regionInstructions),
    regionBytes: addAll((thread) => thread.regionBytes),
    modules: addAll((thread) => thread.modules),
    compileTime: addAll((thread) => thread.compileTime),
    evictions: addAll((thread) => thread.evictions),
    regionEntries: add((thread) => thread.regionEntries),
    pauseTime: add((thread) => thread.pauseTime),
    longestPause: Math.max(...physicalCpus.map(({ longestPause }) => longestPause)),
    quickFills: add((thread) => thread.quickFills),
    slowLoads: add((thread) => thread.slowLoads),
    slowStores: add((thread) => thread.slowStores),
    slowAtomics: add((thread) => thread.slowAtomics),
    slowFetches: add((thread) => thread.slowFetches),
    exits: Object.fromEntries(names.map((name) => [name, add(({ exits }) => exits[name] ?? 0)])),
  };
};

const count = (value: number): string => value.toLocaleString('en-US').replaceAll(',', ' ');
const share = (part: number, whole: number): string => (whole === 0 ? '-' : `${((100 * part) / whole).toFixed(1)} %`);
const milliseconds = (value: number): string => `${value.toFixed(value < 10 ? 2 : 0)} ms`;
const kibibytes = (value: number): string => `${count(Math.round(value / 1024))} KiB`;

/** A row of what physical CPUs count, and one of what the translator counts as well. */
type Row = readonly [name: string, cell: (thread: ThreadStatistics) => string];
type TranslationRow = readonly [name: string, cell: (thread: TranslationStatistics) => string];

const executionRows: readonly Row[] = [
  ['instructions', ({ instructions }) => count(instructions)],
  ['  in the cold tier', ({ instructions, hotInstructions: hot }) => share(instructions - hot, instructions)],
  ['  in the hot tier', ({ instructions, hotInstructions }) => share(hotInstructions, instructions)],
  ['  entries of the hot tier', ({ regionEntries }) => count(regionEntries)],
  ['records decoded', ({ decoded }) => count(decoded)],
];

const translationRows: readonly TranslationRow[] = [
  ['regions translated', ({ regions }) => count(regions)],
  ['  guest instructions', ({ regionInstructions }) => count(regionInstructions)],
  ['  modules', ({ modules }) => count(modules)],
  ['  WebAssembly', ({ regionBytes }) => kibibytes(regionBytes)],
  ['  time', ({ compileTime }) => milliseconds(compileTime)],
  ['  all dropped', ({ evictions }) => count(evictions)],
];

const waitingRows: readonly Row[] = [
  ['guest waited for translation', ({ pauseTime }) => milliseconds(pauseTime)],
  ['  longest', ({ longestPause }) => milliseconds(longestPause)],
];

const slowRows: readonly Row[] = [
  ['  filled in wasm', ({ quickFills }) => count(quickFills)],
  ['  slow loads', ({ slowLoads }) => count(slowLoads)],
  ['  slow stores', ({ slowStores }) => count(slowStores)],
  ['  slow atomics', ({ slowAtomics }) => count(slowAtomics)],
  ['  slow fetches', ({ slowFetches }) => count(slowFetches)],
];

/** waitForInterrupt as 'wait for interrupt'. */
const words = (name: string): string => name.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);

/** A table with a column for each thread, and one for all of them if there are several. */
export const statisticsTable = (counted: HostStatistics): string => {
  const { physicalCpus, translator } = counted;
  const total = sum(counted);
  const several = physicalCpus.length > 1 || translator !== null;
  const line = ([name, cell]: Row): string[] => [
    name,
    ...physicalCpus.map(cell),
    ...(translator === null ? [] : ['']),
    ...(several ? [cell(total)] : []),
  ];
  const translationLine = ([name, cell]: TranslationRow): string[] => [
    name,
    ...physicalCpus.map((thread) => (translator === null ? cell(thread) : '')),
    ...(translator === null ? [] : [cell(translator)]),
    ...(several ? [cell(total)] : []),
  ];
  const exits = Object.entries(total.exits)
    .filter(([, times]) => times > 0)
    .sort(([, a], [, b]) => b - a)
    .map(([name]): Row => [`  ${words(name)}`, (thread) => count(thread.exits[name] ?? 0)]);
  return alignColumns([
    [
      '',
      ...[...physicalCpus.keys()].map((index) => `pcpu ${index}`),
      ...(translator === null ? [] : ['translator']),
      ...(several ? ['all'] : []),
    ],
    ...executionRows.map(line),
    ...translationRows.map(translationLine),
    ...waitingRows.map(line),
    line(['misses of the translation table', () => '']),
    ...slowRows.map(line),
    line(['exits', () => '']),
    ...exits.map(line),
  ])
    .split('\n')
    .map((text) => text.trimEnd())
    .join('\n');
};

/** `pcpus`, the `translator` (null if there is none), and `all` of them added up. */
export const statisticsObject = (counted: HostStatistics): object => ({
  pcpus: counted.physicalCpus,
  translator: counted.translator,
  all: sum(counted),
});
