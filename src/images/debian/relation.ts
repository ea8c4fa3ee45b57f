/** Relationship fields such as Depends and Provides (Debian Policy 7.1). */
import { ImageError } from '../errors.ts';
import type { VersionOperator } from './version.ts';

export interface Relation {
  readonly name: string;
  readonly operator?: VersionOperator;
  readonly version?: string;
}

/** Alternatives: one of them must hold. */
export type RelationGroup = readonly Relation[];

/** name[:architecture] [(operator version)] [[architectures]] [<profiles>], blanks reduced to single spaces */
const RelationPattern =
  /^([a-z0-9][a-z0-9+.-]*)(?::[a-z0-9-]+)? ?(?:\( ?(<<|<=|=|>=|>>|<|>) ?([^ ()<=>]+) ?\))? ?(?:\[[^\]]*\])?(?: ?<[^>]*>)*$/i;

/** Before 1995 `<` and `>` meant `<=` and `>=`, and still do. */
const Operators: Readonly<Record<string, VersionOperator>> = { '<': '<=', '>': '>=' };

function parseRelation(text: string, whole: string): Relation {
  const match = RelationPattern.exec(text.trim().replace(/\s+/g, ' '));
  if (match === null) {
    throw new ImageError(
      'format',
      `the package relation ${JSON.stringify(text.trim())} in ${JSON.stringify(whole)} is malformed`,
    );
  }
  const [, name, operator, version] = match;
  if (operator === undefined) return { name };
  return { name, operator: Operators[operator] ?? (operator as VersionOperator), version };
}

/**
 * A whole field: comma-separated groups of `|`-separated alternatives.
 *
 * @throws ImageError `format`
 */
export function parseRelations(field: string): RelationGroup[] {
  return field
    .split(',')
    .filter((group) => group.trim() !== '')
    .map((group) => group.split('|').map((relation) => parseRelation(relation, field)));
}

/** As the field writes it, for messages. */
export function formatRelation(group: RelationGroup): string {
  return group
    .map(({ name, operator, version }) => (operator === undefined ? name : `${name} (${operator} ${version})`))
    .join(' | ');
}
