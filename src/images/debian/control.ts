/** Debian control files (deb822(5)): paragraphs of "Field: value" with continuation lines. */
import { formatError } from '../errors.ts';

/** Field names in lower case. Continuation lines are joined with newlines, their leading blank removed. */
export type Paragraph = ReadonlyMap<string, string>;

const FieldPattern = /^([!-9;-~]+):[ \t]*(.*)$/;

/**
 * All paragraphs of a short control file; lines that start with `#` are comments.
 *
 * @param file the name used in errors
 * @throws ImageError `format`, naming the offset in characters
 */
export function parseControl(text: string, file: string): Paragraph[] {
  const paragraphs: Paragraph[] = [];
  let current: Map<string, string> | undefined;
  let field = '';
  let at = 0;
  for (const rawLine of text.split('\n')) {
    const line = rawLine.trimEnd();
    const start = at;
    at += rawLine.length + 1;
    if (line.startsWith('#')) continue;
    if (line === '') {
      current = undefined;
      continue;
    }
    if (line.startsWith(' ') || line.startsWith('\t')) {
      if (current === undefined) throw formatError(file, start, 'a continuation line without a field');
      current.set(field, `${current.get(field)}\n${line.slice(1)}`);
      continue;
    }
    const match = FieldPattern.exec(line);
    if (match === null) throw formatError(file, start, 'a line that is neither a field nor a continuation');
    if (current === undefined) {
      current = new Map();
      paragraphs.push(current);
    }
    field = match[1].toLowerCase();
    if (current.has(field)) throw formatError(file, start, `the field ${match[1]} is given twice`);
    current.set(field, match[2]);
  }
  return paragraphs;
}
