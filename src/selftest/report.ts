import { subjects } from './subjects/subjects.ts';
import { REPORT_END, REPORT_MARK } from './verdict.ts';

/** What the self-test guest wrote, for programs and for people. */

export interface SubjectResult {
  /** One word, such as 'timer'. */
  readonly name: string;
  readonly ok: boolean;
  /** What failed, with the expected and the actual value; or what else is to tell, if anything. */
  readonly detail: string;
}

const NO_RESULT = 'the guest ended before it came to this';
const STUCK = 'the guest ended during this';

const LINE = /^(\S+) (?:(ok)(?:: (.*))?|failed: (.*))$/;

/** The results that stand in the guest's console output, in its order. */
const readLines = (consoleText: string): SubjectResult[] =>
  consoleText.split('\n').flatMap((line) => {
    const at = line.indexOf(REPORT_MARK);
    const match = at < 0 ? null : LINE.exec(line.slice(at + REPORT_MARK.length).trimEnd());
    if (match === null) return [];
    const [, name, ok, note, failure] = match;
    return [{ name, ok: ok !== undefined, detail: note ?? failure ?? '' }];
  });

/** Whether the guest came to its end. */
export const isComplete = (consoleText: string): boolean =>
  consoleText.split('\n').some((line) => line.trimEnd().endsWith(`${REPORT_MARK}${REPORT_END}`));

/**
 * The result of every subject, in the order in which the guest runs them. A subject without a line has failed, and so has one
 * whose line was cut off.
 */
export const readReport = (consoleText: string): SubjectResult[] => {
  const found = new Map(readLines(consoleText).map((result) => [result.name, result]));
  let alive = true;
  return subjects.map(({ name }) => {
    const result = found.get(name);
    if (result !== undefined) return result;
    const detail = alive ? STUCK : NO_RESULT;
    alive = false;
    return { name, ok: false, detail };
  });
};

/** A result in words, such as 'the GICv3 interrupt controller: works'. */
export const describe = ({ name, ok, detail }: SubjectResult): string => {
  const title = subjects.find((subject) => subject.name === name)?.title ?? name;
  const verdict = ok ? 'works' : 'does NOT work';
  return detail === '' ? `${title}: ${verdict}` : `${title}: ${verdict} (${detail})`;
};
