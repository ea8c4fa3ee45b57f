/** Branches from which on code can wait for a translator: below, it is to be translated at once. */
const TRANSLATOR_THRESHOLD = 100;

/** Whether a host with this threshold has a translator, unless it is told. */
export const wantsTranslator = (hotThreshold: number): boolean => hotThreshold >= TRANSLATOR_THRESHOLD;
