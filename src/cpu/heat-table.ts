/** The heat table: u16 counters of how often a branch went to a record, by which the engine finds code worth translating. */

export const HEAT_ENTRIES = 1 << 16;
export const HEAT_BYTES = HEAT_ENTRIES * 2;
