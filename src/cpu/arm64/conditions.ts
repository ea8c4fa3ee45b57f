/** The sixteen conditions by the value of a cond field (Arm ARM C1.2.4). */
export const conditionNames = [
  'eq',
  'ne',
  'cs',
  'cc',
  'mi',
  'pl',
  'vs',
  'vc',
  'hi',
  'ls',
  'ge',
  'lt',
  'gt',
  'le',
  'al',
  'nv',
] as const;

/** A condition as it is written; 'hs' is 'cs' and 'lo' is 'cc'. */
export type Condition = (typeof conditionNames)[number] | 'hs' | 'lo';

/** The cond field of a condition. */
export const conditionCode = (condition: Condition): number => {
  if (condition === 'hs') return 2;
  if (condition === 'lo') return 3;
  return conditionNames.indexOf(condition);
};
