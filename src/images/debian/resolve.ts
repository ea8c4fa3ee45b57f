/** Dependency resolution: which packages of an index a set of packages needs. */
import { ImageError } from '../errors.ts';
import type { DebianPackage, PackagesIndex } from './packages.ts';
import { formatRelation, type Relation, type RelationGroup } from './relation.ts';
import { versionSatisfies } from './version.ts';

export interface ResolveOptions {
  /** Which relations to follow; all of them unless given. */
  readonly follow?: (needing: DebianPackage, group: RelationGroup) => boolean;
  /** The archive's name for messages, such as its suite. */
  readonly where: string;
}

const Priorities = ['required', 'important', 'standard', 'optional', 'extra'];

function satisfies(candidate: DebianPackage, { name, operator, version }: Relation): boolean {
  if (candidate.name === name) {
    if (operator === undefined || version === undefined) return true;
    return versionSatisfies(candidate.version, operator, version);
  }
  return candidate.provides.some((provided) => {
    if (provided.name !== name) return false;
    if (operator === undefined || version === undefined) return true;
    // A provided name satisfies a versioned relation only if it states a version (Debian Policy 7.5).
    return provided.version !== undefined && versionSatisfies(provided.version, operator, version);
  });
}

/** The package to take for a relation: a real one before those that provide the name, important ones first. */
function candidateFor(index: PackagesIndex, relation: Relation): DebianPackage | undefined {
  const real = index.versions(relation.name).find((candidate) => satisfies(candidate, relation));
  if (real !== undefined) return real;
  const rank = ({ priority }: DebianPackage): number => Priorities.indexOf(priority) + 1 || Priorities.length + 1;
  return index
    .providers(relation.name)
    .flatMap((name) => index.versions(name).find((candidate) => satisfies(candidate, relation)) ?? [])
    .sort((a, b) => rank(a) - rank(b) || (a.name < b.name ? -1 : 1))[0];
}

class Resolver {
  readonly #index: PackagesIndex;
  readonly #options: ResolveOptions;
  readonly #selected = new Map<string, DebianPackage>();
  /** For each selected package, the one that needed it; absent for those asked for. */
  readonly #neededBy = new Map<string, DebianPackage>();
  /** Relations that leave a choice wait until everything certain is selected, which often settles them. */
  #certain: { group: RelationGroup; needing: DebianPackage | undefined }[] = [];
  #open: { group: RelationGroup; needing: DebianPackage | undefined }[] = [];

  constructor(index: PackagesIndex, options: ResolveOptions) {
    this.#index = index;
    this.#options = options;
  }

  run(wanted: readonly RelationGroup[]): DebianPackage[] {
    for (const group of wanted) this.#need(group, undefined);
    for (let next = this.#next(); next !== undefined; next = this.#next()) this.#settle(next.group, next.needing);
    return this.#inOrder();
  }

  #next(): { group: RelationGroup; needing: DebianPackage | undefined } | undefined {
    return this.#certain.shift() ?? this.#open.shift();
  }

  #need(group: RelationGroup, needing: DebianPackage | undefined): void {
    const isCertain = group.length === 1 && this.#index.versions(group[0].name).length > 0;
    (isCertain ? this.#certain : this.#open).push({ group, needing });
  }

  #isMet(group: RelationGroup): boolean {
    return group.some((relation) => {
      const direct = this.#selected.get(relation.name);
      if (direct !== undefined && satisfies(direct, relation)) return true;
      return this.#index.providers(relation.name).some((name) => {
        const provider = this.#selected.get(name);
        return provider !== undefined && satisfies(provider, relation);
      });
    });
  }

  #settle(group: RelationGroup, needing: DebianPackage | undefined): void {
    if (this.#isMet(group)) return;
    for (const relation of group) {
      const candidate = candidateFor(this.#index, relation);
      // A package already selected in another version cannot be had twice.
      if (candidate === undefined || this.#selected.has(candidate.name)) continue;
      this.#select(candidate, needing);
      return;
    }
    throw this.#failure(group, needing);
  }

  #select(chosen: DebianPackage, needing: DebianPackage | undefined): void {
    this.#selected.set(chosen.name, chosen);
    if (needing !== undefined) this.#neededBy.set(chosen.name, needing);
    for (const group of chosen.depends) {
      if (this.#options.follow?.(chosen, group) ?? true) this.#need(group, chosen);
    }
  }

  #failure(group: RelationGroup, needing: DebianPackage | undefined): ImageError {
    const relation = formatRelation(group);
    const has = group.flatMap(({ name }) => this.#index.versions(name).map((found) => `${name} ${found.version}`));
    const instead = has.length === 0 ? '' : ` (it has ${has.join(', ')})`;
    if (needing === undefined)
      return new ImageError('dependency', `${this.#options.where} has no package ${relation}${instead}`);
    const chain = [needing.name];
    for (let up = this.#neededBy.get(needing.name); up !== undefined; up = this.#neededBy.get(up.name)) {
      chain.unshift(up.name);
    }
    return new ImageError(
      'dependency',
      `${chain.join(' needs ')} needs ${relation}, which ${this.#options.where} does not have${instead}`,
    );
  }

  /** Dependencies before what needs them; cycles are cut where they are entered. */
  #inOrder(): DebianPackage[] {
    const ordered = new Set<DebianPackage>();
    const entered = new Set<DebianPackage>();
    for (const root of this.#selected.values()) {
      const stack: { item: DebianPackage; pending: Iterator<DebianPackage> }[] = [];
      const enter = (item: DebianPackage): void => {
        if (entered.has(item)) return;
        entered.add(item);
        stack.push({ item, pending: this.#dependenciesOf(item)[Symbol.iterator]() });
      };
      enter(root);
      for (let top = stack.at(-1); top !== undefined; top = stack.at(-1)) {
        const next = top.pending.next();
        if (next.done === true) {
          ordered.add(top.item);
          stack.pop();
        } else enter(next.value);
      }
    }
    return [...ordered];
  }

  #dependenciesOf(item: DebianPackage): DebianPackage[] {
    return item.depends.flatMap((group) =>
      group.flatMap((relation) => {
        const names = [relation.name, ...this.#index.providers(relation.name)];
        const found = names
          .map((name) => this.#selected.get(name))
          .find((p) => p !== undefined && satisfies(p, relation));
        return found ?? [];
      }),
    );
  }
}

/**
 * The wanted packages and all they need, dependencies first. The first alternative that the index can provide is
 * taken, unless another is needed anyway. Conflicts and Breaks are not considered: within one suite the archive
 * keeps them satisfiable.
 *
 * @throws ImageError `dependency`, naming the chain of packages that led to what is missing
 */
export function resolvePackages(
  index: PackagesIndex,
  wanted: readonly RelationGroup[],
  options: ResolveOptions,
): DebianPackage[] {
  return new Resolver(index, options).run(wanted);
}
